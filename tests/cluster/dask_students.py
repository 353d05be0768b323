"""Students with notebooks that have Dask workers in pods, and these pods."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cluster.installation import NAMESPACE

if TYPE_CHECKING:
    from cluster.installation import ClusterInstallation
    from lumihub.operations.student import CellResult, Kernel, StudentSession

# The namespace of the first cohort's pods.
DEFAULT = f"{NAMESPACE}-dask-default"
MARK = "the value is"
BEGIN = "import ast, os, warnings, time, socket, requests\nfrom lumihub import analysis, compute\n"


@dataclass
class Student:
    """A student with a server.

    Attributes:
        name: of the account.
        password: of the account.
        session: the browser.
        kernel: a notebook's.
    """

    name: str
    password: str
    session: StudentSession
    kernel: Kernel

    def run(self, code: str, timeout: float = 300) -> CellResult:
        """Run a cell that must not fail."""
        self.kernel.close()  # a connection that nobody read from for minutes was closed by the server
        result = self.kernel.run(code, timeout=timeout)
        assert not result.error, result.traceback
        return result

    def value(self, code: str) -> Any:
        """What the last line of a cell gives."""
        *before, last = code.splitlines()
        text = self.run("\n".join([*before, f"print({MARK!r}, repr(({last})))"])).text
        return ast.literal_eval(text.rpartition(MARK)[2].strip())

    def open_pods(self, workers: int = 2) -> str:
        """Start a cluster; its name."""
        name = str(self.value(f"c = compute.client(workers={workers})\nc.cluster.name"))
        assert name.startswith(f"{NAMESPACE}-dask-"), "it got workers of its own server"
        return name


def find_pods(one: ClusterInstallation, namespace: str, student: str = "") -> list[dict[str, Any]]:
    """Pods of Dask clusters that have not ended, of one student or of all."""
    text = one.cluster.kubectl("--namespace", namespace, "get", "daskclusters,pods", "--output=json")
    items = json.loads(text)["items"]
    owners = {item["metadata"]["name"]: item["spec"]["username"] for item in items if item["kind"] == "DaskCluster"}
    return [
        item
        for item in items
        if item["kind"] == "Pod" and student in ("", owners.get(item["metadata"]["labels"]["gateway.dask.org/cluster"]))
    ]


def is_worker(pod: dict[str, Any]) -> bool:
    return bool(pod["metadata"]["labels"]["app.kubernetes.io/component"] == "dask-worker")
