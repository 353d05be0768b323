"""The test cluster is a real Kubernetes that enforces what the product relies on, and it can be killed and mended."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cluster.machine.layout import CGROUP, HOST_LINK, NODE, RUN, STATE
from cluster.machine.processes import find_init, find_parts
from cluster.machine.runbook import ensure_down, ensure_up
from lumihub.errors import LumiHubError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cluster.machine.access import Cluster

WEB = ["httpd", "-f", "-p", "8080", "-h", "/etc"]
SLEEP = ["sleep", "100000"]
DENY = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "deny"},
    "spec": {"podSelector": {}},
}


@pytest.fixture
def own(cluster: Cluster) -> Cluster:
    if not cluster.is_own:
        pytest.skip("kills parts of the cluster, which only the project's own is for")
    return cluster


@pytest.fixture
def run_pod(cluster: Cluster) -> Callable[..., str]:
    """Starts a pod of the test image as `restricted` asks for, waits until it is ready, and returns its address."""
    image = cluster.load_test_image()

    def start(namespace: str, name: str, command: list[str], **spec: Any) -> str:
        cluster.apply(build_pod(namespace, name, image, command, **spec))
        cluster.kubectl("--namespace", namespace, "wait", "--for=condition=Ready", f"pod/{name}", "--timeout=90s")
        return cluster.kubectl("--namespace", namespace, "get", "pod", name, "--output=jsonpath={.status.podIP}")

    return start


def build_pod(
    namespace: str,
    name: str,
    image: str,
    command: list[str],
    volumes: Sequence[dict[str, object]] = (),
    **spec: Any,
) -> dict[str, object]:
    guard = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    account = {"runAsNonRoot": True, "runAsUser": 1000, "runAsGroup": 1000, "fsGroup": 1000}
    mounts = [{"name": volume["name"], "mountPath": f"/{volume['name']}"} for volume in volumes]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"name": name}},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
            "securityContext": {**account, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [
                {"name": "main", "image": image, "command": command, "securityContext": guard, "volumeMounts": mounts}
            ],
            "volumes": [*volumes],
            **spec,
        },
    }


def inside(cluster: Cluster, namespace: str, pod: str, *command: str) -> str:
    return cluster.kubectl("--namespace", namespace, "exec", pod, "--", *command, timeout=60)


def can_connect(cluster: Cluster, namespace: str, pod: str, address: str, port: int) -> bool:
    script = f"nc -w 2 {address} {port} </dev/null >/dev/null 2>&1 && echo open || echo closed"
    return inside(cluster, namespace, pod, "sh", "-c", script).strip() == "open"


def wait_until(is_so: Callable[[], bool], *, seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.3)
    return True


def test_the_node_is_ready_and_of_the_pinned_version(own: Cluster) -> None:
    line = own.kubectl("get", "nodes", "--no-headers")

    assert re.fullmatch(rf"{NODE} +Ready +<none> +\S+ +v1\.34\.\d+\n", line)


def test_a_pod_runs_as_an_ordinary_user_without_rights(
    cluster: Cluster, make_namespace: Callable[..., str], run_pod: Callable[..., str]
) -> None:
    namespace = make_namespace()
    run_pod(namespace, "pod", SLEEP)

    status = inside(cluster, namespace, "pod", "cat", "/proc/self/status")

    facts = dict(line.split(":\t", 1) for line in status.splitlines())
    assert facts["Uid"] == "1000\t1000\t1000\t1000"
    assert facts["Gid"] == "1000\t1000\t1000\t1000"
    assert facts["CapEff"] == facts["CapBnd"] == "0" * 16
    assert facts["NoNewPrivs"] == "1"
    assert facts["Seccomp"] == "2"


def test_a_privileged_pod_is_refused_where_restricted_is_enforced(
    cluster: Cluster, make_namespace: Callable[..., str], run_pod: Callable[..., str]
) -> None:
    image = cluster.load_test_image()
    privileged = {
        "securityContext": {},
        "containers": [{"name": "main", "image": image, "command": SLEEP, "securityContext": {"privileged": True}}],
    }

    with pytest.raises(LumiHubError, match='violates PodSecurity "restricted:latest": privileged'):
        run_pod(make_namespace("restricted"), "pod", SLEEP, **privileged)

    # The same pod runs where nothing forbids it.
    run_pod(make_namespace("privileged"), "pod", SLEEP, **privileged)


def test_a_volume_is_bound_and_outlives_its_pod(
    cluster: Cluster, make_namespace: Callable[..., str], run_pod: Callable[..., str]
) -> None:
    namespace = make_namespace()
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "home", "namespace": namespace},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Mi"}}},
    }
    volumes = [{"name": "home", "persistentVolumeClaim": {"claimName": "home"}}]
    cluster.apply(claim)

    run_pod(namespace, "writer", SLEEP, volumes=volumes)
    inside(cluster, namespace, "writer", "sh", "-c", "echo kept > /home/file")
    cluster.kubectl("--namespace", namespace, "delete", "pod", "writer")
    run_pod(namespace, "reader", SLEEP, volumes=volumes)

    assert inside(cluster, namespace, "reader", "cat", "/home/file") == "kept\n"


def test_names_resolve_and_services_answer(
    cluster: Cluster, make_namespace: Callable[..., str], run_pod: Callable[..., str]
) -> None:
    namespace = make_namespace()
    run_pod(namespace, "web", WEB)
    run_pod(namespace, "client", SLEEP)
    spec = {"selector": {"name": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}
    metadata = {"name": "front", "namespace": namespace}
    cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
    wanted = cluster.kubectl("--namespace", namespace, "get", "service", "front", "--output=jsonpath={.spec.clusterIP}")

    # The server of names learns of a new Service within a moment; "no such name" is kept for up to five seconds.
    assert wait_until(lambda: wanted in try_lookup(cluster, namespace, f"front.{namespace}.svc.cluster.local"))
    script = f"printf 'GET /passwd HTTP/1.0\\r\\n\\r\\n' | nc -w 5 {wanted} 80"
    page = inside(cluster, namespace, "client", "sh", "-c", script)

    assert "student:x:1000:1000" in page


def try_lookup(cluster: Cluster, namespace: str, name: str) -> str:
    return inside(cluster, namespace, "client", "sh", "-c", f"nslookup -type=a {name} 2>&1 || true")


def test_a_policy_denies_connections_between_pods_and_only_it_does(
    cluster: Cluster, make_namespace: Callable[..., str], run_pod: Callable[..., str]
) -> None:
    namespace = make_namespace()
    address = run_pod(namespace, "web", WEB)
    run_pod(namespace, "client", SLEEP)
    policy = {**DENY, "spec": {"podSelector": {"matchLabels": {"name": "web"}}, "policyTypes": ["Ingress"]}}

    assert can_connect(cluster, namespace, "client", address, 8080)
    cluster.kubectl("--namespace", namespace, "apply", "--filename=-", objects=[policy])
    assert wait_until(lambda: not can_connect(cluster, namespace, "client", address, 8080))
    assert not can_connect(cluster, namespace, "client", address, 8080)
    cluster.kubectl("--namespace", namespace, "delete", "networkpolicy", "deny")
    assert wait_until(lambda: can_connect(cluster, namespace, "client", address, 8080))


@pytest.mark.parametrize("port", [6443, 10250, 2379], ids=["API server", "kubelet", "etcd"])
def test_a_policy_keeps_pods_from_the_node_itself(
    own: Cluster, make_namespace: Callable[..., str], run_pod: Callable[..., str], port: int
) -> None:
    namespace = make_namespace()
    run_pod(namespace, "client", SLEEP)
    policy = {**DENY, "spec": {"podSelector": {}, "policyTypes": ["Egress"]}}

    assert can_connect(own, namespace, "client", own.node_address, port)
    own.kubectl("--namespace", namespace, "apply", "--filename=-", objects=[policy])
    assert wait_until(lambda: not can_connect(own, namespace, "client", own.node_address, port))


@pytest.mark.long
def test_the_cluster_recovers_from_kill_of_the_kubelet(
    alone: Cluster, make_namespace: Callable[..., str], run_pod: Callable[..., str]
) -> None:
    kill("kubelet")

    ensure_up()

    run_pod(make_namespace(), "pod", SLEEP)


@pytest.mark.long
def test_the_cluster_recovers_from_kill_of_every_part_at_once(
    alone: Cluster, make_namespace: Callable[..., str], run_pod: Callable[..., str]
) -> None:
    parts = {part.name for part in find_parts()}
    kill(*parts)

    ensure_up()

    assert {part.name for part in find_parts()} == parts
    run_pod(make_namespace(), "pod", SLEEP)


@pytest.mark.long
def test_what_it_held_is_there_again_after_kill_of_the_node(
    alone: Cluster, make_namespace: Callable[..., str], run_pod: Callable[..., str]
) -> None:
    namespace = make_namespace()
    run_pod(namespace, "pod", SLEEP)
    init = find_init()
    assert init is not None

    os.kill(init, signal.SIGKILL)
    ensure_up()
    ensure_up()

    assert find_init() != init
    assert wait_until(lambda: try_echo(alone, namespace) == "alive\n", seconds=60)
    run_pod(namespace, "other", SLEEP)


def try_echo(cluster: Cluster, namespace: str) -> str:
    return cluster.kubectl("--namespace", namespace, "exec", "pod", "--", "echo", "alive", check=False)


def test_down_leaves_nothing_behind(alone: Cluster) -> None:
    alone.kubectl("get", "nodes")

    ensure_down()

    assert find_init() is None
    assert find_processes() == []
    assert HOST_LINK not in output("ip", "link")
    assert "10.96." not in output("ip", "route")
    assert not re.search("KUBE-|CNI-|NFQUEUE", output("iptables-save"))
    assert not re.search(f"{RUN}|{STATE}", Path("/proc/self/mounts").read_text())
    assert not [*Path("/sys/fs/cgroup").glob(f"**/{CGROUP}")]
    assert not RUN.exists()
    ensure_up()


def kill(*names: str) -> None:
    for part in find_parts():
        if part.name in names:
            os.kill(part.pid, signal.SIGKILL)


def find_processes() -> list[bytes]:
    """The command lines of all processes that name the test cluster's folders."""
    commands = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if bytes(RUN) in words or bytes(STATE) in words:
            commands.append(words)
    return commands


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
