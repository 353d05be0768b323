"""The only printer: steps, progress and errors to stderr, results to stdout."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as Bars

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import TaskID
    from rich.table import Table
    from rich.text import Text

    from lumihub.errors import LumiHubError
    from lumihub.progress import Task, Unit


class _Bar:
    def __init__(self, bars: Bars, task: TaskID) -> None:
        self._bars = bars
        self._task = task

    def advance(self, amount: float = 1) -> None:
        self._bars.advance(self._task, amount)

    def describe(self, text: str) -> None:
        self._bars.update(self._task, description=text)


class Output:
    """Where everything that a person or a script reads goes.

    Rich leaves colour out when NO_COLOR is set, and off a terminal.
    """

    def __init__(self) -> None:
        self.errors = Console(stderr=True, highlight=False, soft_wrap=True)
        self.results = Console(highlight=False, soft_wrap=True)

    def step(self, text: str) -> None:
        """One line about something done or found."""
        self.errors.print(f"[green]✓[/green] {_plain(text)}")

    def warn(self, text: str) -> None:
        """One line that the user should know."""
        self.errors.print(f"[yellow]![/yellow] {_plain(text)}")

    def say(self, text: str = "") -> None:
        """One line for a person, on the way to an answer or a result."""
        self.errors.print(text, markup=False)

    def ask(self, question: str, default: str) -> str:
        """What the person at the terminal answers; `default` for Enter alone."""
        return self.errors.input(f"{_plain(question)} [bold]{_plain(f'[{default}]')}[/bold]: ").strip() or default

    @contextmanager
    def task(self, text: str, total: float | None = None, unit: Unit = "steps") -> Iterator[Task]:
        """A bar while the block runs; off a terminal, one line as it begins."""
        if not self.errors.is_terminal:
            self.errors.print(f"… {_plain(text)}")
        columns: list[ProgressColumn] = [SpinnerColumn(), TextColumn("{task.description}", markup=False)]
        if total is not None:
            columns.append(BarColumn())
            columns += [DownloadColumn(), TransferSpeedColumn()] if unit == "bytes" else [MofNCompleteColumn()]
        columns.append(TimeElapsedColumn())
        with Bars(*columns, console=self.errors, transient=True, disable=not self.errors.is_terminal) as bars:
            yield _Bar(bars, bars.add_task(text, total=total))

    def result(self, text: str = "") -> None:
        """A line of the command's result."""
        self.results.print(text, markup=False)

    def styled(self, text: Text) -> None:
        """A line of the command's result, in colour where there is a terminal."""
        self.results.print(text)

    def table(self, table: Table) -> None:
        """A table of the command's result."""
        self.results.print(table)

    def json(self, value: Any) -> None:
        """The result for a script."""
        sys.stdout.write(json.dumps(value, indent=2, sort_keys=True) + "\n")

    def error(self, error: LumiHubError) -> None:
        """What went wrong, where, and what to type."""
        for line in str(error).splitlines():
            self.errors.print(line, style="bold red" if line.startswith("error:") else None, markup=False)


def _plain(text: str) -> str:
    return text.replace("[", "\\[")


output = Output()
