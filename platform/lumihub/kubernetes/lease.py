"""Whose turn it is: two `up` at the same release, from whatever machines, must not work against each other."""

from __future__ import annotations

import getpass
import os
import socket
import threading
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lumihub.errors import LumiHubError
from lumihub.kubernetes.access import ApiError
from lumihub.kubernetes.objects import path_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lumihub.kubernetes.access import Cluster, Object
    from lumihub.progress import Progress

NAME = "lumihub-up"
# Renewed three times in this time; whoever was killed loses the turn after it.
_SECONDS = 15
_CONFLICT = 409


@contextmanager
def hold_turn(cluster: Cluster, namespace: str, progress: Progress) -> Iterator[None]:
    """The block runs while nobody else changes the release.

    Raises:
        LumiHubError: another one is at it.
    """
    me = f"{getpass.getuser()}@{socket.gethostname()}:{os.getpid()}"
    _take(cluster, namespace, me, progress)
    ended = threading.Event()
    keeping = threading.Thread(target=_keep, args=(cluster, namespace, me, ended), daemon=True)
    keeping.start()
    try:
        yield
    finally:
        ended.set()
        keeping.join(10)
        with suppress(LumiHubError):
            if _holder(cluster.find(path_of("leases", namespace, NAME))) == me:
                cluster.delete(path_of("leases", namespace, NAME))


def _take(cluster: Cluster, namespace: str, me: str, progress: Progress) -> None:
    found = cluster.find(path_of("leases", namespace, NAME))
    if found is not None and not is_over(found):
        holder = _holder(found)
        with progress.task(f"{holder.rpartition(':')[0]} is at work on the release; waiting for the turn"):
            deadline = time.monotonic() + 2 * _SECONDS
            while found is not None and not is_over(found):
                if time.monotonic() > deadline:
                    raise LumiHubError(
                        f"{holder.rpartition(':')[0]} (process {holder.rpartition(':')[2]}) is changing the release",
                        where=f"namespace {namespace} of {cluster.context}",
                        fix="wait until that is done, and type the same command again",
                    )
                time.sleep(1)
                found = cluster.find(path_of("leases", namespace, NAME))
    try:
        if found is None:
            cluster.create(path_of("leases", namespace), _build(namespace, me))
        else:
            metadata = {"resourceVersion": found["metadata"]["resourceVersion"]}
            cluster.replace(path_of("leases", namespace, NAME), _build(namespace, me, metadata))
    except ApiError as error:
        if error.status == _CONFLICT:
            raise LumiHubError(
                "somebody else began to change the release at the same moment", fix="type the same command again"
            ) from error
        raise


def is_over(lease: Object, now: datetime | None = None) -> bool:
    """Whether its holder is gone: it was not renewed in time, or its process on this machine has ended."""
    holder = _holder(lease)
    host, _, process = holder.rpartition("@")[2].rpartition(":")
    if host == socket.gethostname() and not Path(f"/proc/{process}").exists() and Path("/proc/self").exists():
        return True
    renewed = datetime.fromisoformat(lease["spec"]["renewTime"])
    return ((now or datetime.now(UTC)) - renewed).total_seconds() > float(lease["spec"]["leaseDurationSeconds"])


def _keep(cluster: Cluster, namespace: str, me: str, ended: threading.Event) -> None:
    while not ended.wait(_SECONDS / 3):
        with suppress(LumiHubError):  # the next one may succeed
            cluster.apply(path_of("leases", namespace, NAME), _build(namespace, me))


def _build(namespace: str, me: str, metadata: dict[str, str] | None = None) -> Object:
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": NAME, "namespace": namespace, **(metadata or {})},
        "spec": {
            "holderIdentity": me,
            "leaseDurationSeconds": _SECONDS,
            "renewTime": datetime.now(UTC).isoformat(timespec="microseconds"),
        },
    }


def _holder(lease: Object | None) -> str:
    return str(lease["spec"].get("holderIdentity", "")) if lease else ""
