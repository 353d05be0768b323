"""`rollback`: back to an earlier version."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lumihub.operations.backends import pick_backend

if TYPE_CHECKING:
    from pathlib import Path

    from lumihub.backend import Outcome
    from lumihub.progress import Progress
    from lumihub.settings import Settings


def rollback(
    settings: Settings, revision: int | None, progress: Progress, values: Path | None = None
) -> tuple[Outcome, float]:
    """Go back to the version before the one that runs, or to a named one.

    Returns:
        What was done, and the seconds it took.
    """
    began = time.monotonic()
    outcome = pick_backend(settings, values).rollback(revision, progress)
    return outcome, time.monotonic() - began
