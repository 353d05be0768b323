from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lumihub.analysis import analyses
from lumihub.analysis.registry import load_analyses, load_analysis
from lumihub.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

THIRD = """
from lumihub.analysis.definition import Analysis, Cut, Histogram
ANALYSIS = Analysis(
    name="missing-energy", title="Missing energy", collection="4lep", branches=("met_et",), scale_factors=(),
    cuts=(Cut("met", "more than 30 GeV", lambda events: events.met_et > 30000),),
    histograms=(Histogram("met", "GeV", 10, 0, 200, lambda events: events.met_et / 1000, "met"),), processes=(),
)
"""


@pytest.fixture
def third_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "third_of_this_test.py").write_text(THIRD)
    monkeypatch.setattr(analyses, "__path__", [*analyses.__path__, str(tmp_path)])
    load_analyses.cache_clear()
    yield
    load_analyses.cache_clear()


def test_there_are_the_two_of_the_lessons() -> None:
    assert list(load_analyses()) == ["higgs-4l", "higgs-gamgam"]


@pytest.mark.usefixtures("third_file")
def test_a_third_analysis_is_one_file(opendata: Path) -> None:
    from lumihub.analysis.running import run

    assert "missing-energy" in load_analyses()
    result = run("missing-energy", [str(opendata / "OutreachDatasets/2020-08-19/4lep/Data/data_A.4lep.root")])
    assert result.cutflow.count("data_A", "met").events_in == 39
    assert 0 < result.cutflow.count("data_A", "met").events_out < 39


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(InputError) as caught:
        load_analysis("higgs4l")
    assert str(caught.value) == (
        "error: higgs4l is not a known analysis\n  did you mean higgs-4l?\n  fix: give one of higgs-4l, higgs-gamgam"
    )


@pytest.mark.parametrize("name", ["higgs-4l", "higgs-gamgam"])
def test_definitions_hold_together(name: str) -> None:
    analysis = load_analysis(name)
    cuts = [cut.name for cut in analysis.cuts]
    assert len(set(cuts)) == len(cuts)
    assert {histogram.after for histogram in analysis.histograms} <= set(cuts)
    assert len({histogram.name for histogram in analysis.histograms}) == len(analysis.histograms)
    assert len(set(analysis.samples)) == len(analysis.samples)
