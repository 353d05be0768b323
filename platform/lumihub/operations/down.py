"""`down`: everything stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lumihub.operations.backends import pick_backend

if TYPE_CHECKING:
    from lumihub.progress import Progress
    from lumihub.settings import Settings


def find_losses(settings: Settings, *, delete_data: bool) -> list[str]:
    """What would be lost, one line each, for the question before; empty when nothing would."""
    students = pick_backend(settings).status().students
    running = [student.name for student in students if student.running]
    losses = []
    if running:
        losses.append(
            f"{len(running)} running servers are stopped ({', '.join(running[:5])}{'...' if running[5:] else ''})"
        )
    if delete_data:
        losses.append(
            f"{len(students)} students' accounts, homes with all notebooks, and the data are deleted for good"
        )
    return losses


def down(settings: Settings, progress: Progress, *, delete_data: bool) -> tuple[str, ...]:
    """Stop everything; homes and data stay unless `delete_data`. One line for each thing done."""
    return pick_backend(settings).down(progress, delete_data=delete_data)
