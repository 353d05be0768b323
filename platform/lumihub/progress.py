"""How long work tells what it is doing, without knowing whether a terminal, a notebook or nobody listens."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

Unit = Literal["bytes", "files", "events", "steps"]


class Task(Protocol):
    """One bar."""

    def advance(self, amount: float = 1) -> None:
        """Count `amount` more units as done."""

    def describe(self, text: str) -> None:
        """Change the words beside the bar."""


class Progress(Protocol):
    """Where steps and bars go. `lumihub.cli.output` draws them on stderr."""

    def step(self, text: str) -> None:
        """Say that something has been done or found, in one line."""

    def warn(self, text: str) -> None:
        """Say something that the user should know but that stops nothing."""

    def task(self, text: str, total: float | None = None, unit: Unit = "steps") -> AbstractContextManager[Task]:
        """A bar (a spinner while `total` is None) for the time of the block."""


class _SilentTask:
    def advance(self, amount: float = 1) -> None:
        """Nobody listens."""

    def describe(self, text: str) -> None:
        """Nobody listens."""


class Silent:
    """Progress that nobody sees."""

    def step(self, text: str) -> None:
        """Nobody listens."""

    def warn(self, text: str) -> None:
        """Nobody listens."""

    @contextmanager
    def task(self, text: str, total: float | None = None, unit: Unit = "steps") -> Iterator[Task]:  # noqa: ARG002
        """Nobody listens."""
        yield _SilentTask()
