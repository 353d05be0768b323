"""What keeps pods in bounds, and browsers' way in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lumihub.backend import Finding
from lumihub.kubernetes.access import ApiError
from lumihub.kubernetes.addresses import SERVICE, find_load_balancer
from lumihub.kubernetes.doctor.room import ADD_NODE, NO_NODE
from lumihub.kubernetes.objects import name_of, path_of
from lumihub.kubernetes.trials import build_pod

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lumihub.kubernetes.access import Cluster
    from lumihub.kubernetes.trials import Trial
    from lumihub.settings import Settings

_FORBIDDEN = 403
_DEFAULT_CLASS = "ingressclass.kubernetes.io/is-default-class"
_LOAD_BALANCER_FIX = (
    "set proxy.service.type to NodePort, use ingress.enabled with ClusterIP, or install a load balancer (MetalLB)"
)


def examine_pod_security(trial: Trial, image: str) -> Finding:
    """Whether a privileged pod is refused where ours run; it is only offered, never made."""
    pod: dict[str, Any] = build_pod("privileged", image, ["/bin/true"])
    pod["spec"]["containers"][0]["securityContext"] = {"privileged": True}
    pod["spec"]["hostPID"] = True
    try:
        trial.cluster.create(path_of("pods", trial.namespace), pod, dry_run=True)
    except ApiError as error:
        if error.status == _FORBIDDEN and "PodSecurity" in error.message:
            return Finding("pod security", True, "enforced: a privileged pod was refused")
        raise
    return Finding(
        "pod security",
        False,
        "a privileged pod would be let in: whoever breaks out of a server owns the node",
        "switch the admission plugin PodSecurity on in the API server (it is on by default)",
    )


def examine_processes(cluster: Cluster) -> Finding:
    """Whether every node limits the processes of a pod; no pod can do it for itself."""
    limits = {}
    for node in cluster.items(path_of("nodes")):
        answer = cluster.get(f"/api/v1/nodes/{name_of(node)}/proxy/configz")
        limits[name_of(node)] = int(answer["kubeletconfig"].get("podPidsLimit", -1))
    return judge_processes(limits)


def judge_processes(limits: Mapping[str, int]) -> Finding:
    """What to say of the nodes' limits.

    Args:
        limits: by node, the kubelet's `podPidsLimit`; not above 0 where it sets none.
    """
    if not limits:
        return Finding("processes", False, NO_NODE, ADD_NODE)
    without = sorted(name for name, limit in limits.items() if limit <= 0)
    if not without:
        return Finding("processes", True, f"a pod may start {min(limits.values()):,} at most")
    named = ", ".join(without[:3]) + (f" and {len(without) - 3} more" if without[3:] else "")
    return Finding(
        "processes",
        False,
        f"no limit for a pod on {named}: one student's fork bomb takes such a node from all",
        "set podPidsLimit: 4096 in the kubelet's configuration there (k3s: --kubelet-arg=pod-max-pids=4096)",
    )


def examine_entrance(cluster: Cluster, settings: Settings) -> Finding:
    """Whether something in the cluster leads browsers to the proxy."""
    if settings.ingress.enabled:
        return _examine_ingress(cluster, settings)
    kind = settings.proxy.service.type
    if settings.http_route.enabled:
        if cluster.find("/apis/gateway.networking.k8s.io/v1") is None:
            return Finding(
                "gateway",
                False,
                "httpRoute.enabled is true, and the cluster does not know the Gateway API",
                "install a Gateway controller, or use ingress.enabled",
                stops_up=True,
            )
        return Finding("gateway", True, "the cluster knows the Gateway API")
    if kind != "LoadBalancer" or not settings.hub.enabled:
        return Finding("entrance", True, f"proxy.service.type is {kind}: no load balancer or ingress is needed")
    return _examine_load_balancer(cluster, settings)


def _examine_load_balancer(cluster: Cluster, settings: Settings) -> Finding:
    own = cluster.find(path_of("services", settings.kubernetes.namespace, SERVICE))
    if own is not None:
        given = find_load_balancer(own)
        if given:
            return Finding("load balancer", True, f"it gave the proxy the address {given}")
        return Finding("load balancer", False, "none has given the proxy's service an address", _LOAD_BALANCER_FIX)
    others = [one for one in cluster.items(path_of("services")) if one["spec"].get("type") == "LoadBalancer"]
    served = next((one for one in others if find_load_balancer(one)), None)
    if served:
        return Finding("load balancer", True, f"another service has an address from it ({name_of(served)})")
    return Finding(
        "load balancer",
        False,
        "no service of this cluster has an address from one, so the proxy may not get one either",
        _LOAD_BALANCER_FIX,
    )


def _examine_ingress(cluster: Cluster, settings: Settings) -> Finding:
    classes = cluster.items(path_of("ingressclasses"))
    names = [name_of(one) for one in classes]
    wanted = settings.ingress.ingress_class_name
    if wanted is None:
        default = next(
            (
                name_of(one)
                for one in classes
                if (one["metadata"].get("annotations") or {}).get(_DEFAULT_CLASS) == "true"
            ),
            None,
        )
        if default:
            return Finding("ingress", True, f"the default ingress class is {default}")
        what = f"no ingress class is the default one; there are {', '.join(names) or 'none at all'}"
    elif wanted in names:
        return Finding("ingress", True, f"there is an ingress class {wanted}")
    else:
        what = f"there is no ingress class {wanted}; there are {', '.join(names) or 'none at all'}"
    fix = (
        "name one of them in ingress.ingressClassName" if names else "install an ingress controller (Traefik, HAProxy)"
    )
    return Finding("ingress", False, what, fix, stops_up=True)
