"""`./deploy.py check`."""

from __future__ import annotations

import signal
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lumihub.cli.options import Json, ValuesFile
from lumihub.cli.output import output
from lumihub.errors import ExitCode

if TYPE_CHECKING:
    from lumihub.operations.check import Failure, Report

_HELP = """Act as a student: log in, run a lesson, compare the answers, clean up.

Everything goes over HTTP through the proxy, as a browser's requests do: a throw-away account logs in at the login page,
starts a server, opens a lesson, runs its cells in a kernel and answers its questions. What the lesson finds is compared
with the published numbers or, for the simulated sample, with the same analysis run by the tool itself. Account, server
and home are removed afterwards, also after a failure or Ctrl-C. Exits with 1 when a student would have been stopped.

    ./deploy.py check
    ./deploy.py check --lesson 00-welcome
"""
_LESSON = "01-higgs-to-four-leptons"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("check", help=_HELP)(_check)


def _check(
    lesson: Annotated[str, typer.Option("--lesson", metavar="NAME", help="The lesson to run.")] = _LESSON,
    values: ValuesFile = None,
    as_json: Json = False,
) -> None:
    from lumihub.operations.check import check
    from lumihub.settings import load_settings

    # A machine that shuts down or a terminal that closes must leave no account behind either.
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)
    report = check(load_settings(values), lesson, output)
    if as_json:
        output.json(report_as_json(report))
    elif report.failure:
        explain_failure(report.failure)
    else:
        seconds = sum(step.seconds for step in report.steps)
        output.result(f"A student can work: {report.lesson} on {report.data}, {seconds:.1f} s")
    if report.failure:
        raise typer.Exit(ExitCode.FAILED)


def explain_failure(failure: Failure) -> None:
    """Where the check ended, with what a student would see."""
    output.say()
    if failure.seen:
        output.say("What a student sees:")
        for line in failure.seen.splitlines():
            output.say(f"  {line}")
    if failure.log:
        output.say("Last lines of the logs:")
        for line in failure.log:
            output.say(f"  {line}")
    output.say(f"This did not come about: {failure.step}")
    output.error(failure.error)


def report_as_json(report: Report) -> dict[str, Any]:
    """The report for a script."""
    failure = report.failure
    return {
        "ok": failure is None,
        "url": report.url,
        "lesson": report.lesson,
        "data": report.data,
        "steps": [asdict(step) for step in report.steps],
        "failure": failure
        and {
            "step": failure.step,
            "errors": [asdict(fault) for fault in failure.error.faults],
            "seen": failure.seen,
            "log": list(failure.log),
        },
    }
