"""`demo`: the demonstration cluster of a class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lumihub.errors import InputError
from lumihub.hub.client import HubClient
from lumihub.operations.backends import pick_backend, require_cluster

if TYPE_CHECKING:
    from lumihub.backend import Demonstration
    from lumihub.kubernetes.demonstration import DemonstrationCluster
    from lumihub.progress import Progress
    from lumihub.settings import Settings

_USUAL = 4


def start(settings: Settings, instructor: str, workers: int | None, minutes: int, progress: Progress) -> Demonstration:
    """Make a demonstration cluster, and wait until its workers are there.

    Args:
        settings: the values file.
        instructor: name of the account that is to work with it.
        workers: how many; four, or fewer where fewer are allowed, when None.
        minutes: after which it ends.
        progress: hears how far it is.

    Raises:
        InputError: more workers than are allowed, or nobody has that name.
        LumiHubError: it can't be started.
    """
    require_cluster(settings, "a demonstration cluster")
    most = settings.dask.demo.max_workers
    if workers is not None and workers > most:
        raise InputError(
            f"--workers: {workers} are more than dask.demo.maxWorkers, {most}",
            fix=f"ask for {most} or fewer, or raise dask.demo.maxWorkers and type ./deploy.py up",
        )
    client = HubClient(pick_backend(settings).access())
    if instructor not in {account["name"] for account in client.accounts()}:
        raise InputError(
            f"--for: there is no account {instructor}",
            fix="./deploy.py users list shows them; where people log in elsewhere, they have one after the first login",
        )
    return _find_place(settings).start(instructor, min(_USUAL, most) if workers is None else workers, minutes, progress)


def stop(settings: Settings) -> bool:
    """End the demonstration cluster; False where there was none."""
    require_cluster(settings, "a demonstration cluster")
    return _find_place(settings).end()


def _find_place(settings: Settings) -> DemonstrationCluster:
    from lumihub.kubernetes.access import connect
    from lumihub.kubernetes.demonstration import DemonstrationCluster

    return DemonstrationCluster(connect(str(settings.kubernetes.context)), settings)
