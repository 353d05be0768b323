"""The data of a cluster: its cache is asked through the keeper, its work is done by the platform's own Dask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lumihub.kubernetes.access import connect
from lumihub.kubernetes.datawork import DataWork
from lumihub.kubernetes.keeper import describe_cache, evict_files, pin_files, unpin_files
from lumihub.kubernetes.nightly import end_night, find_state, name_cache

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lumihub.data.nightly import NightlyState
    from lumihub.data.records import DataFile
    from lumihub.data.store import CacheContents
    from lumihub.data.work import Report, WorkOrder
    from lumihub.progress import Progress
    from lumihub.settings import Settings


class ClusterStore:
    """The data of the cluster that the settings name.

    Args:
        settings: the values file.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._cluster = connect(str(settings.kubernetes.context))
        self.cache_url = name_cache(settings)

    def contents(self) -> CacheContents:
        """What is in the cache's pod."""
        return describe_cache(self._cluster, self._settings)

    def evict(self, paths: Sequence[str]) -> tuple[str, ...]:
        """Throw files out of the cache."""
        return evict_files(self._cluster, self._settings, paths)

    def pin(self, files: Sequence[DataFile]) -> None:
        """Hold files in the cache."""
        pin_files(self._cluster, self._settings, files)

    def unpin(self, paths: Sequence[str]) -> None:
        """Hold files in the cache no longer."""
        unpin_files(self._cluster, self._settings, paths)

    def work(self, order: WorkOrder, progress: Progress) -> Report:
        """Have an order carried out by Dask in the cluster."""
        return DataWork(self._cluster, self._settings).do(order, progress)

    def nightly(self) -> NightlyState | None:
        """What the CronJob of the night does."""
        return find_state(self._cluster, self._settings)

    def stop(self) -> bool:
        """End the work in the cluster, that of the night too."""
        ended = end_night(self._cluster, self._settings)
        return DataWork(self._cluster, self._settings).stop() or ended
