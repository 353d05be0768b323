"""`up`: everything installed, started, and answering."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lumihub.operations.backends import pick_backend

if TYPE_CHECKING:
    from pathlib import Path

    from lumihub.backend import Backend, Outcome
    from lumihub.operations.check import Report
    from lumihub.progress import Progress
    from lumihub.settings import Settings


def find_place(settings: Settings, values: Path | None = None) -> Backend:
    """Where `up` would work: its `describe_target` and `find_surprises` are for the question before."""
    return pick_backend(settings, values)


def up(backend: Backend, progress: Progress) -> tuple[Outcome, float]:
    """Bring the platform to the state that the settings ask for.

    Returns:
        What was done, and the seconds it took.
    """
    began = time.monotonic()
    outcome = backend.up(progress)
    return outcome, time.monotonic() - began


def check_after(backend: Backend, progress: Progress, *, wanted: bool | None) -> Report | None:
    """Act as a student once all is up; None where nobody wants it.

    Args:
        backend: where all is up.
        progress: hears of each step.
        wanted: what the admin said; None leaves it to the backend.
    """
    if not (backend.checks_up if wanted is None else wanted):
        return None
    from lumihub.operations.check import act_as_student

    return act_as_student(backend, progress)
