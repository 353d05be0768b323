"""The command line's entrance: finds the verb, catches our own errors, exits."""

from __future__ import annotations

import sys
import traceback
from importlib import import_module

import typer

from lumihub import __version__
from lumihub.cli.output import output
from lumihub.errors import ExitCode, LumiHubError

# Verb -> (module with its `register`, the line that --help shows, in the order of --help).
# Only the module of the verb that was typed is imported, so that each starts at once.
VERBS: dict[str, tuple[str, str]] = {
    "init": ("lumihub.cli.init", "Ask a few questions and write a values file."),
    "plan": ("lumihub.cli.plan", "Show what `up` would change on a cluster, object by object, and touch nothing."),
    "up": ("lumihub.cli.up", "Install or update everything, start it, and wait until students can log in."),
    "status": ("lumihub.cli.status", "Show the parts, the students and the data."),
    "users": ("lumihub.cli.users", "Add, list and remove students' accounts."),
    "check": ("lumihub.cli.check", "Act as a student: log in, run a lesson, compare the answers, clean up."),
    "doctor": ("lumihub.cli.doctor", "Try what the platform needs from this machine, and name each remedy."),
    "logs": ("lumihub.cli.logs", "Show what the parts wrote."),
    "rollback": (
        "lumihub.cli.rollback",
        "Go back on a cluster to the version that ran before, or to a named revision.",
    ),
    "down": ("lumihub.cli.down", "Stop everything; homes and data stay."),
    "data": ("lumihub.cli.data", "List, fetch, verify and remove the open data."),
    "demo": ("lumihub.cli.demo", "Lend an instructor Dask workers on a cluster, and let the class look on."),
    "images": ("lumihub.cli.images", "Build the images that a cluster runs, and bring them there."),
    "analyse": ("lumihub.cli.analyse", "Run an analysis in the shell."),
    "validate": ("lumihub.cli.validate", "Find every fault of a values file."),
    "explain": ("lumihub.cli.explain", "Explain a key of the values file."),
}

_INTERRUPTED = 130  # as a shell names a program that Ctrl-C ended

_HELP = """One command brings a class from nothing to analysing real ATLAS Open Data together.

Begin with [bold]up[/bold]; then [bold]users add[/bold] gives students accounts, and [bold]check[/bold] tries a
lesson as one of them.
Every verb has --help; --verbose anywhere adds the traceback to an error.
"""


def main() -> None:
    """Run the verb that was typed; exit 0 done, 1 failed, 2 bad input."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--verbose"]
    verbose = len(arguments) < len(sys.argv) - 1
    verb = next((argument for argument in arguments if not argument.startswith("-")), None)
    try:
        build_app(verb or "")(args=arguments or ["--help"])
    except LumiHubError as error:
        output.error(error)
        if verbose:
            traceback.print_exc()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, SystemExit) as end:
        # Typer makes an exit of Ctrl-C within a verb; while a verb is imported it comes as itself.
        if isinstance(end, SystemExit) and end.code != _INTERRUPTED:
            raise
        output.warn("interrupted; type the same command again to go on")
        sys.exit(_INTERRUPTED)
    except BrokenPipeError:  # `./deploy.py logs | head`
        sys.stderr.close()
        sys.exit(ExitCode.DONE)


def build_app(verb: str | None = None) -> typer.Typer:
    """The command line with `verb` ready to run (all of them when None); the others are there by name for --help.

    Args:
        verb: what was typed; a word that is no verb loads none.
    """
    app = typer.Typer(
        help=_HELP, add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False, no_args_is_help=True
    )
    app.callback(invoke_without_command=False)(_options)
    for name, (module, summary) in VERBS.items():
        if verb in (None, name):
            import_module(module).register(app)
        else:
            app.command(name, help=summary)(_not_loaded)
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        output.result(__version__)
        raise typer.Exit


def _options(
    _version: bool = typer.Option(
        False, "--version", help="Print the version and stop.", is_eager=True, callback=_print_version
    ),
) -> None:
    """What stands before the verb."""


def _not_loaded() -> None:
    raise AssertionError("a verb ran whose module was not loaded")
