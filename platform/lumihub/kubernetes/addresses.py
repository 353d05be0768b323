"""The address that students type: by ingress, route, load balancer or a node's port."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lumihub.kubernetes.objects import path_of

if TYPE_CHECKING:
    from lumihub.kubernetes.access import Cluster, Object
    from lumihub.settings import Settings

SERVICE = "proxy-public"
_FORWARDED = 8000


@dataclass(frozen=True, slots=True)
class Address:
    """Where browsers go.

    Attributes:
        url: ending in a slash.
        note: what is missing until it answers; empty when nothing is.
    """

    url: str
    note: str = ""


def find_address(cluster: Cluster, settings: Settings) -> Address:
    """The public address under these settings, as far as the cluster has given one."""
    if settings.ingress.enabled:
        return _from_ingress(cluster, settings)
    if settings.http_route.enabled and settings.http_route.hostnames:
        return Address(f"https://{settings.http_route.hostnames[0]}/")
    namespace = settings.kubernetes.namespace
    service = cluster.find(path_of("services", namespace, SERVICE))
    scheme = "https" if settings.proxy.https.enabled else "http"
    if service is None:
        return _by_forwarding(settings, "the proxy's service is not there")
    kind = service["spec"]["type"]
    if kind == "LoadBalancer":
        own = find_load_balancer(service)
        if own:
            return Address(f"{scheme}://{_bracketed(own)}/")
        return _by_forwarding(settings, "no load balancer has given the service an address yet")
    if kind == "NodePort":
        node = find_node_address(cluster.items(path_of("nodes")))
        port = find_node_port(service, scheme)
        if node and port:
            return Address(f"{scheme}://{_bracketed(node)}:{port}/")
    return _by_forwarding(settings, "the service is inside the cluster alone")


def find_load_balancer(service: Object) -> str | None:
    """The address that a load balancer gave a service."""
    given = service.get("status", {}).get("loadBalancer", {}).get("ingress") or []
    return next(
        (str(one.get("hostname") or one.get("ip")) for one in given if one.get("hostname") or one.get("ip")), None
    )


def find_node_port(service: Object, scheme: str) -> int | None:
    """The node port of http or https."""
    ports = service["spec"]["ports"]
    named = [one for one in ports if one.get("name") == scheme] or ports
    return int(named[0]["nodePort"]) if named and "nodePort" in named[0] else None


def find_node_address(nodes: list[Object]) -> str | None:
    """The address by which the network knows a node, an outer one first."""
    found = {
        one["type"]: one["address"] for node in reversed(nodes) for one in node.get("status", {}).get("addresses") or []
    }
    return found.get("ExternalIP") or found.get("InternalIP")


def _from_ingress(cluster: Cluster, settings: Settings) -> Address:
    ingress = settings.ingress
    scheme = "https" if ingress.tls else "http"
    if ingress.hosts:
        return Address(f"{scheme}://{ingress.hosts[0]}/")
    for one in cluster.items(path_of("ingresses", settings.kubernetes.namespace)):
        own = find_load_balancer(one)
        if own:
            return Address(f"{scheme}://{_bracketed(own)}/")
    return _by_forwarding(settings, "the ingress has no address yet")


def _by_forwarding(settings: Settings, why: str) -> Address:
    own = settings.kubernetes
    secure = settings.proxy.https.enabled
    command = (
        f"kubectl --context {own.context} -n {own.namespace} port-forward service/{SERVICE}"
        f" {_FORWARDED}:{443 if secure else 80}"
    )
    return Address(f"{'https' if secure else 'http'}://127.0.0.1:{_FORWARDED}/", f"{why}; until then type: {command}")


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
