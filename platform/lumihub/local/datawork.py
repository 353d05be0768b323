"""Data work on this machine: threads of the tool itself, which end with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lumihub.data.access import cache_folder
from lumihub.data.cache import exported_path
from lumihub.data.cached import evict, read_cached
from lumihub.data.origins import speaks_xrootd
from lumihub.data.store import CacheContents
from lumihub.data.working import work_in_threads
from lumihub.errors import InputError, LumiHubError
from lumihub.local.folder import explained_write_errors, find_state_folder
from lumihub.local.nightly import find_state, name_cache

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lumihub.data.nightly import NightlyState
    from lumihub.data.records import DataFile
    from lumihub.data.work import Report, WorkOrder
    from lumihub.progress import Progress
    from lumihub.settings import Settings


class LocalStore:
    """The data of one machine.

    Args:
        settings: the values file.
    """

    def __init__(self, settings: Settings) -> None:
        self._port = settings.data.cache.port
        self._state = find_state_folder(settings)
        path = exported_path(settings.data.origin.url)
        self._folder = cache_folder(self._state.data) / path.lstrip("/")
        self.cache_url = name_cache(settings)

    def contents(self) -> CacheContents:
        """What is in the cache of this machine."""
        try:
            running = speaks_xrootd("127.0.0.1", self._port)
        except OSError:
            running = False
        if not running:
            raise LumiHubError(
                "the cache does not run",
                where=f"port {self._port} of this machine",
                fix="./deploy.py up (with data.mode: cache), then ./deploy.py status",
            )
        with explained_write_errors(self._folder):
            return CacheContents(tuple(read_cached(self._folder)))

    def evict(self, paths: Sequence[str]) -> tuple[str, ...]:
        """Throw files out of the cache."""
        with explained_write_errors(self._folder):
            return tuple(path for path in paths if evict(self._folder, path))

    def pin(self, files: Sequence[DataFile]) -> None:
        """Refuse: here nobody looks after the cache, and the mirror keeps files for good."""
        self.unpin([file.path for file in files])

    def unpin(self, paths: Sequence[str]) -> None:
        """Refuse, as `pin` does."""
        del paths
        raise InputError(
            "files are pinned in the cache of a cluster alone",
            fix="to keep them on this machine for good, bring them with `./deploy.py data fetch`, set data.mode: mirror"
            " and type `./deploy.py up`",
        )

    def work(self, order: WorkOrder, progress: Progress) -> Report:
        """Carry out an order."""
        return work_in_threads(order, progress)

    def nightly(self) -> NightlyState | None:
        """What the part of the night does."""
        return find_state(self._state)

    def stop(self) -> bool:
        """Nothing goes on by itself here."""
        return False
