"""Guards of a cluster that tests take away for a moment, and what listens where they keep students out."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from cluster.machine.processes import build_entry
from lumihub.process import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cluster.machine.access import Cluster

_Found = TypeVar("_Found")
# What a cluster adds to an object, and would not take from a new one.
_ADDED = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "uid")


def until(find: Callable[[], _Found], expected: _Found, seconds: float = 30) -> _Found:
    """What is found in the end: policies take a moment to be felt."""
    deadline = time.monotonic() + seconds
    while (found := find()) != expected and time.monotonic() < deadline:
        time.sleep(0.5)
    return found


@contextmanager
def without(cluster: Cluster, guards: list[tuple[str, str]]) -> Iterator[None]:
    """The same cluster with some policies, each a namespace and a name, taken away; then they are as they were."""
    kept = []
    for namespace, name in guards:
        text = cluster.kubectl("--namespace", namespace, "get", "networkpolicy", name, "--output=json")
        policy = json.loads(text)
        policy["metadata"] = {key: value for key, value in policy["metadata"].items() if key not in _ADDED}
        kept.append(policy)
    try:
        for namespace, name in guards:
            cluster.kubectl("--namespace", namespace, "delete", "networkpolicy", name)
        yield
    finally:
        cluster.kubectl("apply", "--server-side", "--field-manager=helm", "--filename=-", objects=kept)


@contextmanager
def node_server(address: str, port: int) -> Iterator[None]:
    """A web server on the node of the test cluster, at an address that is the node's own while it runs."""
    entry = build_entry()
    added = not run([*entry, "ip", "-oneline", "address", "show", "to", address]).stdout
    if added:
        run([*entry, "ip", "address", "add", f"{address}/32", "dev", "lo"])
    words = [sys.executable, "-m", "http.server", str(port), "--bind", address, "--directory", "/sys/class/net"]
    server = subprocess.Popen([*entry, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        probe = [*entry, "bash", "-c", f"</dev/tcp/{address}/{port}"]
        assert until(lambda: run(probe, check=False).exit_code, 0) == 0
        yield
    finally:
        server.terminate()
        server.wait(10)
        if added:
            run([*entry, "ip", "address", "delete", f"{address}/32", "dev", "lo"])
