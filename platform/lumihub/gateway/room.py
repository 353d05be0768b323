"""Whether there is room for one more cluster, beside those that run and those that were ordered a moment ago."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lumihub.gateway.configuration import Configuration

_ENDED = ("Stopped", "Failed")
# What dask-gateway keeps of a cluster in Kubernetes, by `NAMESPACE.NAME`.
Records = dict[str, dict[str, Any]]


class Orders:
    """Clusters that were asked for and that Kubernetes has not told of yet; they count as if they ran."""

    def __init__(self) -> None:
        self._open: Records = {}
        self._made: set[str] = set()

    def add(self, name: str, record: dict[str, Any]) -> None:
        """One more was let in."""
        self._open[name] = record

    def remove(self, names: Iterable[str]) -> None:
        """They are seen, or there is none."""
        for name in list(names):
            self._open.pop(name, None)
            self._made.discard(name)

    def mark_made(self, name: str) -> None:
        """Kubernetes has it now, and each list that is begun from here on shows it."""
        if name in self._open:
            self._made.add(name)

    @property
    def made(self) -> set[str]:
        """Those that a list begun now shows, unless they are gone."""
        return set(self._made)

    def add_to(self, records: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
        """The clusters of these records that have not ended, and the orders that are not among the records."""
        return [one for one in {**self._open, **records}.values() if not has_ended(one)]


def find_refusal(
    student: str, namespace: str, living: Iterable[dict[str, Any]], configuration: Configuration
) -> str | None:
    """Why a student gets no cluster now, in words that the student reads; None where there is room.

    Args:
        student: who asks.
        namespace: of the student's cohort.
        living: clusters and orders of all cohorts.
        configuration: the limits.
    """
    every = list(living)
    own = sum(one["spec"]["username"] == student for one in every)
    if own >= configuration.clusters_per_student:
        return f"you have {own} Dask cluster{'s'[: own > 1]}, the most a student may have"
    cohort = [one for one in every if one["metadata"]["namespace"] == namespace]
    if len(cohort) >= configuration.cohort_clusters:
        return f"all {configuration.cohort_clusters} Dask clusters of your class are in use"
    if sum(int(one["spec"].get("replicas", 0)) for one in cohort) >= configuration.cohort_workers:
        return f"all {configuration.cohort_workers} Dask workers of your class are in use"
    return None


def has_ended(record: dict[str, Any]) -> bool:
    """Whether a cluster has ended or was told to."""
    return record.get("status", {}).get("phase") in _ENDED or not record["spec"].get("active", True)
