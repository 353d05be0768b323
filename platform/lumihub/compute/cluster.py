"""A LocalCluster that only its owner can reach: TLS on loopback, and no HTTP on any TCP port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask
from distributed import LocalCluster, Nanny, Scheduler, Worker
from distributed.http.routing import RoutingApplication
from tornado.httpserver import HTTPServer

from lumihub.compute import dashboard
from lumihub.compute.limits import thread_environment

if TYPE_CHECKING:
    from pathlib import Path

# What the first task would otherwise wait for.
WARM_MODULES = ("numpy", "awkward", "uproot", "hist")

Routes = list[tuple[object, ...]]


class _PortlessServer(HTTPServer):
    """What Dask reads of a server that listens on TCP, without a port."""

    address = ""
    port = 0


class OwnerScheduler(Scheduler):
    """A scheduler whose pages are on a UNIX socket of its owner."""

    _own_socket: Path | None = None

    def start_http_server(self, routes: Routes, *_: object, **__: object) -> None:
        """Serve the pages on the owner's socket in place of a TCP port."""
        self.http_application = RoutingApplication(routes)
        self.http_server = _PortlessServer(self.http_application)
        bound = dashboard.bind()
        if bound:
            listener, self._own_socket = bound
            self.http_server.add_socket(listener)
        self.services["dashboard"] = self.http_server

    async def close(self, *arguments: Any, **keywords: Any) -> None:
        """Close, and give the dashboard's address back."""
        await super().close(*arguments, **keywords)
        if self._own_socket:
            dashboard.release(self._own_socket)
            self._own_socket = None


class OwnerWorker(Worker):
    """A worker without pages: the dashboard is the scheduler's, and its own would be open to everybody on TCP."""

    def start_http_server(self, routes: Routes, *_: object, **__: object) -> None:
        """Make the application that Dask expects, listening nowhere."""
        self.http_application = RoutingApplication(routes)
        self.http_server = _PortlessServer(self.http_application)
        self.services["dashboard"] = self.http_server


class OwnerNanny(Nanny):
    """Starts and watches an `OwnerWorker` in a fresh process (a forked one hangs in XRootD's threads)."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords | {"worker_class": OwnerWorker})


class OwnerCluster(LocalCluster):
    """Workers of this machine for one kernel.

    Args:
        workers: processes of one thread each; 0 runs tasks in this process, which opens no port at all.
        memory: bytes that each worker may take.
    """

    def __init__(self, workers: int, memory: int) -> None:
        # Dask's own place is one folder for all accounts: who made it could put modules before the others'.
        place = {"local_directory": str(dashboard.ensure_own_folder())}
        with dask.config.set({"distributed.worker.multiprocessing-method": "spawn"}):
            if workers:
                super().__init__(  # type: ignore[no-untyped-call]
                    n_workers=workers,
                    threads_per_worker=1,
                    memory_limit=memory,
                    security=True,
                    protocol="tls://",
                    host="127.0.0.1",
                    dashboard_address="127.0.0.1:0",
                    worker_dashboard_address=None,
                    worker_class=OwnerNanny,
                    env=thread_environment(1),
                    scheduler_kwargs=place,
                    **place,
                )
            else:
                super().__init__(  # type: ignore[no-untyped-call]
                    n_workers=1,
                    threads_per_worker=1,
                    memory_limit=0,
                    processes=False,
                    protocol="inproc://",
                    dashboard_address="127.0.0.1:0",
                    worker_dashboard_address=None,
                    worker_class=OwnerWorker,
                    scheduler_kwargs=place,
                    **place,
                )

    async def _start(self) -> None:
        self.scheduler_spec["cls"] = OwnerScheduler
        await super()._start()  # type: ignore[no-untyped-call]

    @property
    def dashboard_link(self) -> str:
        """Where the owner's browser finds the dashboard; empty outside a hub."""
        return dashboard.link()


def import_warm_modules() -> None:
    """Import in a worker what analyses use, while the student still types."""
    for name in WARM_MODULES:
        __import__(name)
