"""Simulated nodes on the test cluster, for more students than a machine can hold.

Real: the API server with its objects, the scheduler, the binding of volumes, NetworkPolicies, and each connection to a
student's server, which crosses the node's network.

Played: the nodes and their agents (KWOK says that pods run), volumes (made beforehand, without a folder), and students'
servers (one process answers for all addresses, see `servers/singleuser.py`).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cluster.machine.processes import find_init
from cluster.machine.programs import KWOK, ensure_programs
from lumihub.errors import LumiHubError
from lumihub.process import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster.machine.access import Cluster

# Label and taint of the nodes, and label of the volumes.
MARK, VALUE = "kwok.x-k8s.io/node", "simulated"
SELECTOR = f"{MARK}={VALUE}"
STORAGE = "simulated"
# Each node has 256 addresses of it, more than Kubernetes lets it have pods.
NETWORK = "10.201.{}.0/24"
WHOLE_NETWORK = "10.201.0.0/16"
PODS = 110
# Beside students, each node holds the pod that pulls images.
STUDENTS = PODS - 5
# From a pod that has a node to one that runs, and from there to a server that answers: on the test cluster's real node,
# where nothing else is going on, the two together take about this long.
POD_SECONDS, SERVER_SECONDS = 1.0, 3.0
SERVER = Path(__file__).parents[1] / "servers" / "singleuser.py"
STATUS = """
{{ $now := Now }}
phase: Running
startTime: {{ $now | Quote }}
conditions:
{{ range $type := list "Initialized" "ContainersReady" "Ready" }}
- {type: {{ $type }}, status: "True", lastTransitionTime: {{ $now | Quote }}}
{{ end }}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  ready: true
  restartCount: 0
  state: {running: {startedAt: {{ $now | Quote }}}}
{{ end }}
{{ $address := PodIPWith .spec.nodeName false .metadata.uid .metadata.name .metadata.namespace }}
podIP: {{ $address | Quote }}
podIPs: [{ip: {{ $address | Quote }}}]
"""


@contextmanager
def simulated_nodes(cluster: Cluster, students: int) -> Iterator[dict[str, Any]]:
    """Nodes and homes for so many students; gives the settings below `singleuser` that bring them there.

    One such crowd may be on the test cluster at a time. Whatever runs on the nodes must be gone before the block ends.

    Raises:
        LumiHubError: KWOK ended meanwhile, with its last words.
    """
    init = find_init()
    if init is None or not cluster.is_own:
        raise LumiHubError("simulated nodes need the project's own test cluster", fix="tests/cluster/run up")
    kwok = ensure_programs((KWOK,)) / "kwok"
    on_node = ["nsenter", "--target", str(init), "--net"]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lumihub-kwok-")))
        stages = folder / "stages.yaml"
        stages.write_text("\n---\n".join(json.dumps(stage) for stage in _build_stages()))
        watch = f"--manage-nodes-with-label-selector={SELECTOR}"
        _remove(cluster)  # of a run that was killed
        run([*on_node, "ip", "route", "replace", "local", WHOLE_NETWORK, "dev", "lo"])
        stack.callback(run, [*on_node, "ip", "route", "delete", "local", WHOLE_NETWORK, "dev", "lo"])
        server = [*on_node, sys.executable, str(SERVER), str(SERVER_SECONDS)]
        stack.enter_context(_running(server, folder / "server.log"))
        command = [str(kwok), f"--kubeconfig={cluster.kubeconfig}", f"--config={stages}", watch]
        stack.enter_context(_running([*command, "--node-lease-duration-seconds=40"], folder / "kwok.log"))
        stack.callback(_remove, cluster)
        nodes = [_build_node(number) for number in range(-(-students // STUDENTS))]
        cluster.kubectl("create", "--filename=-", objects=[*nodes, *_build_homes(students)], timeout=600)
        yield {
            "nodeSelector": {MARK: VALUE},
            "extraTolerations": [{"key": MARK, "operator": "Exists"}],
            "storage": {"capacity": "100M", "dynamic": {"storageClass": STORAGE}},
        }


@contextmanager
def _running(command: list[str], log: Path) -> Iterator[None]:
    """A process that ends with the block, or with this process."""
    with log.open("w") as file:
        words = ["setpriv", "--pdeathsig", "KILL", *command]
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
    try:
        yield
        if process.poll() is not None:
            raise LumiHubError(f"it ended: {log.read_text()[-2000:]}", where=" ".join(command))
    finally:
        process.kill()
        process.wait()


def _remove(cluster: Cluster) -> None:
    """All that this module makes on a cluster."""
    kinds = "nodes,persistentvolumes,storageclasses"
    cluster.kubectl("delete", kinds, f"--selector={SELECTOR}", "--wait=false", timeout=600)


def _build_node(number: int) -> dict[str, object]:
    """A node that is ready; KWOK renews its lease."""
    room = {"cpu": "64", "memory": "256Gi", "pods": str(PODS)}
    # Behind the real node's name, which is asked for as the first.
    name, network = f"simulated-{number}", NETWORK.format(number)
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {MARK: VALUE, "kubernetes.io/hostname": name}},
        "spec": {
            "podCIDR": network,
            "podCIDRs": [network],
            "taints": [{"key": MARK, "value": VALUE, "effect": "NoSchedule"}],
        },
        "status": {
            "allocatable": room,
            "capacity": room,
            "conditions": [{"type": "Ready", "status": "True", "reason": "Simulated"}],
        },
    }


def _build_homes(count: int) -> list[dict[str, object]]:
    """Volumes that any claim of their class may take, as soon as a pod that needs it has a node."""
    label = {"labels": {MARK: VALUE}}
    volumes: list[dict[str, object]] = [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            # Those of a run that was killed go only after their claims.
            "metadata": {"generateName": "simulated-", **label},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "capacity": {"storage": "100Mi"},
                "hostPath": {"path": "/nonexistent"},
                "persistentVolumeReclaimPolicy": "Retain",
                "storageClassName": STORAGE,
            },
        }
        for _ in range(count)
    ]
    storage = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": STORAGE, **label},
        "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "WaitForFirstConsumer",
    }
    return [storage, *volumes]


def _build_stages() -> list[dict[str, object]]:
    """What KWOK does with pods: lets them run after a while, and lets them go at once."""
    gone, phase = ".metadata.deletionTimestamp", ".status.phase"
    waits = [{"key": gone, "operator": "DoesNotExist"}, {"key": phase, "operator": "In", "values": ["Pending"]}]
    starts = {"delay": {"durationMilliseconds": round(POD_SECONDS * 1000)}, "next": {"statusTemplate": STATUS}}
    ends = {"next": {"finalizers": {"empty": True}, "delete": True}}
    return [_build_stage("run", waits, starts), _build_stage("end", [{"key": gone, "operator": "Exists"}], ends)]


def _build_stage(name: str, expressions: list[dict[str, Any]], rest: dict[str, Any]) -> dict[str, object]:
    pods = {"apiGroup": "v1", "kind": "Pod"}
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": name},
        "spec": {"resourceRef": pods, "selector": {"matchExpressions": expressions}, **rest},
    }
