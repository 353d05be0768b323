"""`status`: how everything is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lumihub.operations.backends import pick_backend

if TYPE_CHECKING:
    from lumihub.backend import Status
    from lumihub.settings import Settings


def status(settings: Settings) -> Status:
    """Parts, students' servers, versions and data."""
    return pick_backend(settings).status()
