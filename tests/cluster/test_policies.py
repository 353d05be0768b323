"""The chart's NetworkPolicies on a real network: who reaches whom, and that each guard is what stops the others.

The pods are small ones with the labels of the real parts, listening where those listen.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

from chart.rendering import render
from cluster.guards import node_server, until, without
from cluster.machine.layout import METADATA_ADDRESS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chart.rendering import Rendering
    from cluster.machine.access import Cluster

NAMESPACE = f"lumihub-policies-{uuid.uuid4().hex[:6]}"
USERS, OTHER = f"{NAMESPACE}-users", f"{NAMESPACE}-other"
STUDENT = {"app.kubernetes.io/component": "singleuser-server"}
# Name -> namespace and ports that it listens on.
PODS = {
    "hub": (NAMESPACE, (8081, 9999)),
    "proxy": (NAMESPACE, (8000, 8001)),
    "cache": (NAMESPACE, (1094,)),
    "database": (NAMESPACE, (5432,)),
    "alice": (USERS, (8888, 9999)),
    "ben": (USERS, (8888,)),
    "stranger": (OTHER, (8080,)),
}
# What each may reach; everything else is denied.
ALLOWED = {
    "alice": {"hub:8081", "cache:1094"},
    "hub": {"proxy:8001", "alice:8888", "ben:8888", "api"},
    "proxy": {"hub:8081", "alice:8888", "ben:8888"},
    # Its origin may be anywhere, so it may go everywhere but to the metadata address, and in where all may.
    "cache": {"stranger:8080", "proxy:8000", "api", "kubelet", "etcd"},
    "database": set[str](),
    "stranger": {"proxy:8000", "api", "kubelet", "etcd", "metadata"},
}
NODE = {"api": 6443, "kubelet": 10250, "etcd": 2379}


@pytest.fixture(scope="module")
def rendering(own: Cluster) -> Rendering:
    # Those of Dask's cohorts are tried with real clusters, in test_dask.py.
    return render(
        own.program("helm"), "dask: {enabled: false}", f"--set=kubernetes.usersNamespace={USERS}", namespace=NAMESPACE
    )


@pytest.fixture(scope="module")
def targets(own: Cluster, rendering: Rendering) -> Iterator[dict[str, str]]:
    """All pods under the chart's policies; the address of everything that one of them listens on."""
    for name in (NAMESPACE, USERS, OTHER):
        own.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    own.apply(*rendering.find("NetworkPolicy"))
    own.apply(*(build_pod(own, rendering, name) for name in PODS))
    found = {name: f"{own.node_address} {port}" for name, port in NODE.items()}
    found["metadata"] = f"{METADATA_ADDRESS} 80"
    for name, (namespace, ports) in PODS.items():
        own.kubectl("--namespace", namespace, "wait", "--for=condition=Ready", f"pod/{name}", "--timeout=120s")
        address = own.kubectl("--namespace", namespace, "get", "pod", name, "--output=jsonpath={.status.podIP}")
        found |= {f"{name}:{port}": f"{address} {port}" for port in ports}
    with node_server(METADATA_ADDRESS, 80):
        yield found
    own.kubectl("delete", "namespace", NAMESPACE, USERS, OTHER, "--timeout=120s")


@pytest.mark.parametrize("name", ALLOWED)
def test_who_reaches_whom(own: Cluster, targets: dict[str, str], name: str) -> None:
    wanted = {target: place for target, place in targets.items() if not target.startswith(f"{name}:")}
    assert until(lambda: reach(own, name, wanted), ALLOWED[name]) == ALLOWED[name]


def test_students_find_names(own: Cluster, targets: dict[str, str]) -> None:
    own.apply(build_service())
    answer = own.kubectl("--namespace", USERS, "exec", "alice", "--", "nslookup", f"hub.{NAMESPACE}.svc.cluster.local")
    assert f"hub.{NAMESPACE}.svc.cluster.local" in answer


@pytest.mark.parametrize(
    ("guards", "opened"),
    [
        # Without the policy that lets a student out to some, the one that lets nobody out still stands, and so on.
        ([(USERS, "default-deny"), (USERS, "singleuser")], {"api", "kubelet", "etcd", "metadata", "stranger:8080"}),
        ([(NAMESPACE, "default-deny"), (NAMESPACE, "hub")], set()),
        (
            [(USERS, "default-deny"), (USERS, "singleuser"), (NAMESPACE, "default-deny"), (NAMESPACE, "hub")],
            {"api", "kubelet", "etcd", "metadata", "stranger:8080", "ben:8888", "database:5432", "hub:9999"},
        ),
        (
            [
                (USERS, "default-deny"),
                (USERS, "singleuser"),
                (NAMESPACE, "default-deny"),
                (NAMESPACE, "proxy"),
            ],
            {"proxy:8001", "database:5432"},
        ),
    ],
    ids=["a student's way out", "the hub's way in alone", "the database", "the proxy's API"],
)
def test_each_guard_is_what_stops_a_student(
    own: Cluster, targets: dict[str, str], guards: list[tuple[str, str]], opened: set[str]
) -> None:
    wanted = {target: targets[target] for target in opened | {"hub:8081", "proxy:8001", "database:5432"}}
    expected = opened | {"hub:8081"}
    with without(own, guards):
        assert until(lambda: reach(own, "alice", wanted) & expected, expected) == expected
    assert until(lambda: reach(own, "alice", wanted), {"hub:8081"}) == {"hub:8081"}


def reach(cluster: Cluster, pod: str, targets: dict[str, str]) -> set[str]:
    """Which of the targets answer a pod."""
    tries = [f"(nc -w 2 {place} </dev/null >/dev/null 2>&1 && echo {name}) &" for name, place in targets.items()]
    namespace = PODS[pod][0]
    script = " ".join([*tries, "wait"])
    return set(cluster.kubectl("--namespace", namespace, "exec", pod, "--", "sh", "-c", script).split())


def build_service() -> dict[str, Any]:
    """The hub's Service, by whose name students find it."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "hub", "namespace": NAMESPACE},
        "spec": {"selector": {"app.kubernetes.io/component": "hub"}, "ports": [{"port": 8081}]},
    }


def build_pod(cluster: Cluster, rendering: Rendering, name: str) -> dict[str, Any]:
    """A pod with the labels of a part, which listens on its ports."""
    namespace, ports = PODS[name]
    labels = STUDENT
    if namespace != USERS:
        labels = rendering.get("Service", "hub")["spec"]["selector"] | {"app.kubernetes.io/component": name}
    *others, last = (f"httpd -p {port} -h /etc" for port in ports)
    command = "; ".join([*others, f"exec {last.replace('httpd', 'httpd -f')}"])
    guard = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    account = {"runAsNonRoot": True, "runAsUser": 1000, "runAsGroup": 1000}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 0,
            "securityContext": {**account, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [
                {
                    "name": "main",
                    "image": cluster.load_test_image(),
                    "command": ["sh", "-c", command],
                    "securityContext": guard,
                }
            ],
        },
    }
