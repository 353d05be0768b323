"""The whole values file, and the rules that join its sections."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from lumihub.settings.kinds import Internal, Section, build_broken_rule
from lumihub.settings.models.auth import Auth
from lumihub.settings.models.cull import Cull
from lumihub.settings.models.dask import Dask
from lumihub.settings.models.data import Data
from lumihub.settings.models.hub import Hub
from lumihub.settings.models.kubernetes import Cache, Deployment, Images, Kubernetes, NetworkPolicy
from lumihub.settings.models.lessons import Lessons
from lumihub.settings.models.local import Local
from lumihub.settings.models.proxy import Proxy
from lumihub.settings.models.routes import HttpRoute, Ingress
from lumihub.settings.models.scheduling import PrePuller, Scheduling
from lumihub.settings.models.singleuser import Singleuser

_LONGEST_NAMESPACE = 63


class Settings(Section):
    """The whole values file. An empty one is valid: every key has a default."""

    auth: Auth = Field(default_factory=Auth)
    hub: Hub = Field(default_factory=Hub)
    proxy: Proxy = Field(default_factory=Proxy)
    singleuser: Singleuser = Field(default_factory=Singleuser)
    cull: Cull = Field(default_factory=Cull)
    data: Data = Field(default_factory=Data)
    dask: Dask = Field(default_factory=Dask)
    lessons: Lessons = Field(default_factory=Lessons)
    local: Local = Field(default_factory=Local)
    kubernetes: Kubernetes = Field(default_factory=Kubernetes)
    images: Images = Field(default_factory=Images)
    cache: Cache = Field(default_factory=Cache)
    ingress: Ingress = Field(default_factory=Ingress)
    http_route: HttpRoute = Field(default_factory=HttpRoute)
    scheduling: Scheduling = Field(default_factory=Scheduling)
    pre_puller: PrePuller = Field(default_factory=PrePuller)
    network_policy: NetworkPolicy = Field(default_factory=NetworkPolicy)
    deployment: Annotated[Deployment, Internal()] = Field(default_factory=Deployment)

    @model_validator(mode="after")
    def _ports_differ(self) -> Self:
        if self.kubernetes.context is None and self.data.mode == "cache" and self.proxy.port == self.data.cache.port:
            raise build_broken_rule(
                f"is {self.data.cache.port}, the port that browsers open too (proxy.port)",
                key="data.cache.port",
                fix="give data.cache.port another number, or leave it out",
                involved=("proxy.port", "data.mode", "kubernetes.context"),
            )
        return self

    @model_validator(mode="after")
    def _cohorts_have_names(self) -> Self:
        if self.kubernetes.context is None or not self.gateway_enabled:
            return self
        for name, namespace in self.cohort_namespaces.items():
            if len(namespace) > _LONGEST_NAMESPACE:
                raise build_broken_rule(
                    f"has {name}, whose namespace {namespace} would be longer than {_LONGEST_NAMESPACE} characters",
                    key="dask.gateway.cohorts",
                    fix="give the cohort or kubernetes.namespace a shorter name",
                    involved=("kubernetes.namespace", "kubernetes.context"),
                )
            if namespace in (self.kubernetes.namespace, self.kubernetes.users_namespace):
                raise build_broken_rule(
                    f"has {name}, whose namespace {namespace} is another's already",
                    key="dask.gateway.cohorts",
                    fix="rename the cohort or kubernetes.usersNamespace",
                    involved=("kubernetes.usersNamespace", "kubernetes.context"),
                )
        return self

    @property
    def gateway_enabled(self) -> bool:
        """Whether students can have Dask workers in pods of their own; on a cluster alone."""
        return self.hub.enabled and self.dask.enabled and self.dask.gateway.enabled

    @property
    def platform_enabled(self) -> bool:
        """Whether the platform's own Dask can be used for data work; on a cluster alone."""
        return self.dask.enabled and self.dask.platform.enabled

    @property
    def demo_enabled(self) -> bool:
        """Whether a class can have a demonstration cluster; on a cluster alone."""
        return self.hub.enabled and self.platform_enabled and self.dask.demo.enabled

    @property
    def cache_names(self) -> tuple[str, ...]:
        """The caches of a cluster, as their Services are called; one machine has one."""
        count = 1 if self.kubernetes.context is None else self.cache.replicas
        return ("cache", *(f"cache-{number}" for number in range(1, count)))

    @property
    def data_namespace(self) -> str:
        """The namespace of data work."""
        return f"{self.kubernetes.namespace}-data"

    @property
    def demo_namespace(self) -> str:
        """The namespace of the demonstration cluster."""
        return f"{self.kubernetes.namespace}-demo"

    @property
    def cohort_namespaces(self) -> dict[str, str]:
        """The namespace of each cohort's Dask clusters, by the cohort's name, the default one first."""
        return {name: f"{self.kubernetes.namespace}-dask-{name}" for name in self.dask.gateway.cohorts}

    @model_validator(mode="after")
    def _cluster_can_read(self) -> Self:
        if self.kubernetes.context is None:
            return self
        if self.data.mode == "mirror":
            raise build_broken_rule(
                "is mirror, a folder of one machine, which a cluster's nodes don't share",
                key="data.mode",
                fix="set data.mode to cache, which keeps what was read on a volume of the cluster",
                involved=("kubernetes.context",),
            )
        if "://" not in self.data.origin.url:
            raise build_broken_rule(
                f"is {self.data.origin.url}, a folder of one machine, which a cluster's nodes don't share",
                key="data.origin.url",
                fix="name an origin by its URL (root://... or https://...), or leave it out to read from CERN",
                involved=("kubernetes.context",),
            )
        return self

    @model_validator(mode="after")
    def _night_has_a_cache(self) -> Self:
        if not self.data.nightly.wanted:
            return self
        cluster = self.kubernetes.context is not None
        on_cluster = {
            "cache.enabled": self.cache.enabled,
            "dask.enabled": self.dask.enabled,
            "dask.platform.enabled": self.dask.platform.enabled,
        }
        missing = ["data.mode"] if self.data.mode != "cache" else []
        if cluster:
            missing += [key for key, enabled in on_cluster.items() if not enabled]
        if missing:
            key, needed = missing[0], "cache" if missing[0] == "data.mode" else "true"
            raise build_broken_rule(
                f"can fill no cache at night unless {key} is {needed}",
                key="data.nightly",
                fix=f"set {key} to {needed}, or leave data.nightly out",
                involved=("data.mode", "kubernetes.context", *on_cluster),
            )
        return self

    @model_validator(mode="after")
    def _machine_can_serve(self) -> Self:
        if self.kubernetes.context is not None:
            return self
        if not self.hub.enabled:
            raise build_broken_rule(
                "is false, which leaves nothing to run on one machine, and kubernetes.context is null",
                key="hub.enabled",
                fix="set hub.enabled to true, or name a cluster in kubernetes.context",
                involved=("kubernetes.context",),
            )
        for key, value, known in (
            ("auth.type", self.auth.type, "native"),
            ("proxy.https.type", self.proxy.https.type, "manual"),
        ):
            if value != known:
                raise build_broken_rule(
                    f"is {value}, which takes Kubernetes, and kubernetes.context is null",
                    key=key,
                    fix=f"set {key} to {known}, or name a cluster in kubernetes.context",
                    involved=("kubernetes.context", "proxy.https.enabled"),
                )
        return self
