from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from IPython.core.pylabtools import print_figure
from matplotlib.figure import Figure

mpl.use("agg")

from lumihub.analysis.counting import Counts, empty_counts
from lumihub.analysis.fits import fit_peak
from lumihub.analysis.plots import main_histogram, plot, plot_fit
from lumihub.analysis.registry import load_analysis
from lumihub.analysis.result import Result
from lumihub.analysis.samples import Sample
from lumihub.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LABEL = "simulated sample, not ATLAS data"


def filled(analysis: str, sample: Sample, masses: list[float], weight: float = 1.0) -> Counts:
    counts = empty_counts(load_analysis(analysis))
    for histogram in counts.histograms.values():
        histogram.fill(np.array(masses), weight=np.full(len(masses), weight))
    return Counts(counts.cuts + len(masses), counts.histograms, 0, 0.0)


def result(analysis: str, **masses: list[float]) -> Result:
    samples = {
        name: Sample(name, "4lep", name[-1] if name.startswith("data") else "", 0 if name.startswith("data") else 1)
        for name in masses
    }
    counts = {name: filled(analysis, samples[name], values) for name, values in masses.items()}
    return Result(analysis, LABEL, 10.0, samples, counts, (), 1.0)


def words(axes: Axes) -> list[str]:
    legend = axes.get_legend()
    return [text.get_text() for text in (*axes.texts, *(legend.get_texts() if legend else ()))]


def test_data_and_simulation_come_with_their_ratio_and_say_where_they_are_from() -> None:
    made = result("higgs-4l", data_A=[91.0] * 9 + [125.0] * 4, llll=[91.0, 91.0], ggH125_ZZ4lep=[125.0])
    upper, lower = plot(made).axes
    assert LABEL in words(upper)
    assert any("13 TeV" in word and "10 fb" in word for word in words(upper))
    assert "data, 13 events" in words(upper)
    assert "Higgs, 125 GeV, 10" in words(upper)
    assert lower.get_ylabel() == "data / sim."
    # 4 events of data over 1 simulated event for 1 fb^-1, scaled to 10.
    points = sorted(map(tuple, lower.lines[0].get_xydata()))
    assert points == [pytest.approx((89.375, 9 / 20)), pytest.approx((126.875, 4 / 10))]


def test_a_plot_says_in_words_what_it_shows() -> None:
    made = result("higgs-4l", data_A=[91.0] * 9 + [125.0] * 4, llll=[91.0, 91.0], ggH125_ZZ4lep=[125.0])
    assert plot(made).alt == (
        "Histogram of the mass of the four leptons from 80 to 170 GeV in 24 bins: simulated sample, not ATLAS data,"
        " 13 TeV, 10 inverse femtobarns. Data: 13 events, the highest bin from 87.5 to 91.25 GeV with 9."
        " Simulated ZZ(*): 20 events, the highest bin from 87.5 to 91.25 GeV with 20. Simulated Higgs, 125 GeV:"
        " 10 events, the highest bin from 125 to 128.75 GeV with 10."
        " Below: data divided by simulation, 0.43 for all bins together."
    )
    assert plot(result("higgs-gamgam", data_A=[])).alt.endswith("10 inverse femtobarns. Data: 0 events.")


def test_a_notebook_keeps_the_words_beside_the_one_picture() -> None:
    display = DisplayFormatter()
    display.formatters["image/png"].for_type(Figure, lambda figure: print_figure(figure, "png"))
    figure = plot(result("higgs-4l", data_A=[91.0]))
    content, metadata = display.format(figure)
    assert set(content) == {"text/plain", "image/png"}
    assert metadata == {"image/png": {"alt": figure.alt}}


@pytest.mark.parametrize("masses", [{"data_A": [91.0]}, {"llll": [91.0]}, {"data_A": []}])
def test_data_or_simulation_alone_has_no_ratio(masses: dict[str, list[float]]) -> None:
    (upper,) = plot(result("higgs-4l", **masses)).axes
    assert LABEL in words(upper)


def test_a_fit_is_drawn_over_the_data_with_what_is_left_below() -> None:
    draw = np.random.default_rng(1)
    made = result("higgs-gamgam", data_A=list(105 + draw.exponential(30, 20_000)))
    fit = fit_peak(made.histogram("myy"))
    figure = plot_fit(made, fit)
    upper, lower = figure.axes
    assert {"background", "background + peak", LABEL} <= set(words(upper))
    assert lower.get_ylabel() == "data - bkg"
    assert f"A smooth background with a peak is fitted to the data: {fit}." in figure.alt


def test_the_main_histogram_is_the_first_after_all_cuts() -> None:
    assert main_histogram(result("higgs-4l", data_A=[])) == "m4l"
    assert main_histogram(result("higgs-gamgam", data_A=[])) == "myy"


def test_an_unknown_histogram_is_answered_with_the_known() -> None:
    with pytest.raises(InputError) as caught:
        plot(result("higgs-gamgam", data_A=[]), "m4l")
    assert str(caught.value) == (
        "error: higgs-gamgam has no histogram m4l\n  fix: take one of myy, myy_central, myy_all"
    )
