"""Hands the files of an order to Dask's workers, tells how far they are, and goes on when a part of Dask is lost."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any

from lumihub.data.reading import DamagedError
from lumihub.data.work import Report, WorkOrder, carry_out
from lumihub.data.worklog import tell
from lumihub.errors import LumiHubError

if TYPE_CHECKING:
    from distributed import Client

    from lumihub.data.records import DataFile
    from lumihub.datawork.daskcluster import DaskCluster

_TOPIC = "lumihub-bytes"
_TELL_SECONDS = 1.0
# Until the first worker's pod runs; its image may have to come over the link.
_START_SECONDS = 600.0
_LOST = 5


def run(order: WorkOrder, cluster: DaskCluster) -> Report:
    """Do all of an order.

    Raises:
        LumiHubError: no workers came, or Dask was lost again and again without a file being done between.
    """
    work = _Work(order)
    lost = 0
    while work.left:
        before = len(work.left)
        cluster.ensure()
        try:
            work.proceed(cluster.address)
        except (CancelledError, OSError, TimeoutError) as error:
            lost = lost + 1 if len(work.left) == before else 1
            if lost > _LOST:
                raise LumiHubError(f"Dask was lost {lost} times: {error}", where=cluster.namespace) from error
            tell("warn", text="the Dask scheduler was lost; going on with a new one")
            time.sleep(2)
    return work.report()


class _Work:
    """What of an order is done."""

    def __init__(self, order: WorkOrder) -> None:
        self._order = order
        self.left = list(order.largest_first)
        self._done: list[str] = []
        self._read = 0
        self._faults: dict[str, LumiHubError] = {}
        self._damaged: list[str] = []
        self._under_way: dict[str, float] = {}
        self._finished = 0
        self._told = 0.0
        self._began = 0.0

    def proceed(self, address: str) -> None:
        """Do what is left with the workers of one scheduler."""
        from distributed import as_completed

        deadline = time.monotonic() + _START_SECONDS
        with _connect(address, deadline) as client:
            _wait_for_worker(client, deadline)
            self._began = self._began or time.monotonic()
            tell("step", text=f"Dask is there ({len(client.scheduler_info()['workers'])} workers so far)")
            client.subscribe_topic(_TOPIC, self._hear)
            files = {}
            for place, file in enumerate(self.left):
                future = client.submit(
                    _do,
                    self._order,
                    file,
                    key=f"{self._order.verb}-{file.path}",
                    pure=False,
                    priority=-place,
                    retries=0,
                )
                files[future] = file
            del future
            for done in as_completed(list(files)):
                self._take(done, files.pop(done))
                done.release()

    def report(self) -> Report:
        """All that came of it; the time is counted from the first worker on."""
        seconds = time.monotonic() - self._began
        return Report(tuple(self._done), self._read, seconds, self._faults, tuple(self._damaged))

    def _take(self, future: Any, file: DataFile) -> None:
        if future.status == "cancelled":
            raise CancelledError
        error = future.exception()
        if error is None:
            self._done.append(file.path)
            self._read += future.result()
        elif isinstance(error, LumiHubError):
            self._faults[file.path] = error
            if isinstance(error, DamagedError):
                self._damaged.append(file.path)
        else:
            # KilledWorker: its workers were lost again and again, perhaps for want of memory.
            self._faults[file.path] = LumiHubError(
                f"{file.path}: {type(error).__name__}: {error}", fix="type the same command again"
            )
        self.left.remove(file)
        self._under_way.pop(file.path, None)
        self._finished += file.size
        self._tell_soon()

    def _hear(self, event: tuple[float, dict[str, Any]]) -> None:
        path, amount = event[1]["path"], event[1]["bytes"]
        if any(file.path == path for file in self.left):
            self._under_way[path] = amount
            self._tell_soon()

    def _tell_soon(self) -> None:
        if self.left and time.monotonic() - self._told < _TELL_SECONDS:
            return
        self._told = time.monotonic()
        done = self._finished + int(sum(self._under_way.values()))
        tell("bytes", done=done, files=len(self._done), seconds=round(self._told - self._began, 3))


def _do(order: WorkOrder, file: DataFile) -> int:
    """In a worker: one file."""
    from distributed import get_worker

    worker = get_worker()
    state = {"bytes": 0.0, "told": time.monotonic()}

    def advance(amount: float) -> None:
        state["bytes"] += amount
        if time.monotonic() - state["told"] > _TELL_SECONDS:
            state["told"] = time.monotonic()
            worker.log_event(_TOPIC, {"path": file.path, "bytes": state["bytes"]})

    return carry_out(order, file, advance, threading.Event())


def _connect(address: str, deadline: float) -> Client:
    from distributed import Client

    while True:
        try:
            return Client(address, timeout=10, name=f"lumihub-{os.getpid()}")
        except (OSError, TimeoutError):
            if time.monotonic() > deadline:
                raise
            time.sleep(1)


def _wait_for_worker(client: Client, deadline: float) -> None:
    try:
        client.wait_for_workers(1, timeout=max(1.0, deadline - time.monotonic()))
    except TimeoutError as error:
        raise LumiHubError(f"no Dask worker came within {_START_SECONDS:.0f} s") from error
