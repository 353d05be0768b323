"""What pods reach: names, each other, the origin; and that a forbidden connection is really refused."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Any

from lumihub.backend import Finding
from lumihub.data.trust import build_trust
from lumihub.kubernetes.objects import is_ready, path_of

if TYPE_CHECKING:
    from lumihub.kubernetes.access import Object
    from lumihub.kubernetes.trials import Trial
    from lumihub.settings import Settings

_PORT = 8080
_SECONDS = 90.0
_LISTEN = ["python3", "-m", "http.server", str(_PORT)]
# Runs in a pod of the image `lab`. The guarded pod is tried until it is refused: rules take a moment to hold.
_TRY = textwrap.dedent(
    """
    import json, socket, sys, time
    from lumihub.data.origins import probe_origin

    opened, guarded, name, origin = sys.argv[1:5]
    found = {}

    def connects(address):
        try:
            socket.create_connection((address, 8080), timeout=2).close()
        except OSError:
            return False
        return True

    try:
        found["dns"] = socket.getaddrinfo(name, 443)[0][4][0]
    except OSError as error:
        found["dns_error"] = str(error)
    try:
        found["outside"] = socket.getaddrinfo(origin.split("//")[1].split("/")[0].split(":")[0], 443)[0][4][0]
    except OSError as error:
        found["outside_error"] = str(error)
    found["open"] = connects(opened)
    deadline = time.monotonic() + 15
    while (refused := not connects(guarded)) is False and time.monotonic() < deadline:
        time.sleep(0.5)
    found["guarded"] = not refused
    state = probe_origin(origin, 8)
    found["origin"], found["origin_detail"] = state.reachable, state.detail
    print(json.dumps(found))
    """
)


def start_listeners(trial: Trial, image: str) -> None:
    """Two pods that listen, one of them behind a rule that lets nobody in."""
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "guarded"},
        "spec": {"podSelector": {"matchLabels": {"guarded": "true"}}, "policyTypes": ["Ingress"]},
    }
    trial.cluster.create(path_of("networkpolicies", trial.namespace), policy)
    trial.start("open", image, _LISTEN, port=_PORT)
    # Without a probe of the kubelet's: rules may shut that out too.
    trial.start("guarded", image, _LISTEN, labels={"guarded": "true"})


def examine_network(trial: Trial, image: str, settings: Settings) -> list[Finding]:
    """What a third pod reached."""
    for name, arrived in (("open", is_ready), ("guarded", _listens)):
        result = trial.wait_until(name, arrived, _SECONDS)
        if not result.ended:
            why = result.trouble.words if result.trouble else result.log[-200:]
            return [Finding("network", False, f"a pod that should listen did not start: {why}", "./deploy.py doctor")]
    addresses = [trial.address("open"), trial.address("guarded")]
    origin = settings.data.origin.url
    command = ["python3", "-c", _TRY, *addresses, "kubernetes.default.svc", origin]
    trial.start("client", image, command, environment=build_trust(settings))
    result = trial.wait_for_end("client", _SECONDS)
    if not result.ended:
        why = result.trouble.words if result.trouble else result.log[-300:]
        return [Finding("network", False, f"the pod that tries connections failed: {why}", "./deploy.py doctor")]
    return judge_network(json.loads(result.log.strip().splitlines()[-1]), settings)


def judge_network(found: dict[str, Any], settings: Settings) -> list[Finding]:
    """What the pod found out, as findings."""
    return [_judge_dns(found), _judge_policy(found), _judge_origin(found, settings)]


def _judge_dns(found: dict[str, Any]) -> Finding:
    if "dns" not in found:
        return Finding(
            "dns",
            False,
            f"pods can't look up the cluster's own names: {found['dns_error']}",
            "look at the cluster's DNS: kubectl -n kube-system get pods -l k8s-app=kube-dns",
            stops_up=True,
        )
    return Finding("dns", True, f"pods look up the cluster's own names (kubernetes.default.svc is {found['dns']})")


def _judge_policy(found: dict[str, Any]) -> Finding:
    if not found["open"]:
        return Finding(
            "network policies",
            False,
            "a pod could not reach another one that nothing forbids",
            "look at the cluster's network plugin (CNI): pods must reach each other",
            stops_up=True,
        )
    if found["guarded"]:
        return Finding(
            "network policies",
            False,
            "a connection that a NetworkPolicy forbids came through: students could reach the hub's database and each"
            " other's servers",
            "use a network plugin that enforces them (Calico, Cilium, kube-router; k3s does by itself)",
        )
    return Finding("network policies", True, "enforced: a forbidden connection between two pods was refused")


def _judge_origin(found: dict[str, Any], settings: Settings) -> Finding:
    if found["origin"]:
        return Finding("origin", True, f"from a pod: {found['origin_detail']}")
    return Finding(
        "origin",
        False,
        f"from a pod: {found['origin_detail']}",
        "check data.origin.url and the cluster's way out; until then students read the simulated sample",
        stops_up=settings.data.offline == "fail",
    )


def _listens(pod: Object) -> bool:
    return pod.get("status", {}).get("phase") == "Running" and bool(pod["status"].get("podIP"))
