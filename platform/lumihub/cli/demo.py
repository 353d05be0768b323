"""`./deploy.py demo`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from lumihub.cli.options import Json, ValuesFile
from lumihub.cli.output import output

_HELP = """Lend an instructor Dask workers on a cluster, and let the class look on.

One account works with them, from a notebook. Everybody else sees in JupyterLab (launcher, "Demonstration") what the
workers do, and can do nothing to them. It ends by itself.
"""


def register(app: typer.Typer) -> None:
    """Add the verb with its own verbs."""
    demo = typer.Typer(help=_HELP, no_args_is_help=True, rich_markup_mode="rich")
    demo.command("start")(_start)
    demo.command("stop")(_stop)
    app.add_typer(demo, name="demo")


def _start(
    instructor: Annotated[str, typer.Option("--for", metavar="NAME", help="The account that works with it.")],
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers", min=1, help="Worker pods. Without it: 4, or dask.demo.maxWorkers where that is less."
        ),
    ] = None,
    minutes: Annotated[int, typer.Option("--minutes", min=1, max=720, help="When it ends by itself.")] = 90,
    values: ValuesFile = None,
    as_json: Json = False,
) -> None:
    """Start it, and wait until it can be worked with."""
    from lumihub.operations.demo import start
    from lumihub.settings import load_settings

    found = start(load_settings(values), instructor, workers, minutes, output)
    if as_json:
        output.json(asdict(found))
        return
    output.step(f"the demonstration cluster is there: {found}")
    if found.ready < found.workers:
        output.warn(f"there is room for {found.ready} of {found.workers} workers now; more join when there is")
    output.result(f"{found.instructor}'s notebook:  from lumihub.compute import client")
    output.result(f'{" " * len(found.instructor)}              client(where="demo")')
    output.result("The class looks on: Demonstration, in JupyterLab's launcher")
    output.result("To end it before:   ./deploy.py demo stop")


def _stop(values: ValuesFile = None) -> None:
    """End it before its time."""
    from lumihub.operations.demo import stop
    from lumihub.settings import load_settings

    stopped = stop(load_settings(values))
    output.step("ended the demonstration cluster" if stopped else "there is no demonstration cluster")
