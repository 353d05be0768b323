"""Students' Dask clusters as the cluster's API shows them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lumihub.errors import LumiHubError
from lumihub.kubernetes.objects import build_selector, is_ready, labels_of, name_of, path_of

if TYPE_CHECKING:
    from lumihub.kubernetes.access import Cluster, Object
    from lumihub.progress import Progress
    from lumihub.settings import Settings

COMPONENT = "app.kubernetes.io/component"
SCHEDULER, WORKER = "dask-scheduler", "dask-worker"
_INSTANCE = "gateway.dask.org/instance"
_GONE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Clusters:
    """How many there are.

    Attributes:
        schedulers: one a cluster.
        workers: that are ready.
        waiting: workers that are not ready yet.
    """

    schedulers: int
    workers: int
    waiting: int

    def __str__(self) -> str:
        waiting = f" ({self.waiting} more waiting)" if self.waiting else ""
        return f"{_count(self.schedulers, 'cluster')}, {_count(self.workers, 'worker')}{waiting}"


def count_clusters(cluster: Cluster, settings: Settings) -> Clusters:
    """The clusters of all cohorts."""
    pods = [pod for namespace in find_namespaces(cluster, settings) for pod in _pods(cluster, namespace, settings)]
    workers = [pod for pod in pods if labels_of(pod).get(COMPONENT) == WORKER]
    ready = sum(map(is_ready, workers))
    schedulers = sum(labels_of(pod).get(COMPONENT) == SCHEDULER for pod in pods)
    return Clusters(schedulers, ready, len(workers) - ready)


def find_namespaces(cluster: Cluster, settings: Settings) -> list[str]:
    """The namespaces of cohorts that are there, also of those that the values file names no more."""
    labels = {"app.kubernetes.io/instance": settings.kubernetes.release, COMPONENT: "gateway"}
    prefix = f"{settings.kubernetes.namespace}-dask-"
    found = cluster.items(path_of("namespaces"), labelSelector=build_selector(labels))
    return [name_of(one) for one in found if name_of(one).startswith(prefix)]


def end_clusters(cluster: Cluster, settings: Settings, progress: Progress) -> list[str]:
    """End all clusters and wait until their pods are gone; one line when there were any.

    With its record each cluster's pods, secrets and policy go too, whether the gateway runs or not.
    """
    records = [
        f"{_records(namespace)}/{name_of(one)}"
        for namespace in find_namespaces(cluster, settings)
        for one in cluster.items(_records(namespace))
    ]
    count = count_clusters(cluster, settings).schedulers
    if not records:
        return []
    with progress.task(f"Ending students' Dask clusters ({count})"):
        for path in records:
            cluster.delete(path)
        _wait_until_gone(cluster, settings)
    return [f"ended students' Dask clusters ({count})"] if count else []


def _wait_until_gone(cluster: Cluster, settings: Settings) -> None:
    deadline = time.monotonic() + _GONE_SECONDS
    while any(_pods(cluster, namespace, settings) for namespace in find_namespaces(cluster, settings)):
        if time.monotonic() > deadline:
            raise LumiHubError(
                f"students' Dask clusters did not end within {_GONE_SECONDS:.0f} s",
                where=", ".join(find_namespaces(cluster, settings)),
                fix="./deploy.py down",
            )
        time.sleep(0.5)


def _pods(cluster: Cluster, namespace: str, settings: Settings) -> list[Object]:
    selector = build_selector({_INSTANCE: settings.kubernetes.namespace})
    return cluster.items(path_of("pods", namespace), labelSelector=selector)


def _records(namespace: str) -> str:
    return f"/apis/gateway.dask.org/v1alpha1/namespaces/{namespace}/daskclusters"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
