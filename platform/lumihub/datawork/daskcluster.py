"""The platform's Dask cluster, as an object that the operator beside this process turns into pods."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lumihub.errors import LumiHubError
from lumihub.kubernetes.access import ApiError, Cluster

if TYPE_CHECKING:
    from collections.abc import Callable

_GROUP = "/apis/kubernetes.dask.org/v1"
_CONFLICT = 409
_GROUP_SECONDS = 30.0
_GONE_SECONDS = 90.0


def connect_inside() -> Cluster:
    """The API of the cluster that this pod runs in, with the pod's own rights."""
    from kubernetes.client import ApiClient, Configuration
    from kubernetes.config import load_incluster_config

    configuration: Any = Configuration()
    load_incluster_config(client_configuration=configuration)
    configuration.retries = 3
    return Cluster("in-cluster", ApiClient(configuration))


@dataclass(frozen=True)
class DaskCluster:
    """One cluster.

    Attributes:
        api: of Kubernetes.
        namespace: where it is.
        manifest: the DaskCluster, as the chart wrote it.
    """

    api: Cluster
    namespace: str
    manifest: dict[str, Any]

    @property
    def name(self) -> str:
        """Of the object; scheduler and workers begin with it."""
        return str(self.manifest["metadata"]["name"])

    @property
    def address(self) -> str:
        """Of its scheduler."""
        return f"tcp://{self.name}-scheduler.{self.namespace}:8786"

    def ensure(self) -> None:
        """Make it, or take the one that an earlier pod of this work made.

        Raises:
            LumiHubError: the operator does nothing with it.
        """
        self._create("daskclusters", self.manifest)
        # The operator can take its own mark "Running" back to "Pending" and then never makes the workers
        # (dask-kubernetes 2026.3.0). What it would have made is made here, and it takes that as its own.
        if not self._wait(lambda: self._find("daskworkergroups", f"{self.name}-default") is not None, _GROUP_SECONDS):
            if self._find("daskclusters", self.name) is None:
                raise LumiHubError("the Dask cluster was removed while it came up", fix="type the same command again")
            labels = {
                **self.manifest["metadata"].get("labels", {}),
                "dask.org/cluster-name": self.name,
                "dask.org/component": "workergroup",
            }
            group = {
                "apiVersion": "kubernetes.dask.org/v1",
                "kind": "DaskWorkerGroup",
                "metadata": {"name": f"{self.name}-default", "labels": labels},
                "spec": {"cluster": self.name, "worker": self.manifest["spec"]["worker"]},
            }
            self._create("daskworkergroups", group)

    def remove(self) -> None:
        """Remove it and wait until it is gone: without the operator its finalizers would keep it for ever.

        Raises:
            LumiHubError: it is not gone in time.
        """
        self.api.delete(self._path("daskclusters", self.name))
        if not self._wait(lambda: self._find("daskclusters", self.name) is None, _GONE_SECONDS):
            raise LumiHubError(
                f"the operator did not let the Dask cluster go within {_GONE_SECONDS:.0f} s", where=self.namespace
            )

    def _create(self, plural: str, body: dict[str, Any]) -> None:
        try:
            self.api.create(self._path(plural), body)
        except ApiError as error:
            if error.status != _CONFLICT:
                raise

    def _find(self, plural: str, name: str) -> dict[str, Any] | None:
        return self.api.find(self._path(plural, name))

    def _path(self, plural: str, name: str = "") -> str:
        return f"{_GROUP}/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")

    @staticmethod
    def _wait(arrived: Callable[[], bool], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not arrived():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.5)
        return True
