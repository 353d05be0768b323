"""`./deploy.py up`."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from lumihub.cli.check import explain_failure, report_as_json
from lumihub.cli.options import Json, ValuesFile, Yes
from lumihub.cli.output import output
from lumihub.errors import ExitCode, InputError

if TYPE_CHECKING:
    from lumihub.backend import Backend, Outcome
    from lumihub.operations.check import Report

_HELP = """Install or update everything, start it, and wait until students can log in.

Type it as often as you like: what is as wanted stays as it is, and what changed in the values file is restarted without
touching students' running servers. After a restart of the machine, or when a part died, it brings everything back.

The first call makes the administrator's account and shows its password, this once; a copy is kept in
`secrets` in the state folder, or on a cluster in the Secret `hub-admin`.

On a cluster it drives Helm, asks before it goes to another cluster than last time, and ends with acting as a student
(`check`). What fails or is interrupted there leaves the version that ran before.
"""


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("up", help=_HELP)(_up)


def _up(
    values: ValuesFile = None,
    yes: Yes = False,
    check: Annotated[
        bool | None,
        typer.Option(
            "--check/--no-check",
            help="Act as a student afterwards. Without either: on a cluster yes, on one machine no.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    from lumihub.operations.up import check_after, find_place, up
    from lumihub.settings import load_settings

    end_like_interrupts()
    backend = find_place(load_settings(values, folders=True), values)
    confirm_target(backend, yes=yes)
    outcome, seconds = up(backend, output)
    report = check_after(backend, output, wanted=check)
    show_outcome(outcome, seconds, report, as_json=as_json)
    if report and report.failure:
        raise typer.Exit(ExitCode.FAILED)


def confirm_target(backend: Backend, *, yes: bool) -> None:
    """Show where it goes, and ask when the admin may not have meant that.

    Raises:
        InputError: nobody is there to ask.
    """
    target = backend.describe_target()
    if target:
        output.step(f"target: {target}")
    surprises = () if yes else backend.find_surprises()
    for surprise in surprises:
        output.warn(surprise)
    if not surprises:
        return
    if not sys.stdin.isatty():
        raise InputError("nobody is there to ask whether this is the right place", fix="add --yes if it is")
    typer.confirm("Go on?", abort=True, err=True)


def end_like_interrupts() -> None:
    """A machine that shuts down or a terminal that closes must leave things as well as Ctrl-C does."""
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)


def show_outcome(outcome: Outcome, seconds: float, report: Report | None, *, as_json: bool) -> None:
    """Print what was done, the address, and what to type next."""
    if as_json:
        name, password = outcome.admin_password or (None, None)
        result = {
            "url": outcome.url,
            "changes": list(outcome.changes),
            "notes": list(outcome.notes),
            "seconds": seconds,
            "check": report and report_as_json(report),
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
    if report and report.failure:
        explain_failure(report.failure)
        return
    again = "./deploy.py check tries a lesson as one of them" if report is None else "./deploy.py status shows all"
    output.result(f"Next: ./deploy.py users add NAME...   gives students accounts; {again}")
