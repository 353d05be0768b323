"""One Dask client in a process, made when it is first asked for and closed at exit."""

from __future__ import annotations

import atexit
import inspect
import threading
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast, get_args

from lumihub.compute.limits import KERNEL_MEMORY, DaskLimits, cpu_limit, memory_limit, worker_count
from lumihub.errors import InputError
from lumihub.notebook import find_progress

if TYPE_CHECKING:
    from distributed import Client

    from lumihub.compute.cluster import OwnerCluster
    from lumihub.compute.demo import DemoCluster
    from lumihub.compute.pods import PodCluster

Where = Literal["here", "pods", "demo"]

_MIB = 1024**2


class LimitWarning(UserWarning):
    """Dask got less than was asked for, and why."""


@dataclass
class _Running:
    client: Client
    cluster: OwnerCluster | PodCluster | DemoCluster
    workers: int
    where: Where

    @property
    def alive(self) -> bool:
        return bool(self.client.status == "running")

    @property
    def pods(self) -> PodCluster | None:
        return cast("PodCluster", self.cluster) if self.where == "pods" else None


class _Session:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.running: _Running | None = None


_session = _Session()


def client(workers: int | None = None, where: Where | None = None) -> Client:
    """The Dask client of this notebook; the first call starts the workers, later ones return the same.

    `client()` starts workers in the student's own server. `client(workers=4)` asks for more than that: on a cluster
    with a Dask gateway it means pods of their own, elsewhere processes of the same machine. `client(where="demo")`
    works with the demonstration cluster of a class, where the administrator lent it to this account.

    Where workers are switched off, don't fit or are not to be had, a `LimitWarning` says why and the client works with
    fewer, or in this server: the same cells work, only slower.

    Args:
        workers: workers of one core each; as many as cores, memory and the administrator allow when None.
        where: "here" for the student's own server, "pods" for pods of their own, "demo" for the demonstration, whose
            number of workers is not ours to say; as said above when None.

    Raises:
        InputError: `workers` is below 1, or `where` is another word.
    """
    if workers is not None and workers < 1:
        raise InputError(
            f"workers is {workers}, but at least one is needed", fix="give workers=1 or more, or leave it out"
        )
    if where not in (None, *get_args(Where)):
        raise InputError(f"where is {where!r}", fix='give where="here", "pods" or "demo", or leave it out')
    with _session.lock:
        running = _session.running
        place = _choose_place(workers, where, running)
        if running is not None and (not running.alive or place != running.where):
            workers = workers or (running.workers if place == running.where == "pods" else None)
            _end(running)
            running = None
        if running is None:
            return _start(workers, place).client
        if workers is not None and running.workers and workers != running.workers:
            running.workers = _limit(workers, place) or running.workers
            # A demonstration's workers are counted as none, since they are not ours to scale.
            cast("OwnerCluster | PodCluster", running.cluster).scale(running.workers)
        return running.client


def close() -> None:
    """End the workers of this notebook, if there are any. In pods they end for the student's other notebooks too."""
    with _session.lock:
        if _session.running is not None:
            _end(_session.running)


def _choose_place(workers: int | None, where: Where | None, running: _Running | None) -> Where:
    limits = DaskLimits.current()
    if where is None and workers is None and running is not None:
        return running.where
    if where == "demo":
        if limits.demo:
            return "demo"
        _warn("there are no demonstrations on this platform; this notebook uses the workers of your own server")
        return "here"
    if not (limits.enabled and limits.gateway):
        if where == "pods" and limits.enabled:
            _warn("there are no Dask workers in pods on this platform; this notebook uses those of your own server")
        return "here"
    return where or ("here" if workers is None else "pods")


def _start(workers: int | None, where: Where) -> _Running:
    start = {"here": _start_here, "pods": _start_pods, "demo": _start_demo}[where]
    running = start(workers) or _start_here(workers)
    _session.running = running
    # After distributed's own hooks were registered, so that ours runs before them and workers end in order.
    atexit.register(_end_at_exit)
    return running


