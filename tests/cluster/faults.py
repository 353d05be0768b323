"""What breaks during a lesson, done to one installation on the project's own test cluster."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from cluster.installation import NAMESPACE, ClusterInstallation
from cluster.machine.processes import build_entry
from lumihub.errors import LumiHubError
from lumihub.process import run

if TYPE_CHECKING:
    from collections.abc import Callable

# Seconds until everything must work again; what it really took is printed.
PATIENCE = 180


def kill_pod(one: ClusterInstallation, component: str) -> None:
    """End all processes of a component's pods at once, and the pods with them, as the death of their node would."""
    selector = f"--selector=app.kubernetes.io/component={component}"
    pods = json.loads(one.cluster.kubectl("--namespace", NAMESPACE, "get", "pods", selector, "--output=json"))["items"]
    assert pods, f"no pod of {component}"
    for pod in pods:
        for pid in find_processes(pod["metadata"]["uid"]):
            os.kill(pid, signal.SIGKILL)
    names = [pod["metadata"]["name"] for pod in pods]
    one.cluster.kubectl("--namespace", NAMESPACE, "delete", "pod", *names, "--grace-period=0", "--force")


def find_processes(uid: str) -> list[int]:
    """Processes of a pod, by the pod's uid."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"pod{uid}" in (folder / "cgroup").read_text():
                found.append(int(folder.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def measure_outage(works: Callable[[], object]) -> float:
    """Seconds from now until `works` raises nothing for the first time."""
    began = time.monotonic()
    while True:
        try:
            works()
        except (LumiHubError, AssertionError):
            if time.monotonic() - began > PATIENCE:
                raise
            time.sleep(0.25)
        else:
            return time.monotonic() - began


def fill(folder: Path, name: str, owner: int, megabytes: int | None = None) -> None:
    """Write a file into a folder of the node: of so many megabytes, or until its disk is full."""
    count = [f"count={16 * megabytes}"] if megabytes else []
    file = folder / name
    done = run([*build_entry(), "dd", "if=/dev/zero", f"of={file}", "bs=64k", *count], check=False)
    assert (done.exit_code == 0) == bool(megabytes), done.stderr
    run([*build_entry(), "chown", f"{owner}:{owner}", file])


def empty(folder: Path, name: str) -> None:
    """Delete a file in a folder of the node."""
    run([*build_entry(), "rm", folder / name])


def scale(one: ClusterInstallation, kind: str, replicas: int) -> None:
    """Have one of a part or none, and wait until it is so."""
    begin = ("--namespace", NAMESPACE)
    one.cluster.kubectl(*begin, "scale", kind, f"--replicas={replicas}")
    if replicas:
        one.cluster.kubectl(*begin, "rollout", "status", kind, f"--timeout={PATIENCE}s", timeout=PATIENCE + 10)
    else:
        selector = f"--selector=app.kubernetes.io/component={kind.partition('/')[2]}"
        one.cluster.kubectl(*begin, "wait", "--for=delete", "pod", selector, "--timeout=60s")
