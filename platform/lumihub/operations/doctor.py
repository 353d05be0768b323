"""`doctor`: what the platform needs from its surroundings, each thing tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lumihub.operations.backends import pick_backend

if TYPE_CHECKING:
    from lumihub.backend import Finding
    from lumihub.progress import Progress
    from lumihub.settings import Settings


def examine(settings: Settings, progress: Progress) -> tuple[Finding, ...]:
    """Try everything; what is not well comes with its remedy."""
    return pick_backend(settings).doctor(progress)
