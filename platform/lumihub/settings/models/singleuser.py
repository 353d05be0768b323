"""Settings of a student's server."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lumihub.settings.kinds import (
    Annotations,
    Environment,
    Labels,
    Memory,
    NodeSelector,
    PolicyRules,
    Seconds,
    Section,
    ServerMemory,
    StorageClass,
    Tolerations,
    VolumeMounts,
    Volumes,
    Words,
)


class SingleuserMemory(Section):
    """Memory of one student's server."""

    limit: ServerMemory | None = Field(
        "2G",
        description="Most memory that a student's server may take, kernels and Dask workers together. Beyond it a"
        " kernel of this student is ended and the others work on. The default holds the lessons with room to spare;"
        " null sets no limit.",
    )
    guarantee: ServerMemory | None = Field(
        "512M",
        description="Memory that is kept for a student's server on its node, so that it says how many fit; never more"
        " than `limit`. The default is what a lesson takes; null keeps none. On Kubernetes alone.",
    )


class SingleuserCpu(Section):
    """Processor time of one student's server."""

    limit: float | None = Field(
        2.0,
        gt=0,
        description="Most processor cores that a student's server may use at once; Dask starts as many workers. The"
        " default leaves the rest of the machine to the class; null sets no limit.",
    )
    guarantee: float | None = Field(
        0.1,
        gt=0,
        description="Processor cores that are kept for a student's server on its node; never more than `limit`. The"
        " default lets a class share a node, since few compute at the same moment; null keeps none. On Kubernetes"
        " alone.",
    )


class DynamicStorage(Section):
    """Volumes that the cluster makes when a student comes for the first time. On Kubernetes alone."""

    storage_class: StorageClass | None = Field(
        None, description="StorageClass of the homes. null, the default, takes the cluster's own default."
    )


class SingleuserStorage(Section):
    """Students' homes, each a volume. On Kubernetes alone; on one machine they are folders in `local.folder`."""

    capacity: Memory = Field(
        "10G", description="Size of a home. Where the StorageClass allows it, homes can grow later; never shrink."
    )
    dynamic: DynamicStorage = Field(default_factory=DynamicStorage)
    extra_volumes: Volumes = Field((), description="More volumes of every student's server, such as shared material.")
    extra_volume_mounts: VolumeMounts = Field((), description="Where they are mounted.")


class EgressAllowRules(Section):
    """What students' servers may reach beside the hub, the data cache and DNS. On Kubernetes alone."""

    non_private_ips: bool = Field(
        True,
        alias="nonPrivateIPs",
        description="The public internet. On by default, as on one machine; false for exams, or where data comes"
        " through the cache alone.",
    )
    private_ips: bool = Field(
        False,
        alias="privateIPs",
        description="Private networks (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, IPv6's, and rarer ones"
        " that some clouds use), where the cluster's own insides and the campus are. The metadata addresses of clouds"
        " stay out of reach.",
    )


class SingleuserNetworkPolicy(Section):
    """What students' servers may reach. On Kubernetes alone."""

    egress_allow_rules: EgressAllowRules = Field(default_factory=EgressAllowRules)
    egress: PolicyRules = Field(
        (),
        description="More that they may reach, such as a campus proxy.",
        examples=[[{"to": [{"ipBlock": {"cidr": "10.1.2.3/32"}}], "ports": [{"port": 3128}]}]],
    )


class Singleuser(Section):
    """A student's server."""

    memory: SingleuserMemory = Field(default_factory=SingleuserMemory)
    cpu: SingleuserCpu = Field(default_factory=SingleuserCpu)
    default_url: Annotated[str, Words("the path of a page, beginning with /")] = Field(
        "/lab",
        pattern="^/",
        description="The page where a student lands after logging in: JupyterLab by default.",
        examples=["/lab/tree/lessons"],
    )
    extra_env: Environment = Field(
        default_factory=dict,
        description="More environment variables in every student's server, such as a campus proxy. Numbers need"
        " quotes.",
        examples=[{"HTTPS_PROXY": "http://proxy.example.org:3128"}],
    )
    start_timeout: Seconds = Field(
        300,
        ge=30,
        description="Seconds until a server that does not start is given up. The default outlasts a node that pulls"
        " the image for the first time, and an autoscaler that brings a new one. On Kubernetes alone.",
    )
    storage: SingleuserStorage = Field(default_factory=SingleuserStorage)
    node_selector: NodeSelector = Field(
        default_factory=dict, description="Labels that a node for students must have. On Kubernetes alone."
    )
    extra_tolerations: Tolerations = Field(
        (), description="Taints of nodes that don't keep students away. On Kubernetes alone."
    )
    extra_labels: Labels = Field(
        default_factory=dict, description="More labels of students' pods. On Kubernetes alone."
    )
    extra_annotations: Annotations = Field(
        default_factory=dict, description="Annotations of students' pods. On Kubernetes alone."
    )
    network_policy: SingleuserNetworkPolicy = Field(default_factory=SingleuserNetworkPolicy)
