"""Students' Dask clusters as the cluster's API shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lumihub.kubernetes.departure import wait_until_gone
from lumihub.kubernetes.objects import build_selector, is_ready, labels_of, name_of, path_of

if TYPE_CHECKING:
    from lumihub.kubernetes.access import Cluster
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
    pods = [
        pod
        for namespace in find_namespaces(cluster, settings)
        for pod in cluster.items(path_of("pods", namespace), labelSelector=_select_pods(settings))
    ]
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
    namespaces = find_namespaces(cluster, settings)
    records = [
        f"{_records(namespace)}/{name_of(one)}"
        for namespace in namespaces
        for one in cluster.items(_records(namespace))
    ]
    if not records:
        return []
    count = count_clusters(cluster, settings).schedulers
    with progress.task(f"Ending students' Dask clusters ({count})"):
        for path in records:
            cluster.delete(path)
        wait_until_gone(
            cluster,
            namespaces,
            _select_pods(settings),
            "students' Dask clusters did not end",
            seconds=_GONE_SECONDS,
            fix="./deploy.py down",
        )
    return [f"ended students' Dask clusters ({count})"] if count else []


def _select_pods(settings: Settings) -> str:
    return build_selector({_INSTANCE: settings.kubernetes.namespace})


def _records(namespace: str) -> str:
    return f"/apis/gateway.dask.org/v1alpha1/namespaces/{namespace}/daskclusters"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
