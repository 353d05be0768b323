"""`./deploy.py logs`."""

from __future__ import annotations

from typing import Annotated

import typer

from lumihub.cli.output import output

_HELP = """Show what the parts wrote.

PART is proxy, hub or cache, or the name of a student whose server you want to read of; without it, all parts.
"""


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("logs", help=_HELP)(_logs)


def _logs(
    parts: Annotated[
        list[str] | None, typer.Argument(metavar="[PART]...", help="proxy, hub, cache or a student.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new lines until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines.")] = 50,
    values: Annotated[str | None, typer.Option("--values", metavar="FILE", help="The values file.")] = None,
) -> None:
    from pathlib import Path

    from lumihub.operations.logs import logs
    from lumihub.settings import load_settings

    for line in logs(load_settings(Path(values) if values else None), parts or [], follow=follow, lines=lines):
        output.result(line)
