"""`plan`: what `up` would change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lumihub.operations.backends import pick_backend

if TYPE_CHECKING:
    from pathlib import Path

    from lumihub.backend import Plan
    from lumihub.progress import Progress
    from lumihub.settings import Settings


def plan(settings: Settings, progress: Progress, values: Path | None = None) -> Plan:
    """What `up` would change, object by object; nothing is touched."""
    return pick_backend(settings, values).plan(progress)
