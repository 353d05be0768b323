"""The demonstration cluster of a class: an instructor's notebook works with it, everybody sees its dashboard."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Any, Self

from distributed.core import Status

from lumihub.compute.dashboard import DEMO_PROXY_NAME, link
from lumihub.errors import LumiHubError
from lumihub.labels import DASHBOARD_PORT, SCHEDULER_PORT

if TYPE_CHECKING:
    from collections.abc import Generator

_ANSWER_SECONDS = 5.0
_COMING_SECONDS = 20.0
_LOOK_SECONDS = 0.5
_SURE = 2


class NoDemonstrationError(LumiHubError):
    """There is none for this notebook; `faults[0].what` says why, as it follows "for"."""


class DemoCluster:
    """The cluster, as Dask's `Client` takes it. It is not ours to scale or to end.

    Args:
        host: of its scheduler.
    """

    name = "demo"
    status = Status.running
    security = None

    def __init__(self, host: str) -> None:
        self.scheduler_address = f"tcp://{host}:{SCHEDULER_PORT}"

    def __await__(self) -> Generator[Any, None, Self]:
        """Nothing to wait for: it runs."""
        yield from ()
        return self

    @property
    def dashboard_link(self) -> str:
        """Where browsers find the dashboard."""
        return link(DEMO_PROXY_NAME)

    def close(self, **_: Any) -> None:
        """It lives on."""


def find_demonstration(host: str) -> DemoCluster:
    """The cluster, where this notebook may work with it.

    Raises:
        NoDemonstrationError: there is none now, or it is somebody else's.
    """
    deadline = time.monotonic() + _COMING_SECONDS
    watched = 0
    try:
        while not _answers(host, SCHEDULER_PORT):
            # What is closed to us may be refused or never be answered, as the cluster's network does it. That of one
            # that was just started, or of a server that was, is opened a moment later.
            watched += _answers(host, DASHBOARD_PORT)
            if watched == _SURE:
                raise NoDemonstrationError("the one that runs is somebody else's, for you to look at")
            if time.monotonic() > deadline:
                raise NoDemonstrationError("it does not answer")
            time.sleep(_LOOK_SECONDS)
    except socket.gaierror as error:
        raise NoDemonstrationError("none runs now") from error
    return DemoCluster(host)


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=_ANSWER_SECONDS).close()
    except socket.gaierror:
        raise
    except OSError:
        return False
    return True
