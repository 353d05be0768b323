"""Settings of the cluster: which, where in it, from which images."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from lumihub.settings.kinds import (
    FilePath,
    NodeSelector,
    ObjectName,
    Seconds,
    Section,
    StorageClass,
    Tolerations,
    Words,
    build_broken_rule,
)
from lumihub.settings.models.objects import Resources

_NAMESPACE = r"^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$"
Namespace = Annotated[str, Words("at most 63 small letters, digits and '-', beginning with a letter")]


class Kubernetes(Section):
    """Running on a Kubernetes cluster."""

    context: Annotated[str, Words("the name of a context")] | None = Field(
        None,
        min_length=1,
        description="Which cluster, by its context in the kubeconfig (`kubectl config get-contexts`). null, the"
        " default, is this machine alone, without Kubernetes.",
    )
    namespace: Namespace = Field(
        "lumihub", pattern=_NAMESPACE, description="Namespace of the hub, the proxy and the cache."
    )
    users_namespace: Namespace = Field(
        "lumihub-users",
        pattern=_NAMESPACE,
        description="Namespace of students' servers and homes; of its own, so that the hub has rights there alone.",
    )
    release: Annotated[str, Words("at most 53 small letters, digits and '-', beginning with a letter")] = Field(
        "lumihub", pattern=r"^[a-z]([a-z0-9-]{0,51}[a-z0-9])?$", description="Name of the Helm release."
    )
    timeout: Seconds = Field(
        600,
        ge=60,
        description="Seconds that `up` may take until every part is ready; then the release that ran before comes"
        " back. The default outlasts large images over a slow link.",
    )

    @model_validator(mode="after")
    def _namespaces_differ(self) -> Self:
        if self.users_namespace == self.namespace:
            raise build_broken_rule(
                f"is {self.users_namespace}, the namespace of the hub",
                key="usersNamespace",
                fix="give kubernetes.usersNamespace another name: the hub may make pods there, and must not in its own",
                involved=("namespace",),
            )
        return self


class Images(Section):
    """The images that `./deploy.py images` builds and clusters pull. On Kubernetes alone."""

    registry: Annotated[str, Words("a registry with a folder, as in registry.example.org/lumihub")] = Field(
        "localhost/lumihub",
        pattern=r"^[a-z0-9][a-z0-9.:/_-]*[a-z0-9]$",
        description="Where the images lie. The default is for a single node onto which `./deploy.py images load` puts"
        " them; name your institution's registry for more nodes.",
        examples=["registry.example.org/lumihub"],
    )
    tag: Annotated[str, Words("a tag")] | None = Field(
        None,
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$",
        description="Which version of the images. null, the default, takes those that belong to this version of"
        " LumiHub.",
    )
    pull_policy: Literal["IfNotPresent", "Always", "Never"] = Field(
        "IfNotPresent",
        description="When nodes pull. `IfNotPresent`: what is missing; the default, because a tag never gets other"
        " contents. `Always`: asks the registry each time. `Never`: only what was loaded.",
    )
    pull_secrets: Annotated[tuple[ObjectName, ...], Words("a list of names of Secrets, as in [registry]")] = Field(
        (),
        description="Secrets with the registry's password, in `kubernetes.namespace`. `up` copies them into the other"
        " namespaces that pull images, where none of that name is yet.",
    )
    containerd: FilePath | None = Field(
        None,
        description="Socket of the node's containerd, for `./deploy.py images load` on that node. null, the default,"
        " looks in the usual places.",
        examples=["/run/k3s/containerd/containerd.sock"],
    )


class Cache(Section):
    """The data cache's pod; how large it is and what it keeps, `data` says. On Kubernetes alone."""

    enabled: bool = Field(
        True, description="Whether there is one. It also takes `data.mode: cache`; without one students stream."
    )
    replicas: int = Field(
        1,
        ge=1,
        le=20,
        description="How many caches there are. Each file has one of them as its home, so that its bytes come over the"
        " link once. Each has a volume of its own for `data.cache.size`, and may run on a node of its own: more"
        " than one is for sites where one node's disk or network is too small for all that is read at once.",
    )
    storage_class: StorageClass | None = Field(
        None,
        description="StorageClass of its volume, which is a fifth larger than `data.cache.size`. null, the default,"
        " takes the cluster's own default.",
    )
    resources: Resources = Field(
        default_factory=lambda: Resources(requests={"cpu": "100m", "memory": "256Mi"}),
        description="Processor and memory of the cache's pod.",
    )
    node_selector: NodeSelector = Field(default_factory=dict, description="Labels that the cache's node must have.")
    tolerations: Tolerations = Field((), description="Taints of nodes that don't keep the cache away.")
    allowed_namespaces: Annotated[tuple[ObjectName, ...], Words("a list of namespaces, as in [jhub]")] = Field(
        (), description="More namespaces whose pods may read from it, such as that of another hub's students."
    )


class NetworkPolicy(Section):
    """Rules that keep pods from reaching what they need not. On Kubernetes alone."""

    enabled: bool = Field(
        True,
        description="Whether there are any. Without them students reach the hub's database, each other and the"
        " cluster's insides; false only where another tool sets the rules.",
    )


class DeployedImages(Section):
    """References of the images, with their digests where they are known."""

    hub: str = Field("", description="Image of the hub; written by deploy.py, leave it out.")
    lab: str = Field("", description="Image of students' servers; written by deploy.py, leave it out.")
    cache: str = Field("", description="Image of the data cache; written by deploy.py, leave it out.")
    proxy: str = Field("", description="Image of the proxy; written by deploy.py, leave it out.")
    gateway: str = Field("", description="Image of the Dask gateway; written by deploy.py, leave it out.")
    data: str = Field("", description="Image of data work; written by deploy.py, leave it out.")


class LessonFile(Section):
    """A file of the institution's own lessons."""

    text: str | None = Field(None, description="What is in it, where it is text.")
    base64: str | None = Field(None, description="What is in it, where it is none.")


class Deployment(Section):
    """What deploy.py found out and tells the chart. Written by deploy.py; leave it out."""

    images: DeployedImages = Field(default_factory=DeployedImages)
    origin_manifest: str = Field("", description="Text of data.origin.manifest; written by deploy.py, leave it out.")
    lessons: dict[str, LessonFile] = Field(
        default_factory=dict,
        description="What is in lessons.folder, by its path there; written by deploy.py, leave it out.",
    )
    nightly: str = Field("", description="The packed work of data.nightly; written by deploy.py, leave it out.")
    simulated: bool = Field(
        False,
        description="Students read the built-in sample, for the origin does not answer; written by deploy.py,"
        " leave it out.",
    )
    api_ports: tuple[int, ...] = Field(
        (),
        description="Ports of the cluster's API beside 443 and 6443, which the hub must reach; written by deploy.py,"
        " leave it out.",
    )
    protected_networks: tuple[str, ...] = Field(
        (),
        description="Public addresses of nodes and of the cluster's API, which students may not reach; written by"
        " deploy.py, leave it out.",
    )
