"""`./deploy.py plan`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer
from rich.text import Text

from lumihub.cli.options import Json, ValuesFile
from lumihub.cli.output import output

if TYPE_CHECKING:
    from lumihub.backend import Change

_HELP = """Show what `up` would change on a cluster, object by object, and touch nothing.

+ is made, ~ is changed (with the lines that differ), - is deleted; values of secrets are hidden. Objects that somebody
changed or deleted by hand are shown too, because `up` puts them right.
"""
_SIGNS = {"create": ("+", "green"), "change": ("~", "yellow"), "delete": ("-", "red"), "keep": ("=", "")}


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("plan", help=_HELP)(_plan)


def _plan(values: ValuesFile = None, as_json: Json = False) -> None:
    from lumihub.operations.plan import plan
    from lumihub.settings import load_settings

    found = plan(load_settings(values, folders=True), output, values)
    if as_json:
        output.json({**asdict(found), "empty": not found.changes})
        return
    output.say(f"Target: {found.target}")
    for change in found.changes:
        _show(change)
    counts = {action: sum(one.action == action for one in found.changes) for action in _SIGNS}
    if not found.changes:
        output.result("Nothing to change: everything is as the settings ask.")
    else:
        kept = f", {counts['keep']} kept though no longer wanted" if counts["keep"] else ""
        output.result(f"{counts['create']} to create, {counts['change']} to change, {counts['delete']} to delete{kept}")
    for effect in found.effects:
        output.warn(effect)


def _show(change: Change) -> None:
    sign, colour = _SIGNS[change.action]
    where = f" (namespace {change.namespace})" if change.namespace else ""
    output.styled(Text(f"{sign} {change.kind} {change.name}{where}", style=colour))
    for line in change.diff:
        style = "green" if line.startswith("+") else "red" if line.startswith("-") else ""
        output.styled(Text(f"    {line}", style=style))
