"""Picks the backend that the settings ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lumihub.errors import InputError

if TYPE_CHECKING:
    from lumihub.backend import Backend
    from lumihub.settings import Settings


def pick_backend(settings: Settings) -> Backend:
    """The place where the platform runs under these settings.

    Raises:
        InputError: they name a cluster.
    """
    if settings.kubernetes.context is not None:
        raise InputError(
            f"kubernetes.context is {settings.kubernetes.context}, and this version does not drive Kubernetes yet",
            fix="set kubernetes.context to null, or remove it: everything then runs on this machine",
        )
    from lumihub.local.backend import LocalBackend

    return LocalBackend(settings)
