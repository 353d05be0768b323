"""Plots for a notebook: recorded events over simulated ones, with their ratio, and a fit with what it leaves over.

Every plot says where its events are from and for which luminosity. None uses the look of the ATLAS collaboration's own
plots, which mark what the collaboration stands behind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import matplotlib.pyplot as plt
import mplhep
import numpy as np

from lumihub.analysis.definition import plain
from lumihub.analysis.figures import DescribedFigure

if TYPE_CHECKING:
    import hist
    from matplotlib.axes import Axes

    from lumihub.analysis.fits import PeakFit
    from lumihub.analysis.result import Result

# M. A. Petroff's colours (arXiv:2107.02270): told apart with every common kind of colour vision, and in grey.
SIGNAL_COLOUR = "#e42536"
BACKGROUND_COLOURS = ("#5790fc", "#f89c20", "#964a8b", "#9c9ca1", "#7a21dd")

STYLE: Any = {
    "figure.figsize": (7, 6),
    "figure.dpi": 110,
    "font.size": 12,
    "axes.labelsize": 13,
    "legend.fontsize": 11,
    "legend.frameon": False,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "xtick.minor.visible": True,
    "ytick.minor.visible": True,
    # The axes' first labels stand on one corner, and would touch.
    "xtick.major.pad": 7,
}
_DATA: Any = {"histtype": "errorbar", "color": "black", "markersize": 6, "capsize": 0, "flow": "none"}


def plot(result: Result, name: str | None = None, *, log: bool = False) -> DescribedFigure:
    """Draw a histogram: simulated groups in a stack, data as points, below their ratio where there are both.

    Args:
        result: as from `lumihub.analysis.run`.
        name: of the histogram; the analysis's main one when None.
        log: draw events on a logarithmic axis.

    Raises:
        InputError: the analysis has no such histogram.
    """
    name = name or main_histogram(result)
    groups = _groups(result, name)
    data = result.summed(name, result.data_samples) if result.data_samples else None
    with plt.rc_context(STYLE):
        if data is None or not groups or not any(each.values().any() for _, each, _ in groups):
            figure, (upper,) = _make_figure(1)
            lower = None
        else:
            figure, (upper, lower) = _make_figure(3, 1)
        _draw_stack(upper, groups)
        if data is not None:
            mplhep.histplot(data, ax=upper, label=f"data, {_count(data)} events", yerr=True, **_DATA)
        _finish(upper, result, data, groups, log=log)
        if lower is not None and data is not None:
            _draw_ratio(lower, data, _sum(groups))
        (lower or upper).set_xlabel(_axis(result, name).label)
    found = [] if data is None else [("data", data)]
    stack = [(f"simulated {plain(title)}", each) for title, each, _ in groups]
    figure.alt = _describe(result, name, found + stack)
    if lower is not None and data is not None:
        figure.alt += (
            f" Below: data divided by simulation, {_total(data) / _total(_sum(groups)):.2f} for all bins together."
        )
    return figure


def plot_fit(result: Result, fit: PeakFit, name: str | None = None) -> DescribedFigure:
    """Draw data with the fitted background and peak, and below what is left of the data without the background.

    Args:
        result: as from `lumihub.analysis.run`.
        fit: as from `lumihub.analysis.fit_peak`.
        name: of the histogram that was fitted; the analysis's main one when None.
    """
    name = name or main_histogram(result)
    data = result.summed(name, result.data_samples)
    axis = data.axes[0]
    fine = np.linspace(axis.edges[0], axis.edges[-1], 400)
    with plt.rc_context(STYLE):
        figure, (upper, lower) = _make_figure(2, 1)
        mplhep.histplot(data, ax=upper, label=f"data, {_count(data)} events", yerr=True, **_DATA)
        upper.plot(fine, fit.background_at(fine) + fit.signal_at(fine), color=SIGNAL_COLOUR, label="background + peak")
        upper.plot(fine, fit.background_at(fine), "--", color=BACKGROUND_COLOURS[0], label="background")
        _finish(upper, result, data, [], log=False)
        left = data.values() - fit.background_at(axis.centers)
        lower.errorbar(axis.centers, left, _errors(data), fmt="o", color="black", markersize=5)
        lower.plot(fine, fit.signal_at(fine), color=SIGNAL_COLOUR)
        lower.axhline(0, color=BACKGROUND_COLOURS[0], linestyle="--")
        lower.set_ylabel("data - bkg")
        lower.set_xlabel(_axis(result, name).label)
        figure.align_ylabels()
    figure.alt = (
        f"{_describe(result, name, [('data', data)])} A smooth background with a peak is fitted to the data: {fit}."
        " Below: what the background leaves of the data, and the peak alone."
    )
    return figure


def main_histogram(result: Result) -> str:
    """The histogram that shows what the analysis looks for: the first one filled after the last cut."""
    definition = result.definition
    return next(each.name for each in definition.histograms if each.after == definition.cuts[-1].name)


def _make_figure(*heights: int) -> tuple[DescribedFigure, list[Axes]]:
    """A figure with plots of these heights above each other, which share their axis; shown by who gets it alone."""
    figure = cast("DescribedFigure", plt.figure(FigureClass=DescribedFigure, layout="constrained"))
    plt.close(figure)
    plots = figure.subplots(len(heights), sharex=True, squeeze=False, height_ratios=heights)
    return figure, list(plots[:, 0])


def _describe(result: Result, name: str, drawn: list[tuple[str, hist.Hist[Any]]]) -> str:
    """What is drawn, in words: each histogram by its number of events and its highest bin."""
    spec = _axis(result, name)
    parts = [
        f"Histogram of {spec.words or plain(spec.label)} from {spec.low:g} to {spec.high:g} GeV in {spec.bins} bins:"
        f" {result.label}, 13 TeV, {result.luminosity:.3g} inverse femtobarns."
    ]
    for title, each in drawn:
        highest = int(np.argmax(each.values()))
        low, high = each.axes[0][highest]
        most = f", the highest bin from {low:.5g} to {high:.5g} GeV with {_number(each.values()[highest])}"
        parts.append(f"{title[0].upper()}{title[1:]}: {_count(each)} events{most if each.values().any() else ''}.")
    return " ".join(parts)


Group = tuple[str, "hist.Hist[Any]", str]


def _groups(result: Result, name: str) -> list[Group]:
    """Title, histogram and colour of each group that was read, backgrounds below signals."""
    colours = iter(BACKGROUND_COLOURS * 3)
    return [
        (
            process.title,
            result.summed(name, process.samples),
            SIGNAL_COLOUR if process.signal else next(colours),
        )
        for process in result.processes
    ]


def _draw_stack(axes: Axes, groups: list[Group]) -> None:
    if not groups:
        return
    mplhep.histplot(
        [each for _, each, _ in groups],
        ax=axes,
        stack=True,
        histtype="fill",
        color=[colour for _, _, colour in groups],
        label=[f"{title}, {_count(each)}" for title, each, _ in groups],
        yerr=False,
        flow="none",
    )
    total = _sum(groups)
    _draw_band(axes, total, total.values(), label="statistical error of the simulation")


def _draw_band(axes: Axes, total: hist.Hist[Any], middle: Any, label: str = "", scale: Any = 1.0) -> None:
    error = _errors(total) * scale
    axes.stairs(
        middle + error,
        total.axes[0].edges,
        baseline=middle - error,
        fill=True,
        facecolor="none",
        edgecolor="0.25",
        hatch="////",
        linewidth=0,
        label=label or None,
    )


def _draw_ratio(axes: Axes, data: hist.Hist[Any], total: hist.Hist[Any]) -> None:
    expected = total.values()
    safe = np.where(expected > 0, expected, np.nan)
    ratio = data.values() / safe
    filled = data.values() > 0
    axes.errorbar(
        data.axes[0].centers[filled],
        ratio[filled],
        (_errors(data) / safe)[filled],
        fmt="o",
        color="black",
        markersize=5,
    )
    _draw_band(axes, total, np.ones_like(safe), scale=1 / safe)
    axes.axhline(1, color="0.4", linewidth=1)
    axes.set_ylim(0, 2.5)
    axes.set_ylabel("data / sim.")


def _finish(axes: Axes, result: Result, data: hist.Hist[Any] | None, groups: list[Group], *, log: bool) -> None:
    drawn = [*([data] if data is not None else []), *([_sum(groups)] if groups else [])]
    shown = drawn[0]
    width = shown.axes[0].widths[0]
    axes.set_ylabel(f"events / {width:.3g} GeV")
    axes.set_xlim(shown.axes[0].edges[0], shown.axes[0].edges[-1])
    top = max(float((each.values() + _errors(each)).max()) for each in drawn) or 1.0
    if log:
        axes.set_yscale("log")
        axes.set_ylim(0.1, top * 300)
    else:
        axes.set_ylim(0, top * 1.75)
    axes.text(0.04, 0.95, result.label, transform=axes.transAxes, va="top", weight="bold")
    axes.text(
        0.04, 0.885, rf"$\sqrt{{s}}$ = 13 TeV, {result.luminosity:.3g} fb$^{{-1}}$", transform=axes.transAxes, va="top"
    )
    axes.set_xlabel("")
    # People read a legend from the top of the stack down.
    handles, labels = axes.get_legend_handles_labels()
    stack = [f"{title}, {_count(each)}" for title, each, _ in reversed(groups)]
    places = {label: 1 + place for place, label in enumerate(stack)}
    entries = dict(zip(labels, handles, strict=True))
    ordered = sorted(entries, key=lambda label: 0 if label.startswith("data") else places.get(label, len(places) + 1))
    axes.legend([entries[label] for label in ordered], ordered, loc="upper right", bbox_to_anchor=(1, 0.86))


def _sum(groups: list[Group]) -> hist.Hist[Any]:
    histograms = [each for _, each, _ in groups]
    return sum(histograms[1:], histograms[0])


def _errors(histogram: hist.Hist[Any]) -> Any:
    return np.sqrt(np.asarray(histogram.variances()))


def _total(histogram: hist.Hist[Any]) -> float:
    total: Any = histogram.sum()
    return float(total.value)


def _count(histogram: hist.Hist[Any]) -> str:
    return _number(_total(histogram))


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == round(value) else f"{value:.3g}"


def _axis(result: Result, name: str) -> Any:
    return next(each for each in result.definition.histograms if each.name == name)
