"""Settings of an Ingress or a Gateway before the proxy."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from lumihub.settings.kinds import Annotations, HostName, ObjectName, Section, Words, build_broken_rule

Hosts = Annotated[tuple[HostName, ...], Words("a list of host names, as in [hub.example.org]")]


class Ingress(Section):
    """An Ingress that leads browsers to the proxy. On Kubernetes alone."""

    enabled: bool = Field(
        False,
        description="Whether there is one. Off by default, because it needs an ingress controller; then also set"
        " `proxy.service.type: ClusterIP`.",
    )
    annotations: Annotations = Field(
        default_factory=dict, description="Annotations that the ingress controller or cert-manager reads."
    )
    ingress_class_name: ObjectName | None = Field(
        None, description="Which ingress controller. null, the default, takes the cluster's default one."
    )
    hosts: Hosts = Field((), description="Host names of the hub. An empty list, the default, takes any.")
    path_type: Literal["Prefix", "ImplementationSpecific"] = Field(
        "Prefix",
        description="How the path / is compared. `Prefix`: as Kubernetes defines it. `ImplementationSpecific`: as the"
        " controller likes, which some want.",
    )
    tls: Annotated[
        tuple[dict[str, Any], ...],
        Words("a list of certificates, as in [{hosts: [hub.example.org], secretName: hub-tls}]"),
    ] = Field((), description="Certificates, by the Secrets that hold them. An empty list, the default, is http://.")


class Gateway(Section):
    """The Gateway that the route belongs to. On Kubernetes alone."""

    name: ObjectName | None = Field(None, description="Its name. null, the default, is none.")
    namespace: ObjectName | None = Field(
        None, description="Its namespace. null, the default, is `kubernetes.namespace`."
    )
    section_name: ObjectName | None = Field(
        None, description="Which of its listeners. null, the default, is every one that fits."
    )


class HttpRoute(Section):
    """A route of the Gateway API that leads browsers to the proxy. On Kubernetes alone."""

    enabled: bool = Field(
        False,
        description="Whether there is one. Off by default, because it needs the Gateway API and a Gateway; then also"
        " set `proxy.service.type: ClusterIP`.",
    )
    annotations: Annotations = Field(default_factory=dict, description="Annotations of the route.")
    gateway: Gateway = Field(default_factory=Gateway)
    hostnames: Hosts = Field((), description="Host names of the hub. An empty list, the default, takes the Gateway's.")

    @model_validator(mode="after")
    def _names_gateway(self) -> Self:
        if self.enabled and self.gateway.name is None:
            raise build_broken_rule(
                "is missing, and httpRoute.enabled is true",
                key="gateway.name",
                fix="name the Gateway, or set httpRoute.enabled to false",
                involved=("enabled",),
            )
        return self
