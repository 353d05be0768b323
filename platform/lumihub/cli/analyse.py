"""`lumihub analyse`: run an analysis in the shell."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lumihub.analysis.definition import plain
from lumihub.cli.options import Json
from lumihub.cli.output import output
from lumihub.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.table import Table

    from lumihub.analysis.definition import Analysis
    from lumihub.analysis.result import Result, Yield

_HELP = """Run an analysis in the shell, as a lesson runs it in a notebook.

Without a name: the analyses that there are. Without --files: the data in use, which is the built-in simulated sample
where nothing else is set up. In the table, simulated events are scaled to the luminosity of the data.

    lumihub analyse higgs-4l
    lumihub analyse higgs-4l --files data_A.4lep.root --files data_B.4lep.root
    lumihub analyse higgs-gamgam --workers 2 --plot myy.png
"""

Name = Annotated[str | None, typer.Argument(metavar="[NAME]", help="The analysis, as higgs-4l.", show_default=False)]
Files = Annotated[
    list[str] | None,
    typer.Option(
        "--files",
        metavar="FILE",
        help="A file or URL with its published name, as data_A.4lep.root; more may follow.",
        show_default=False,
    ),
]
More = Annotated[list[str] | None, typer.Argument(metavar="[FILE]...", help="More files.", show_default=False)]
Workers = Annotated[
    int, typer.Option("--workers", min=0, help="Dask worker processes; 0 does the work in this process alone.")
]
Plot = Annotated[
    Path | None,
    typer.Option(
        "--plot", metavar="FILE", help="Draw the main histogram into a .png, .svg or .pdf file.", show_default=False
    ),
]
Drawn = Annotated[
    str | None, typer.Option("--histogram", metavar="NAME", help="Draw this histogram instead.", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("analyse", help=_HELP)(analyse)


def analyse(
    name: Name = None,
    more: More = None,
    files: Files = None,
    workers: Workers = 0,
    plot: Plot = None,
    histogram: Drawn = None,
    json: Json = False,
) -> None:
    """Run an analysis, or list them."""
    from lumihub.analysis.registry import load_analyses, load_analysis

    if name is None:
        _list(load_analyses(), as_json=json)
        return
    load_analysis(name)
    given = [*(files or []), *(more or [])]
    if more and not files:
        raise InputError(f"{more[0]} follows the analysis without --files", fix=f"write --files {more[0]}")
    _check_plot(plot, histogram)
    result = _run(name, given or None, workers)
    if plot is not None:
        _draw(result, plot, histogram)
    if json:
        output.json(result.as_json())
    else:
        _print(result)


def _run(name: str, files: list[str] | None, workers: int) -> Result:
    from lumihub.analysis.running import run

    if workers == 0:
        return run(name, files, None, output)
    from lumihub import compute

    with output.task("starting Dask workers"):
        client = compute.client(workers)
    try:
        return run(name, files, client, output)
    finally:
        compute.close()


def _check_plot(plot: Path | None, histogram: str | None) -> None:
    if plot is None and histogram is not None:
        raise InputError("--histogram names what --plot draws", fix="add --plot FILE")
    if plot is None:
        return
    if plot.suffix not in (".png", ".svg", ".pdf"):
        raise InputError(f"{plot.name} does not end in .png, .svg or .pdf", fix=f"write --plot {plot.stem}.png")
    if not plot.parent.is_dir():
        raise InputError("the folder for the plot is not there", where=str(plot.parent), fix="make it first")


def _draw(result: Result, path: Path, histogram: str | None) -> None:
    import matplotlib as mpl

    mpl.use("agg")
    from lumihub.analysis.fits import fit_peak
    from lumihub.analysis.plots import main_histogram, plot, plot_fit

    name = histogram or main_histogram(result)
    # Where no background was simulated it comes from a fit to the data.
    fitted = result.data_samples and all(process.signal for process in result.definition.processes)
    if fitted:
        fit = fit_peak(result.histogram(name, result.data_samples))
        output.step(str(fit))
        plot_fit(result, fit, name).savefig(path)
    else:
        plot(result, name).savefig(path)
    output.step(f"drew {name} into {path}")


def _list(analyses: Mapping[str, Analysis], *, as_json: bool) -> None:
    rows = {name: analysis.title for name, analysis in analyses.items()}
    if as_json:
        output.json(rows)
        return
    for name, title in rows.items():
        output.result(f"{name:<16}{title}")


def _print(result: Result) -> None:
    output.result(f"{result.definition.title}: {result.label}, {result.luminosity:.3g} fb⁻¹")
    output.result()
    output.table(_cutflow(result))
    for each in result.yields:
        error = f" ± {each.error:,.2f} (statistical)"
        output.result(f"{plain(each.title):<18}{each.value:12,.2f}{error}, {each.events:,} events")
    output.result()
    rate = result.events / result.seconds if result.seconds else 0
    output.result(
        f"{result.events:,} events, {result.bytes_read:,} bytes read, {result.seconds:.1f} s, {rate:,.0f} events/s"
    )


def _cutflow(result: Result) -> Table:
    from rich.table import Table

    columns: list[tuple[str, tuple[str, ...]]] = [(name, (name,)) for name in result.data_samples]
    columns += [(plain(process.title), process.samples) for process in result.processes]
    # Without frames, so that four periods and three groups fit into 80 columns.
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("events after", no_wrap=True)
    for title, _ in columns:
        table.add_column(title, justify="right")
    for place, cut in enumerate(("read", *(cut.name for cut in result.definition.cuts))):
        counts = [result.count(title, samples, place) for title, samples in columns]
        table.add_row(cut, *(_number(each) for each in counts))
    return table


def _number(counted: Yield) -> str:
    if counted.value == counted.events:
        return f"{counted.events:,}"
    # Two digits of the error, and the value to the same place.
    places = max(0, 1 - math.floor(math.log10(counted.error))) if counted.error > 0 else 2
    return f"{counted.value:,.{min(places, 6)}f}±{counted.error:,.{min(places, 6)}f}"
