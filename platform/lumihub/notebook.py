"""Progress in a notebook cell: one line with a bar, which disappears when the work is done."""

from __future__ import annotations

import html
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lumihub.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lumihub.progress import Progress, Task, Unit

_SECONDS_BETWEEN_DRAWINGS = 0.1


def find_progress() -> Progress:
    """A bar in a notebook, silence elsewhere."""
    if "IPython" in sys.modules:
        from IPython import get_ipython

        shell = get_ipython()
        if shell is not None and hasattr(shell, "kernel"):
            return NotebookProgress()
    return Silent()


class _Line:
    def __init__(self, text: str, total: float | None, unit: str) -> None:
        from IPython.display import display

        self.text, self.total, self.unit = text, total, unit
        self.done = 0.0
        self._drawn = time.monotonic()
        self._handle: Any = display(self, display_id=True)  # type: ignore[no-untyped-call]

    def advance(self, amount: float = 1) -> None:
        self.done += amount
        self._draw()

    def describe(self, text: str) -> None:
        self.text = text
        self._draw()

    def close(self) -> None:
        from IPython.display import HTML

        self._handle.update(HTML(""))  # type: ignore[no-untyped-call]

    def _draw(self) -> None:
        if time.monotonic() - self._drawn > _SECONDS_BETWEEN_DRAWINGS:
            self._drawn = time.monotonic()
            self._handle.update(self)

    def _repr_html_(self) -> str:
        share = f"value='{self.done}' max='{self.total}'" if self.total else ""
        of = f"{self.done:,.0f} of {self.total:,.0f} {self.unit}" if self.total else ""
        return f"<div>{html.escape(self.text)} <progress {share}></progress> {of}</div>"

    def __repr__(self) -> str:
        return f"{self.text}: {self.done:,.0f} {self.unit}"


class NotebookProgress:
    """Draws into the output of the running cell."""

    def step(self, text: str) -> None:
        """One line of the cell's output."""
        print(text)  # noqa: T201

    def warn(self, text: str) -> None:
        """One line of the cell's output."""
        print(f"! {text}")  # noqa: T201

    @contextmanager
    def task(self, text: str, total: float | None = None, unit: Unit = "steps") -> Iterator[Task]:
        """A bar for the time of the block."""
        line = _Line(text, total, unit)
        try:
            yield line
        finally:
            line.close()
