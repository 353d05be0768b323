"""`up`: everything installed, started, and answering."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lumihub.operations.backends import pick_backend

if TYPE_CHECKING:
    from lumihub.backend import Outcome
    from lumihub.progress import Progress
    from lumihub.settings import Settings


def up(settings: Settings, progress: Progress) -> tuple[Outcome, float]:
    """Bring the platform to the state that the settings ask for.

    Returns:
        What was done, and the seconds it took.
    """
    began = time.monotonic()
    outcome = pick_backend(settings).up(progress)
    return outcome, time.monotonic() - began
