"""Picks the backend that the settings ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lumihub.data.trust import trust_authority
from lumihub.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from lumihub.backend import Backend
    from lumihub.data.store import DataStore
    from lumihub.settings import Settings


def pick_backend(settings: Settings, values: Path | None = None) -> Backend:
    """The place where the platform runs under these settings.

    Args:
        settings: what the values file says.
        values: the file, for what is remembered of it.
    """
    trust_authority(settings)
    if settings.kubernetes.context is not None:
        from lumihub.kubernetes.backend import KubernetesBackend

        return KubernetesBackend(settings, values)
    from lumihub.local.backend import LocalBackend

    return LocalBackend(settings)


def require_one_machine(settings: Settings, what: str) -> None:
    """Refuse what is done on the disk of one machine where a cluster is named.

    Raises:
        InputError: the settings name a cluster.
    """
    if settings.kubernetes.context is not None:
        raise InputError(
            f"{what} works on the disk of one machine, and kubernetes.context names {settings.kubernetes.context}",
            fix="in a cluster: ./deploy.py data warm, fetch --to PLACE, evict. For this machine's own files name a"
            " values file without kubernetes.context (-f FILE)",
        )


def require_cluster(settings: Settings, what: str) -> None:
    """Refuse what only a cluster has.

    Raises:
        InputError: the settings name none.
    """
    if settings.kubernetes.context is None:
        raise InputError(
            f"{what} takes Kubernetes, and this is one machine",
            fix="on one machine each notebook has Dask workers of its own: client() in a notebook starts them",
        )


def pick_store(settings: Settings) -> DataStore:
    """Where the data of these settings lie and are worked on."""
    trust_authority(settings)
    if settings.kubernetes.context is not None:
        from lumihub.kubernetes.store import ClusterStore

        return ClusterStore(settings)
    from lumihub.local.datawork import LocalStore

    return LocalStore(settings)
