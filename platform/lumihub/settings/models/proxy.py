"""Settings of the address that browsers open."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from lumihub.settings.kinds import (
    Annotations,
    FilePath,
    HostName,
    NodeSelector,
    ObjectName,
    Section,
    Tolerations,
    Words,
    build_broken_rule,
)
from lumihub.settings.models.objects import DisruptionBudget, Resources


class Certificate(Section):
    """A certificate of your own."""

    key: FilePath = Field(description="File with the private key (PEM).", examples=["/etc/ssl/private/hub.key"])
    cert: FilePath = Field(
        description="File with the certificate, followed by those of its issuers (PEM).",
        examples=["/etc/ssl/certs/hub.pem"],
    )


class CertificateSecret(Section):
    """A certificate that lies in the cluster already. On Kubernetes alone."""

    name: ObjectName | None = Field(
        None, description="Name of the Secret, in `kubernetes.namespace`. null, the default, is none."
    )
    key: Annotated[str, Words("the name of a key")] = Field(
        "tls.key", min_length=1, description="Under which key the Secret holds the private key."
    )
    crt: Annotated[str, Words("the name of a key")] = Field(
        "tls.crt", min_length=1, description="Under which key the Secret holds the certificate."
    )


class Issuer(Section):
    """Who signs, for cert-manager. On Kubernetes alone."""

    name: ObjectName | None = Field(None, description="Name of the issuer. null, the default, is none.")
    kind: Literal["Issuer", "ClusterIssuer"] = Field(
        "ClusterIssuer",
        description="Where it is known: `Issuer`: in `kubernetes.namespace` alone, `ClusterIssuer`: everywhere.",
    )


class Https(Section):
    """Encrypted connections to the hub."""

    enabled: bool = Field(
        False,
        description="Serve https:// instead of http://. Off by default, because it needs a certificate (`manual`);"
        " switch it on wherever people you don't know share the network, for passwords travel readable without it."
        " Where an `ingress` or an `httpRoute` stands before the proxy, encrypt there.",
    )
    type: Literal["manual", "secret", "cert-manager", "offload"] = Field(
        "manual",
        description="Where the certificate comes from. `manual`: from files, by `manual`. On Kubernetes also `secret`:"
        " from a Secret, `cert-manager`: cert-manager has it signed by `issuer`, `offload`: from the load balancer"
        " before the proxy, which decrypts.",
    )
    manual: Certificate | None = Field(
        None,
        description="The certificate to serve, from your institution or an authority; null, the default, is none.",
    )
    secret: CertificateSecret = Field(default_factory=CertificateSecret)
    issuer: Issuer = Field(default_factory=Issuer)
    hosts: Annotated[tuple[HostName, ...], Words("a list of host names, as in [hub.example.org]")] = Field(
        (), description="Host names of the hub that `cert-manager` has signed. On Kubernetes alone."
    )

    @model_validator(mode="after")
    def _needs_certificate(self) -> Self:
        if not self.enabled:
            return self
        if self.type == "manual" and self.manual is None:
            raise build_broken_rule(
                "is true but there is no certificate to serve",
                key="enabled",
                fix="set proxy.https.manual.key and proxy.https.manual.cert, or set proxy.https.enabled to false",
                involved=("manual",),
            )
        if self.type == "secret" and self.secret.name is None:
            raise build_broken_rule(
                "is missing, and proxy.https.type is secret",
                key="secret.name",
                fix="name the Secret that holds the certificate, or set proxy.https.type to another",
                involved=("type", "enabled"),
            )
        if self.type == "cert-manager" and not (self.issuer.name and self.hosts):
            raise build_broken_rule(
                "is missing, and proxy.https.type is cert-manager",
                key="hosts" if self.issuer.name else "issuer.name",
                fix="set proxy.https.issuer.name and proxy.https.hosts, or set proxy.https.type to another",
                involved=("type", "enabled"),
            )
        return self


class NodePorts(Section):
    """Ports of every node, for `type: NodePort`. On Kubernetes alone."""

    http: Annotated[int, Words("a whole number")] | None = Field(
        None, ge=1, le=65535, description="For http://. null, the default, lets the cluster choose one."
    )
    https: Annotated[int, Words("a whole number")] | None = Field(
        None, ge=1, le=65535, description="For https://. null, the default, lets the cluster choose one."
    )


class Service(Section):
    """How the cluster offers the proxy to the outside. On Kubernetes alone."""

    type: Literal["LoadBalancer", "NodePort", "ClusterIP"] = Field(
        "LoadBalancer",
        description="`LoadBalancer`: an address of its own, from the cloud, MetalLB or k3s; the default. `NodePort`: a"
        " port of every node; for a cluster without load balancers. `ClusterIP`: none; for `ingress` or `httpRoute`.",
    )
    node_ports: NodePorts = Field(default_factory=NodePorts)
    load_balancer_ip: Annotated[str, Words("an IP address")] | None = Field(
        None,
        alias="loadBalancerIP",
        min_length=1,
        description="The address that the load balancer should take. null, the default, leaves it the choice.",
    )
    load_balancer_source_ranges: Annotated[
        tuple[str, ...], Words("a list of networks, as in [192.0.2.0/24, 2001:db8::/32]")
    ] = Field((), description="Networks that the load balancer lets in. An empty list, the default, lets in all.")
    annotations: Annotations = Field(default_factory=dict, description="Annotations that your load balancer reads.")


class Chp(Section):
    """The proxy's pod (configurable-http-proxy). On Kubernetes alone."""

    resources: Resources = Field(
        default_factory=lambda: Resources(requests={"cpu": "50m", "memory": "64Mi"}),
        description="Processor and memory of the proxy's pod.",
    )
    node_selector: NodeSelector = Field(default_factory=dict, description="Labels that the proxy's node must have.")
    tolerations: Tolerations = Field((), description="Taints of nodes that don't keep the proxy away.")
    pdb: DisruptionBudget = Field(default_factory=DisruptionBudget)


class Proxy(Section):
    """The address that browsers open."""

    address: Annotated[str, Words("an IP address or a host name of this machine")] = Field(
        "0.0.0.0",  # noqa: S104
        pattern=r"^([A-Za-z0-9.-]+|[0-9a-fA-F:]+)$",
        description="Address of this machine to listen on. The default lets the whole network in, because a class sits"
        " at other machines; 127.0.0.1 keeps the hub to this one. Without Kubernetes alone.",
        examples=["127.0.0.1"],
    )
    port: int = Field(
        8000,
        ge=1,
        le=65535,
        description="Port to listen on. The default needs no rights; browsers take 80 (443 with https) without being"
        " told, but ports below 1024 need root. Without Kubernetes alone; there it is 80 and 443.",
    )
    https: Https = Field(default_factory=Https)
    service: Service = Field(default_factory=Service)
    chp: Chp = Field(default_factory=Chp)
