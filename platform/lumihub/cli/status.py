"""`./deploy.py status`."""

from __future__ import annotations

from dataclasses import asdict

import typer
from rich.table import Table

from lumihub.cli.options import Json, ValuesFile
from lumihub.cli.output import output
from lumihub.errors import ExitCode

_HELP = """Show the parts, the students and the data, without changing anything.

Exits with 1 when a part that should run does not, so that a script can watch it.
"""


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("status", help=_HELP)(_status)


def _status(values: ValuesFile = None, as_json: Json = False) -> None:
    from lumihub.operations.status import status
    from lumihub.settings import load_settings
    from lumihub.settings.quantities import format_bytes

    found = status(load_settings(values))
    if as_json:
        output.json({**asdict(found), "healthy": found.healthy})
    else:
        table = Table("Part", "State", "Memory", "Detail", box=None, header_style="bold")
        for part in found.parts:
            memory = format_bytes(part.memory) if part.memory is not None else ""
            table.add_row(part.name, part.state.value, memory, part.detail)
        output.table(table)
        output.result()
        running = [student.name for student in found.students if student.running]
        output.result(f"Address:  {found.url}")
        output.result(f"Students: {len(found.students)} accounts, {len(running)} servers running")
        for name in running:
            output.result(f"          {name}")
        output.result(f"Data:     {found.data or 'not known before the first `up`'}")
        if found.nightly:
            output.result(f"Nightly:  {found.nightly}")
        if found.demonstration:
            output.result(f"Demo:     {found.demonstration}")
        output.result("Versions: " + ", ".join(f"{name} {version}" for name, version in found.versions.items()))
    if not found.healthy:
        raise typer.Exit(ExitCode.FAILED)
