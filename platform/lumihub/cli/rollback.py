"""`./deploy.py rollback`."""

from __future__ import annotations

from typing import Annotated

import typer

from lumihub.cli.options import Json, ValuesFile, Yes
from lumihub.cli.output import output
from lumihub.cli.up import confirm_target, end_like_interrupts, show_outcome

_HELP = """Go back on a cluster to the version that ran before, or to a named revision.

It waits until students can log in again. Their running servers go on. `helm history` lists the revisions of the
release; `status` shows the present one. Homes, accounts and data stay as they are; only when the hub's database was
brought to a newer version of JupyterHub since, the copy that was made before comes back, with the accounts of then.
"""


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("rollback", help=_HELP)(_rollback)


def _rollback(
    revision: Annotated[
        int | None, typer.Argument(metavar="[REVISION]", min=1, help="The revision; without it, the one before.")
    ] = None,
    values: ValuesFile = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    from lumihub.operations.rollback import rollback
    from lumihub.operations.up import find_place
    from lumihub.settings import load_settings

    settings = load_settings(values)
    end_like_interrupts()
    confirm_target(find_place(settings, values), yes=yes)
    outcome, seconds = rollback(settings, revision, output, values)
    show_outcome(outcome, seconds, None, as_json=as_json)
