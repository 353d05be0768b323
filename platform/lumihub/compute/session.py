"""One Dask client in a process, made when it is first asked for and closed at exit."""

from __future__ import annotations

import atexit
import threading
import warnings
from typing import TYPE_CHECKING, Any

from lumihub.compute.limits import KERNEL_MEMORY, DaskLimits, cpu_limit, memory_limit, worker_count
from lumihub.errors import InputError

if TYPE_CHECKING:
    from distributed import Client

_MIB = 1024**2


class LimitWarning(UserWarning):
    """Dask got less than was asked for, and why."""


class _Session:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.client: Client | None = None
        self.workers = 0


_session = _Session()


def client(workers: int | None = None) -> Client:
    """The Dask client of this notebook; the first call starts the workers, later ones return the same.

    Where workers are switched off or do not fit into memory, the client runs tasks in this process and a `LimitWarning`
    says why: the same cells work, only not in parallel.

    Args:
        workers: worker processes of one core each; as many as cores, memory and the administrator allow when None.

    Raises:
        InputError: `workers` is below 1.
    """
    if workers is not None and workers < 1:
        raise InputError(
            f"workers is {workers}, but at least one is needed", fix="give workers=1 or more, or leave it out"
        )
    with _session.lock:
        running = _session.client
        if running is None or running.status != "running":
            return _start(_allowed_workers(workers))
        if workers is not None and _session.workers and workers != _session.workers:
            _session.workers = _allowed_workers(workers) or _session.workers
            _cluster(running).scale(_session.workers)
        return running


def close() -> None:
    """End the workers of this process, if there are any."""
    with _session.lock:
        if _session.client is not None:
            cluster = _cluster(_session.client)
            _session.client.close()
            cluster.close()
            _session.client = None


def _allowed_workers(wanted: int | None) -> int:
    limits = DaskLimits.current()
    cores, memory = cpu_limit(), memory_limit()
    if not limits.enabled:
        _warn("Dask workers are switched off on this platform (dask.enabled); everything runs in this process")
        return 0
    fitting = worker_count(cores if wanted is None else wanted, memory, limits.max_workers)
    if fitting == 0:
        _warn(f"{memory // _MIB} MiB of memory are too few for a Dask worker; everything runs in this process")
    elif wanted is not None and fitting < wanted:
        _warn(
            f"{wanted} Dask workers do not fit into {memory // _MIB} MiB and the limit of {limits.max_workers};"
            f" starting {fitting}"
        )
    return fitting


def _warn(text: str) -> None:
    warnings.warn(text, LimitWarning, stacklevel=4)


def _start(workers: int) -> Client:
    from distributed import Client, fire_and_forget

    from lumihub.compute.cluster import OwnerCluster, import_warm_modules

    cluster = OwnerCluster(workers, (memory_limit() - KERNEL_MEMORY) // max(1, workers))
    _session.client = Client(cluster)
    _session.workers = workers
    for address in cluster.scheduler_info["workers"] if workers else ():
        fire_and_forget(_session.client.submit(import_warm_modules, workers=[address], pure=False))
    # After distributed's own hooks were registered, so that ours runs before them and workers end in order.
    atexit.register(close)
    return _session.client


def _cluster(running: Client) -> Any:
    return running.cluster
