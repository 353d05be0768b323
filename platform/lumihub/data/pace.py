"""How long work still takes, told once it is known: after its first seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lumihub.settings.quantities import format_bytes

if TYPE_CHECKING:
    from lumihub.progress import Progress

# Shorter, and the rate is that of opening the first files.
_SECONDS = 5.0


class Pace:
    """Measures one work and says once how long the rest takes.

    Args:
        total: bytes of the work.
        progress: hears of it.
    """

    def __init__(self, total: float, progress: Progress) -> None:
        self._total = total
        self._progress = progress
        self._told = False

    def note(self, done: float, seconds: float) -> None:
        """So many bytes were done in so many seconds."""
        if self._told or seconds < _SECONDS or done <= 0:
            return
        self._told = True
        rate = done / seconds
        rest = (self._total - done) / rate
        if rest > _SECONDS:
            self._progress.step(f"{format_bytes(rate)}/s just now: about {describe_time(rest)} more")


def describe_time(seconds: float) -> str:
    """A time as people say it: 40 s, 12 minutes, 2.5 hours."""
    minutes = seconds / 60
    if minutes > 90:
        return f"{minutes / 60:.1f} hours"
    return f"{minutes:.0f} minutes" if minutes > 1.5 else f"{seconds:.0f} s"
