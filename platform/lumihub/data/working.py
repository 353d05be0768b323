"""An order carried out by threads of this process."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING

from lumihub.data.pace import Pace
from lumihub.data.partial import Stopped
from lumihub.data.reading import DamagedError
from lumihub.data.work import Report, WorkOrder, carry_out
from lumihub.errors import LumiHubError

if TYPE_CHECKING:
    from lumihub.data.records import DataFile
    from lumihub.progress import Progress


def work_in_threads(order: WorkOrder, progress: Progress, stop: threading.Event | None = None) -> Report:
    """Carry out an order, `order.streams` files at once.

    Args:
        order: what to do.
        progress: hears of it.
        stop: set by whoever wants it to end early; files that were not done then are in no part of the report.
    """
    began, stop = time.monotonic(), stop or threading.Event()
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

        def do(file: DataFile) -> int:
            if stop.is_set():
                raise Stopped
            return carry_out(order, file, advance, stop)

        waiting = {pool.submit(do, file): file for file in order.largest_first}
        try:
            for item in as_completed(waiting):
                path = waiting[item].path
                try:
                    read += item.result()
                    done.append(path)
                except Stopped:
                    continue
                except LumiHubError as error:
                    faults[path] = error
                    damaged += [path] if isinstance(error, DamagedError) else []
        except BaseException:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return Report(tuple(done), read, time.monotonic() - began, faults, tuple(damaged))
