"""Data work on this machine: threads of the tool itself, which end with it."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING

from lumihub.data.access import cache_folder
from lumihub.data.cache import exported_path
from lumihub.data.cached import evict, read_cached
from lumihub.data.origins import speaks_xrootd
from lumihub.data.pace import Pace
from lumihub.data.reading import DamagedError
from lumihub.data.store import CacheContents
from lumihub.data.work import Report, WorkOrder, carry_out
from lumihub.errors import InputError, LumiHubError
from lumihub.local.folder import explained_write_errors, find_state_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lumihub.data.records import DataFile
    from lumihub.progress import Progress
    from lumihub.settings import Settings


class LocalStore:
    """The data of one machine.

    Args:
        settings: the values file.
    """

    def __init__(self, settings: Settings) -> None:
        self._port = settings.data.cache.port
        path = exported_path(settings.data.origin.url)
        self._folder = cache_folder(find_state_folder(settings).data) / path.lstrip("/")
        self.cache_url = f"root://127.0.0.1:{self._port}/{path}"

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
        began, stop = time.monotonic(), threading.Event()
        done: list[str] = []
        faults: dict[str, LumiHubError] = {}
        damaged: list[str] = []
        read = 0
        with (
            progress.task(order.verb, order.size, "bytes") as task,
            ThreadPoolExecutor(order.streams, thread_name_prefix=order.verb) as pool,
        ):
            pace, lock = Pace(order.size, progress), threading.Lock()
            brought = 0.0

            def advance(amount: float) -> None:
                nonlocal brought
                task.advance(amount)
                with lock:
                    brought += amount
                    pace.note(brought, time.monotonic() - began)

            waiting = {pool.submit(carry_out, order, file, advance, stop): file for file in order.largest_first}
            try:
                for item in as_completed(waiting):
                    path = waiting[item].path
                    try:
                        read += item.result()
                        done.append(path)
                    except LumiHubError as error:
                        faults[path] = error
                        damaged += [path] if isinstance(error, DamagedError) else []
            finally:
                stop.set()
                pool.shutdown(wait=True, cancel_futures=True)
        return Report(tuple(done), read, time.monotonic() - began, faults, tuple(damaged))

    def stop(self) -> bool:
        """Nothing goes on by itself here."""
        return False
