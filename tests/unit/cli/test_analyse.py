from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from lumihub.analysis.registry import load_analysis
from lumihub.cli.main import build_app
from lumihub.errors import InputError
from opendata import EVENTS, PLACE

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


def analyse(*arguments: str) -> Result:
    return CliRunner().invoke(build_app("analyse"), ["analyse", *arguments])


def fault_of(done: Result) -> str:
    assert isinstance(done.exception, InputError)
    return str(done.exception)


@pytest.fixture
def files(opendata: Path) -> list[str]:
    return [str(opendata / PLACE / f"{sample}.4lep.root") for sample in EVENTS]


def test_without_a_name_the_analyses_are_listed() -> None:
    done = analyse()
    assert done.exit_code == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["higgs-4l", "higgs-gamgam"]
    assert set(json.loads(analyse("--json").stdout)) == {"higgs-4l", "higgs-gamgam"}


@pytest.mark.opendata
def test_files_follow_the_option_one_after_the_other(files: list[str]) -> None:
    done = analyse("higgs-4l", "--files", *files, "--json")
    assert done.exit_code == 0, done.exception
    samples = json.loads(done.stdout)["samples"]
    for sample, (events, kept) in EVENTS.items():
        first, second = samples[sample]["cuts"][:2]
        assert (first["events_in"], second["events_out"]) == (events, kept)


@pytest.mark.opendata
def test_the_table_shows_every_cut_and_where_the_events_are_from(files: list[str]) -> None:
    done = analyse("higgs-4l", "--files", files[0])
    assert "ATLAS Open Data, 0.5 fb⁻¹" in done.stdout
    names = {"read", *(cut.name for cut in load_analysis("higgs-4l").cuts)}
    rows = dict(line.split() for line in done.stdout.splitlines() if line.split()[:1] and line.split()[0] in names)
    assert rows == {
        "read": "39",
        "charge": "31",
        "charge-and-flavour": "27",
        "trigger": "27",
        "good-leptons": "20",
        "momenta": "18",
        "pairs": "18",
    }


@pytest.mark.opendata
def test_a_plot_is_written(files: list[str], tmp_path: Path) -> None:
    done = analyse("higgs-4l", "--files", files[0], "--plot", str(tmp_path / "m4l.png"))
    assert done.exit_code == 0, done.exception
    assert (tmp_path / "m4l.png").read_bytes().startswith(b"\x89PNG")


def test_bad_input_is_named_before_any_work(tmp_path: Path) -> None:
    assert fault_of(analyse("higgs-4l", "--files", "a.root", "--plot", "m4l.gif")) == (
        "error: m4l.gif does not end in .png, .svg or .pdf\n  fix: write --plot m4l.png"
    )
    assert fault_of(analyse("higgs-4l", "--plot", str(tmp_path / "none" / "a.png"))) == (
        f"error: the folder for the plot is not there\n  in {tmp_path}/none\n  fix: make it first"
    )
    assert fault_of(analyse("higgs-4l", "--histogram", "mZ1")) == (
        "error: --histogram names what --plot draws\n  fix: add --plot FILE"
    )
    assert fault_of(analyse("higgs-4l", "data_A.4lep.root")) == (
        "error: data_A.4lep.root follows the analysis without --files\n  fix: write --files data_A.4lep.root"
    )
    assert fault_of(analyse("higs-4l")) == (
        "error: higs-4l is not a known analysis\n  did you mean higgs-4l?\n  fix: give one of higgs-4l, higgs-gamgam"
    )
