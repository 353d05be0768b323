"""`./deploy.py doctor`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer
from rich.table import Table
from rich.text import Text

from lumihub.cli.options import Json, ValuesFile
from lumihub.cli.output import output
from lumihub.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lumihub.backend import Finding

_HELP = """Try what the platform needs from this machine, and name each remedy.

✓ is well. ! is worse than it could be, but `up` works. ✗ stops `up`: the verb then exits with 1.
"""


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("doctor", help=_HELP)(_doctor)


def _doctor(values: ValuesFile = None, as_json: Json = False) -> None:
    from lumihub.operations.doctor import examine
    from lumihub.settings import load_settings

    findings = examine(load_settings(values), output)
    if as_json:
        output.json([asdict(finding) for finding in findings])
    else:
        output.table(_build_table(findings))
        _sum_up(findings)
    if any(finding.stops_up for finding in findings):
        raise typer.Exit(ExitCode.FAILED)


def _build_table(findings: Sequence[Finding]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        table.add_row(_mark(finding), finding.name, Text(finding.detail))
        if finding.fix:
            table.add_row("", "", Text(f"fix: {finding.fix}"))
    return table


def _mark(finding: Finding) -> Text:
    if finding.ok:
        return Text("✓", style="green")
    return Text("✗", style="bold red") if finding.stops_up else Text("!", style="yellow")


def _sum_up(findings: Sequence[Finding]) -> None:
    stopping = [finding.name for finding in findings if finding.stops_up]
    wanting = [finding.name for finding in findings if not finding.ok and not finding.stops_up]
    output.say()
    if stopping:
        output.say(f"`up` will not work before this is mended: {', '.join(stopping)}")
    elif wanting:
        output.say(f"`up` works; better with: {', '.join(wanting)}")
    else:
        output.say("everything is well")
