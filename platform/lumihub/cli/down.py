"""`./deploy.py down`."""

from __future__ import annotations

from typing import Annotated

import typer

from lumihub.cli.options import ValuesFile, Yes
from lumihub.cli.output import output

_HELP = """Stop everything; homes and data stay.

Students' servers are stopped too, and with them the variables in their kernels; it asks before when some run.
`--delete-data` also deletes accounts, homes and data.
"""


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("down", help=_HELP)(_down)


def _down(
    values: ValuesFile = None,
    yes: Yes = False,
    delete_data: Annotated[
        bool, typer.Option("--delete-data", help="Delete accounts, homes with all notebooks, and data, for good.")
    ] = False,
) -> None:
    from lumihub.operations.down import down, find_losses
    from lumihub.settings import load_settings

    settings = load_settings(values)
    losses = [] if yes else find_losses(settings, delete_data=delete_data)
    for loss in losses:
        output.warn(loss)
    if losses:
        typer.confirm("Go on?", abort=True, err=True)
    stopped = down(settings, output, delete_data=delete_data)
    for line in stopped:
        output.step(line)
    if not stopped:
        output.step("nothing to stop")
    elif not delete_data:
        output.result("Homes and data are kept; ./deploy.py up starts everything again.")
