"""`lumihub up`."""

from __future__ import annotations

import typer

from lumihub.cli.options import Json, ValuesFile
from lumihub.cli.output import output

_HELP = """Install or update everything, start it, and wait until students can log in.

Type it as often as you like: what is as wanted stays as it is, and what changed in the values file is restarted without
touching students' running servers. After a restart of the machine, or when a part died, it brings everything back.

The first call makes the administrator's account and shows its password, this once; a copy is kept in
`secrets` in the state folder.
"""


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("up", help=_HELP)(_up)


def _up(values: ValuesFile = None, as_json: Json = False) -> None:
    from lumihub.operations.up import up
    from lumihub.settings import load_settings

    outcome, seconds = up(load_settings(values), output)
    if as_json:
        name, password = outcome.admin_password or (None, None)
        result = {
            "url": outcome.url,
            "changes": list(outcome.changes),
            "notes": list(outcome.notes),
            "seconds": seconds,
        }
        output.json({**result, "admin": name, "adminPassword": password})
        return
    for note in outcome.notes:
        output.warn(note)
    if not outcome.changes:
        output.step(f"nothing to change: everything runs as the settings ask ({seconds:.1f} s)")
    else:
        output.step(f"ready after {seconds:.1f} s")
    output.result(f"LumiHub: {outcome.url}")
    if outcome.admin_password:
        name, password = outcome.admin_password
        output.result(f"Administrator: {name}, password {password}  (shown this once)")
    output.result(
        "Next: lumihub users add NAME...   gives students accounts; lumihub check tries a lesson as one of them"
    )
