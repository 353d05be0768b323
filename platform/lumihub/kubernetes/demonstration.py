"""The demonstration cluster of a class: one person works with it, everybody may look, and it ends by itself."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from lumihub.backend import Demonstration
from lumihub.errors import LumiHubError
from lumihub.kubernetes.objects import is_ready, labels_of, path_of
from lumihub.kubernetes.platformdask import PlatformDask
from lumihub.labels import SCHEDULER_PORT, select_server

if TYPE_CHECKING:
    from lumihub.kubernetes.access import Cluster, Object
    from lumihub.progress import Progress
    from lumihub.settings import Settings

POLICY = "demo-instructor"
"""Name of the NetworkPolicy that lets one person work with it."""

_FOR, _UNTIL, _WORKERS = "lumihub/for", "lumihub/until", "lumihub/workers"
_COMPONENT = "dask.org/component"
_LOOK_SECONDS = 1.0
_HOPELESS_SECONDS = 15.0
# Until the first worker's pod runs; a node that pulls the image for the first time takes minutes.
_START_SECONDS = 600.0
# Once there is a worker, the others come soon or not at all.
_MORE_SECONDS = 20.0


@dataclass(frozen=True)
class DemonstrationCluster:
    """That of one installation.

    Attributes:
        cluster: where.
        settings: the values file.
    """

    cluster: Cluster
    settings: Settings

    @property
    def _dask(self) -> PlatformDask:
        return PlatformDask(self.cluster, self.settings, "demo")

    def find(self) -> Demonstration | None:
        """The one that there is now."""
        job = self._dask.find_job()
        if job is None:
            return None
        said = job["metadata"].get("annotations") or {}
        workers = [pod for pod in self._dask.pods() if labels_of(pod).get(_COMPONENT) == "worker"]
        return Demonstration(said[_FOR], said[_UNTIL], int(said[_WORKERS]), sum(map(is_ready, workers)))

    def start(self, instructor: str, workers: int, minutes: int, progress: Progress) -> Demonstration:
        """Make one and wait until it can be worked with; Ctrl-C ends it again. Who has one is told of it.

        Args:
            instructor: name of the account whose server may work with it.
            workers: how many there should be.
            minutes: after which it ends by itself.
            progress: hears how far it is.

        Raises:
            LumiHubError: somebody else has one, it is not installed, or it can't start.
        """
        manifest = self._dask.load()
        if not self.settings.network_policy.enabled:
            raise LumiHubError(
                "nothing would keep the class from working with the demonstration cluster, too",
                where="networkPolicy.enabled is false",
                fix="set networkPolicy.enabled to true, and type ./deploy.py up",
            )
        found = self.find()
        if found is not None and found.instructor != instructor:
            raise LumiHubError(
                f"somebody has the demonstration cluster: {found}",
                fix="wait, or end it: ./deploy.py demo stop",
            )
        try:
            if found is None:
                self._begin(manifest, instructor, workers, minutes)
            else:
                progress.step("it was started before, and stays as it was")
            return self._wait(progress)
        except (KeyboardInterrupt, LumiHubError):
            self.end()
            raise

    def end(self) -> bool:
        """End it; False where there was none."""
        self.cluster.delete(path_of("networkpolicies", self._dask.namespace, POLICY))
        return self._dask.end()

    def _begin(self, manifest: Object, instructor: str, workers: int, minutes: int) -> None:
        until = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=minutes)
        manifest["spec"]["worker"]["replicas"] = workers
        annotations = {_FOR: instructor, _UNTIL: until.isoformat(), _WORKERS: str(workers)}
        order = base64.b64encode(json.dumps({"until": until.timestamp()}).encode()).decode()
        namespace = self._dask.namespace
        self.cluster.apply(path_of("networkpolicies", namespace, POLICY), build_policy(self.settings, instructor))
        self._dask.begin(manifest, {"order.json": order}, annotations)

    def _wait(self, progress: Progress) -> Demonstration:
        began = time.monotonic()
        first = troubled = None
        with progress.task("starting Dask in the cluster") as task:
            while True:
                found = self.find()
                if found is None:
                    raise LumiHubError("it was ended by somebody else", fix="type the same command again")
                now = time.monotonic()
                first = first or (now if found.ready else None)
                if found.ready >= found.workers or (first and now - first > _MORE_SECONDS):
                    return found
                trouble = self._dask.find_trouble()
                troubled = (troubled or now) if trouble and trouble.hopeless else None
                if trouble and troubled and now - troubled > _HOPELESS_SECONDS:
                    raise LumiHubError(f"it can't start: {trouble}", where=self._dask.namespace, fix=trouble.fix)
                if not first and now - began > _START_SECONDS:
                    raise LumiHubError(
                        f"no Dask worker came within {_START_SECONDS:.0f} s{f': {trouble}' if trouble else ''}",
                        where=self._dask.namespace,
                        fix=trouble.fix if trouble else "./deploy.py doctor",
                    )
                why = f": {trouble.words}" if trouble else ""
                task.describe(f"waiting for Dask workers: {found.ready} of {found.workers} ({now - began:.0f} s){why}")
                time.sleep(_LOOK_SECONDS)


def build_policy(settings: Settings, instructor: str) -> Object:
    """The NetworkPolicy that lets one account's server work with the cluster. Pure."""
    server = select_server(settings.kubernetes.users_namespace, instructor)
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            "name": POLICY,
            "namespace": settings.demo_namespace,
            "labels": {
                "app.kubernetes.io/name": "lumihub",
                "app.kubernetes.io/instance": settings.kubernetes.release,
                "app.kubernetes.io/component": "demo",
            },
        },
        "spec": {
            "podSelector": {"matchLabels": {_COMPONENT: "scheduler"}},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": [server], "ports": [{"port": SCHEDULER_PORT}]}],
        },
    }
