"""Room that is kept for students: pods on a real node that is full, and a student whose server takes their place."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from cluster.installation import NAMESPACE, USERS
from cluster.machine.layout import NODE
from cluster.waiting import until
from lumihub.kubernetes.quantities import parse_quantity

if TYPE_CHECKING:
    from cluster.installation import ClusterInstallation
    from cluster.machine.access import Cluster

pytestmark = [pytest.mark.timeout(600), pytest.mark.xrootd, pytest.mark.opendata]

SIZE = 2 * 2**30
SERVER = {"memory": {"limit": "2G", "guarantee": "2G"}, "cpu": {"limit": 1.0, "guarantee": 0.01}}


def find_placeholders(one: ClusterInstallation) -> dict[str, bool]:
    """By its unique id, whether each placeholder holds room; one that is on its way to either is left out."""
    selector = f"app.kubernetes.io/instance={NAMESPACE},app.kubernetes.io/component=user-placeholder"
    words = ["--namespace", NAMESPACE, "get", "pods", "--selector", selector, "--output=json"]
    pods = json.loads(one.cluster.kubectl(*words))["items"]
    return {
        pod["metadata"]["uid"]: pod["status"]["phase"] == "Running"
        for pod in pods
        if pod["status"]["phase"] == "Running"
        or any(condition.get("reason") == "Unschedulable" for condition in pod["status"].get("conditions", []))
    }


def find_running(one: ClusterInstallation) -> set[str]:
    """Those that hold room."""
    return {uid for uid, holds in find_placeholders(one).items() if holds}


def find_preempted(one: ClusterInstallation) -> set[str]:
    """Pods that Kubernetes itself says it has sent away for others."""
    words = ["--namespace", NAMESPACE, "get", "events", "--field-selector=reason=Preempted", "--output=json"]
    events: list[dict[str, Any]] = json.loads(one.cluster.kubectl(*words))["items"]
    return {event["involvedObject"]["uid"] for event in events}


def find_memory(cluster: Cluster) -> str:
    """What the node gives to pods, as it says itself."""
    return cluster.kubectl("get", "node", NODE, "--output=jsonpath={.status.allocatable.memory}")


@pytest.mark.long
def test_placeholder_gives_way_to_a_student_who_finds_no_room(one: ClusterInstallation, own: Cluster) -> None:
    # More than ever fit: the rest waits for room, as with an autoscaler that is at its most.
    replicas = int(parse_quantity(find_memory(own)) / SIZE) + 1
    kept = {"podPriority": {"enabled": True}, "userPlaceholder": {"replicas": replicas}}
    password = one.add("seated")["seated"]
    with one.changed(scheduling=kept, singleuser=SERVER):
        began = time.monotonic()
        one.up("--no-check")
        print(f"up with {replicas} placeholders: {time.monotonic() - began:.1f} s")
        until(lambda: len(find_placeholders(one)) == replicas, 60)
        status = one.status()
        assert status["healthy"], status
        [part] = [part for part in status["parts"] if part["name"] == "user-placeholder"]
        assert part["state"] == "running"
        assert part["detail"].startswith(f"{len(find_running(one))}/{replicas} ready, user-placeholder-")
        assert "Unschedulable" in part["detail"]
        before = find_running(one)
        assert 0 < len(before) < replicas
        with one.student("seated", password) as student:
            kernel = student.start_kernel()
            assert kernel.run("6 * 7").text == "42"
            kernel.close()
            pod = one.get("pod", "jupyter-seated", USERS)
            assert pod["spec"]["priorityClassName"] == f"{NAMESPACE}-students"
            during = find_running(one)
            left = before - during
            assert left
            assert left <= find_preempted(one)
            student.stop_server()
        until(lambda: len(find_running(one)) > len(during), 60)
        # Other pods, while the node is full: nobody waits until the old ones have gone.
        with one.changed(singleuser={**SERVER, "memory": {"limit": "2G", "guarantee": "1.5G"}}):
            one.up("--no-check")
            until(lambda: not find_running(one) & before and len(find_running(one)) > len(before), 60)
    one.up("--no-check")
    until(lambda: find_placeholders(one) == {}, 60)
    one.lumihub("users", "remove", "seated", "--delete-home", "--yes")
