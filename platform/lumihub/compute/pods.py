"""A student's Dask cluster across worker pods, from the platform's gateway."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any, Self

import dask
from aiohttp import ClientError
from dask_gateway import Gateway, GatewayClusterError, GatewayServerError
from dask_gateway.client import ClusterStatus
from distributed.core import Status

from lumihub.compute import dashboard
from lumihub.compute.relay import Relay
from lumihub.errors import LumiHubError
from lumihub.labels import DASHBOARD_PORT, SCHEDULER_PORT

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from dask_gateway.client import ClusterReport
    from distributed import Client

    from lumihub.progress import Task

# A node that pulls the image for the first time takes longer; the cluster then starts for the next one who asks.
START_SECONDS = 120.0
# Once there is a worker, the others come soon or not at all.
MORE_SECONDS = 20.0
_LOOK_SECONDS = 0.3
_ASK_SECONDS = 0.7
_ANSWER_SECONDS = 30.0
_FAULTS = (ValueError, GatewayClusterError, GatewayServerError, ClientError, OSError, TimeoutError)


class NoRoomError(LumiHubError):
    """There are no workers in pods to be had now; `faults[0].what` says why, as it follows "for"."""


class ImpatientGateway(Gateway):
    """dask-gateway's client, which by itself would wait for five minutes."""

    async def _request(self, *arguments: Any, **keywords: Any) -> Any:
        return await asyncio.wait_for(super()._request(*arguments, **keywords), _ANSWER_SECONDS)

    def __del__(self) -> None:
        """Whoever opens it closes it; when the garbage collector comes, Dask's loop may be gone."""


class PodCluster:
    """A cluster that Dask's `Client` takes as it takes a `LocalCluster`.

    Args:
        gateway: to which it belongs.
        report: what the gateway says of it.
        ours: whether this process asked for it; another's lives on when this one ends.
    """

    status = Status.running

    def __init__(self, gateway: Gateway, report: ClusterReport, *, ours: bool) -> None:
        self.name: str = report.name
        self.ours = ours
        self.security = report.security
        namespace, _, name = self.name.partition(".")
        self._host = f"dask-{name}.{namespace}.svc"
        self.scheduler_address = f"tls://{self._host}:{SCHEDULER_PORT}"
        self._gateway = gateway
        self._relay = Relay.open(self._host, DASHBOARD_PORT)

    def __await__(self) -> Generator[Any, None, Self]:
        """Nothing to wait for: it runs."""
        yield from ()
        return self

    @property
    def dashboard_link(self) -> str:
        """Where the owner's browser finds the dashboard."""
        return dashboard.link()

    def scale(self, workers: int) -> None:
        """Ask for this many workers; they come and go by and by."""
        with _refused():
            self._gateway.scale_cluster(self.name, workers)

    def close(self, *, end: bool = True) -> Any:
        """Let go of it and, with `end`, end it with all its pods. Within Dask's own loop it is to be awaited."""
        if self.status is Status.closed:
            return None
        self.status = Status.closed
        if self._relay:
            self._relay.close()
        if _is_running(self._gateway.loop):
            return self._end(end)
        self._gateway.sync(self._end, end)
        self._gateway.close()
        return None

    async def _end(self, end: bool) -> None:
        if end:
            with contextlib.suppress(*_FAULTS):
                await self._gateway._stop_cluster(self.name)
        await self._gateway._cleanup()


def open_cluster(url: str, task: Task) -> PodCluster:
    """The student's cluster: the one that runs already, for a student's notebooks share it, or a new one.

    Args:
        url: of the gateway.
        task: hears what is waited for.

    Raises:
        NoRoomError: the gateway refuses, does not answer, or nothing started in time.
    """
    # What a campus proxy is for lies outside.
    with dask.config.set({"gateway.http-client.proxy": False}), _refused():
        gateway = ImpatientGateway(url, auth="jupyterhub")
    try:
        with _refused():
            running = gateway.list_clusters(status=[ClusterStatus.PENDING, ClusterStatus.RUNNING])
            name = running[0].name if running else gateway.submit()
            report = _wait_for_start(gateway, name, task)
        return PodCluster(gateway, report, ours=not running)
    except BaseException:
        gateway.close()
        raise


def wait_for_workers(client: Client, wanted: int, task: Task) -> int:
    """Wait until the workers are there, or no more of them come; returns how many there are.

    Raises:
        NoRoomError: not one came.
    """
    began = time.monotonic()
    first = None
    while True:
        there = len(client.scheduler_info(n_workers=-1)["workers"])
        now = time.monotonic()
        first = first or (now if there else None)
        if there >= wanted or (first and now - first > MORE_SECONDS):
            return min(there, wanted)
        if not first and now - began > START_SECONDS:
            raise NoRoomError("the cluster has no room for a worker now")
        task.describe(f"waiting for Dask workers: {there} of {wanted} ({now - began:.0f} s)")
        time.sleep(_LOOK_SECONDS)


def _wait_for_start(gateway: Gateway, name: str, task: Task) -> ClusterReport:
    try:
        return _follow_start(gateway, name, task)
    except BaseException:
        with contextlib.suppress(*_FAULTS):
            gateway.stop_cluster(name)
        raise


def _follow_start(gateway: Gateway, name: str, task: Task) -> ClusterReport:
    began = time.monotonic()
    while time.monotonic() - began < START_SECONDS:
        report = _find(gateway, name)
        if report.status is ClusterStatus.RUNNING:
            return report
        if report.status > ClusterStatus.RUNNING:
            raise NoRoomError("the scheduler of your cluster did not start")
        task.describe(f"waiting for a Dask scheduler ({time.monotonic() - began:.0f} s)")
        time.sleep(_ASK_SECONDS)
    raise NoRoomError("the cluster has no room for a scheduler now")


def _find(gateway: Gateway, name: str) -> ClusterReport:
    """What the gateway says of a cluster, with its credentials, which its list does not have."""
    return gateway.sync(gateway._cluster_report, name)


def _is_running(loop: Any) -> bool:
    with contextlib.suppress(RuntimeError):
        return asyncio.get_running_loop() is loop.asyncio_loop
    return False


@contextlib.contextmanager
def _refused() -> Iterator[None]:
    """The gateway's answers in a student's words."""
    try:
        yield
    except (ClientError, OSError, TimeoutError) as error:
        raise NoRoomError("the Dask gateway does not answer") from error
    except (ValueError, GatewayClusterError, GatewayServerError) as error:
        raise NoRoomError(str(error)) from error