def _start_here(workers: int | None) -> _Running:
    from distributed import Client, fire_and_forget

    from lumihub.compute.cluster import OwnerCluster, import_warm_modules

    count = _limit(workers, "here")
    cluster = OwnerCluster(count, (memory_limit() - KERNEL_MEMORY) // max(1, count))
    made = Client(cluster)
    for address in cluster.scheduler_info["workers"] if count else ():
        fire_and_forget(made.submit(import_warm_modules, workers=[address], pure=False))
    return _Running(made, cluster, count, "here")


def _start_pods(workers: int | None) -> _Running | None:
    """Workers in pods; None where there are none to be had, and the student knows why."""
    from distributed import Client

    from lumihub.compute.pods import NoRoomError, open_cluster, wait_for_workers
    from lumihub.compute.surroundings import Surroundings, find_surroundings

    limits = DaskLimits.current()
    wanted = _limit(workers or limits.max_workers, "pods")
    cluster = made = None
    try:
        with find_progress().task("asking for Dask workers") as task:
            cluster = open_cluster(limits.gateway, task)
            made = Client(cluster)
            made.register_plugin(Surroundings(find_surroundings()))
            cluster.scale(wanted)
            there = wait_for_workers(made, wanted, task)
    except BaseException as error:
        if made is not None:
            made.close()
        if cluster is not None:
            cluster.close(end=cluster.ours)
        if not isinstance(error, NoRoomError | OSError):
            raise
        reason = error.faults[0].what if isinstance(error, NoRoomError) else "your Dask cluster does not answer"
        _warn(f"no Dask workers in pods, for {reason}; this notebook goes on with those of your own server")
        return None
    if there < wanted:
        _warn(f"the cluster has room for {there} of {wanted} Dask workers now; more join when there is")
    return _Running(made, cluster, wanted, "pods")


def _start_demo(_workers: int | None) -> _Running | None:
    """The demonstration cluster; None where it is not this notebook's to work with, and its owner knows why."""
    from distributed import Client

    from lumihub.compute.demo import NoDemonstrationError, find_demonstration
    from lumihub.compute.surroundings import Surroundings, find_surroundings

    made = None
    try:
        cluster = find_demonstration(DaskLimits.current().demo)
        made = Client(cluster)
        made.register_plugin(Surroundings(find_surroundings()))
    except (NoDemonstrationError, OSError, TimeoutError) as error:
        if made is not None:
            made.close()
        reason = error.faults[0].what if isinstance(error, NoDemonstrationError) else "it does not answer"
        _warn(f"no demonstration cluster for you, for {reason}; this notebook uses the workers of your own server")
        return None
    return _Running(made, cluster, 0, "demo")


def _limit(wanted: int | None, where: Where) -> int:
    """How many workers there may be in this place, with a warning where that is fewer than wanted."""
    limits = DaskLimits.current()
    if where == "pods":
        count = wanted or limits.max_workers
        if count > limits.max_workers:
            _warn(
                f"a notebook may have {limits.max_workers} Dask workers, not {count}; asking for {limits.max_workers}"
            )
        return min(count, limits.max_workers)
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


def _end(running: _Running, *, whole: bool = True) -> None:
    running.client.close()
    if running.pods is not None:
        running.pods.close(end=whole)
    else:
        running.cluster.close()
    _session.running = None


def _end_at_exit() -> None:
    """A cluster in pods that another notebook of the student asked for lives on."""
    with _session.lock:
        running = _session.running
        if running is not None:
            _end(running, whole=running.pods is None or running.pods.ours)


def _warn(text: str) -> None:
    """At the line of the cell that asked, however deep it was found here."""
    frame, level = inspect.currentframe(), 1
    while frame is not None and frame.f_globals.get("__name__") == __name__:
        frame, level = frame.f_back, level + 1
    warnings.warn(text, LimitWarning, stacklevel=level)
