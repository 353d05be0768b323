"""Dask that the platform itself brings up for a while: a Job leads it, in a namespace of its own."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lumihub.errors import LumiHubError
from lumihub.kubernetes.access import ApiError
from lumihub.kubernetes.departure import wait_until_gone
from lumihub.kubernetes.nightly import NIGHT
from lumihub.kubernetes.objects import build_selector, is_over, name_of, path_of
from lumihub.kubernetes.troubles import explain_pod

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lumihub.kubernetes.access import Cluster, Object
    from lumihub.kubernetes.troubles import Trouble
    from lumihub.settings import Settings

Use = Literal["data", "demo"]

CLUSTER_FILE = "cluster.json"
"""The DaskCluster, in the chart's ConfigMap and in the order that is made of it."""

_GONE_SECONDS = 90.0


@dataclass(frozen=True)
class PlatformDask:
    """One use of it.

    Attributes:
        cluster: where.
        settings: the values file.
        use: what for; names of objects begin with it.
    """

    cluster: Cluster
    settings: Settings
    use: Use

    @property
    def namespace(self) -> str:
        """Where it is."""
        return {"data": self.settings.data_namespace, "demo": self.settings.demo_namespace}[self.use]

    @property
    def job(self) -> str:
        """Name of the Job that leads it, and of the CronJob that this is made of."""
        return f"{self.use}-work"

    def find_job(self) -> Object | None:
        """The Job as long as it is at work."""
        job = self.cluster.find(path_of("jobs", self.namespace, self.job))
        return None if job is None or is_over(job) else job

    def load(self) -> Object:
        """The DaskCluster as the chart wrote it.

        Raises:
            LumiHubError: the chart has none.
        """
        blueprint = self.cluster.find(path_of("configmaps", self.namespace, f"{self.use}-cluster"))
        if blueprint is None:
            raise LumiHubError(
                "the platform's Dask is not installed",
                where=f"namespace {self.namespace} of {self.cluster.context}",
                fix=f"./deploy.py up (with dask.enabled, dask.platform.enabled{_SWITCH[self.use]})",
            )
        found: Object = json.loads(blueprint["data"][CLUSTER_FILE])
        return found

    def begin(self, manifest: Object, order: Mapping[str, str], annotations: Mapping[str, str]) -> None:
        """Make the Job, after whatever is left of an earlier one is gone.

        Args:
            manifest: the DaskCluster that it is to ask for.
            order: more files for it, by name, in base64.
            annotations: of the Job.
        """
        template = self.cluster.get(path_of("cronjobs", self.namespace, self.job))
        self.end()
        name = f"{self.use}-order"
        self.cluster.apply(
            path_of("configmaps", self.namespace, name),
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": name, "namespace": self.namespace},
                "data": {CLUSTER_FILE: json.dumps(manifest)},
                "binaryData": dict(order),
            },
        )
        self._create(
            {
                "apiVersion": "batch/v1",
                "kind": "Job",
                "metadata": {
                    "name": self.job,
                    "labels": template["metadata"].get("labels", {}),
                    "annotations": dict(annotations),
                },
                "spec": template["spec"]["jobTemplate"]["spec"],
            }
        )

    def end(self) -> bool:
        """End the Job and what is left of its Dask; False where there was none."""
        job = self.cluster.find(path_of("jobs", self.namespace, self.job))
        clusters = f"/apis/kubernetes.dask.org/v1/namespaces/{self.namespace}/daskclusters"
        self.cluster.delete(path_of("jobs", self.namespace, self.job))
        for one in self.cluster.items(clusters):
            path = f"{clusters}/{name_of(one)}"
            self.cluster.delete(path)
            # Without an operator nobody else takes its mark away, and the object would stay for ever.
            with contextlib.suppress(ApiError):
                found = self.cluster.get(path)
                found["metadata"]["finalizers"] = []
                self.cluster.replace(path, found)
        wait_until_gone(
            self.cluster,
            [self.namespace],
            self._own,
            "pods of the platform's Dask did not end",
            seconds=_GONE_SECONDS,
            fix="type the same command again",
        )
        return job is not None

    def pods(self) -> list[Object]:
        """All its pods: what leads it, scheduler and workers."""
        return list(self.cluster.items(path_of("pods", self.namespace), labelSelector=self._own))

    def find_trouble(self) -> Trouble | None:
        """Why it does not come up; of several reasons one that won't pass."""
        events = self.cluster.items(path_of("events", self.namespace))
        found = (explain_pod(pod, events) for pod in self.pods())
        return min(filter(None, found), key=lambda trouble: not trouble.hopeless, default=None)

    def _create(self, job: Object) -> None:
        deadline = time.monotonic() + _GONE_SECONDS
        while True:
            try:
                self.cluster.create(path_of("jobs", self.namespace), job)
            except ApiError as error:
                if error.status != 409 or time.monotonic() > deadline:
                    raise
                time.sleep(0.5)
            else:
                return

    @property
    def _own(self) -> str:
        # Pods of the night stay when they are done, to say what came of it.
        own = build_selector({"app.kubernetes.io/instance": self.settings.kubernetes.release})
        return f"{own},app.kubernetes.io/component!={NIGHT}"


_SWITCH = {"data": "", "demo": " and dask.demo.enabled"}
