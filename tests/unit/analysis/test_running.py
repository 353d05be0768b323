"""Runs over small files made here (of known weights) and over the real ones."""

from __future__ import annotations

import json
import logging
import math
import pickle
from typing import TYPE_CHECKING

import awkward as ak
import numpy as np
import pytest
import uproot

from collection import lay_out_photons
from comparison import SPECTRA, check_same, count_plainly, tell_numbers
from lumihub.analysis import reading
from lumihub.analysis.reading import read
from lumihub.analysis.running import run
from lumihub.errors import InputError, LumiHubError
from opendata import EVENTS, PLACE

if TYPE_CHECKING:
    from pathlib import Path

    from lumihub.analysis.result import Result

CUTS = ("charge", "charge-and-flavour", "trigger", "good-leptons", "momenta", "pairs")


@pytest.fixture
def real(opendata: Path) -> list[str]:
    return [str(opendata / PLACE / f"{sample}.4lep.root") for sample in EVENTS]


def write_pairs(path: Path, weights: list[float], **extra: list[float]) -> str:
    """Events with two good photons of 121 GeV or so, and these weights."""
    events = len(weights)
    columns = {
        "trigP": np.ones(events, bool),
        "mcWeight": np.array(weights, "f4"),
        "scaleFactor_PHOTON": np.full(events, 0.5, "f4"),
        "scaleFactor_PhotonTRIGGER": np.ones(events, "f4"),
        "scaleFactor_PILEUP": np.ones(events, "f4"),
        **{name: np.array(values, "f4") for name, values in extra.items()},
    }
    photons = {
        "photon_pt": [70e3, 55e3],
        "photon_eta": [0.2, -0.3],
        "photon_phi": [0.0, 3.1],
        "photon_ptcone30": [0.0, 0.0],
        "photon_etcone20": [0.0, 0.0],
    }
    jagged = {name: ak.values_astype(ak.Array([values] * events), "f4") for name, values in photons.items()}
    jagged["photon_isTightID"] = ak.Array([[True, True]] * events)
    jagged["photon_convType"] = ak.values_astype(ak.Array([[0, 0]] * events), "i4")
    columns |= {name: ak.from_regular(values) for name, values in jagged.items()}
    with uproot.recreate(path) as file:
        tree = file.mktree("mini", {name: ak.Array(values).type.content for name, values in columns.items()})
        tree.extend(columns)
    return str(path)


@pytest.mark.opendata
def test_real_files_keep_the_published_events(real: list[str]) -> None:
    result = run("higgs-4l", real)
    for sample, (read_events, published) in EVENTS.items():
        line = result.cutflow.count(sample, "charge-and-flavour")
        assert result.cutflow.count(sample, "charge").events_in == read_events
        assert line.events_out == published
        assert (line.weighted_out, line.error_out) == (published, pytest.approx(math.sqrt(published)))
    assert result.luminosity == pytest.approx(0.5 + 1.9 + 2.9)
    assert result.label == "ATLAS Open Data"
    assert [line.cut for line in result.cutflow["data_A"]] == list(CUTS)
    assert 0 < result.bytes_read < 200_000


@pytest.mark.opendata
def test_a_plain_script_finds_the_same(real: list[str], tmp_path: Path) -> None:
    files = {"higgs-4l": real, "higgs-gamgam": [str(path) for path in lay_out_photons(tmp_path)]}
    plain = count_plainly(files["higgs-4l"] + files["higgs-gamgam"])
    assert len(plain) == 12
    found = {}
    for name, spectrum in SPECTRA.items():
        found |= tell_numbers(run(name, files[name]), spectrum)
    check_same(found, plain)


@pytest.mark.opendata
def test_each_part_is_told_in_the_log_once(
    real: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(reading, "LARGEST_STEP", 30)
    with caplog.at_level(logging.INFO, "lumihub"):
        run("higgs-4l", real[:1])
    told = [record.getMessage().rpartition(" in ")[0] for record in caplog.records]
    assert told == ["higgs-4l: events 0 to 30 of data_A.4lep.root", "higgs-4l: events 30 to 39 of data_A.4lep.root"]


@pytest.mark.opendata
def test_small_ranges_give_the_same_as_one(real: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run("higgs-4l", real)
    monkeypatch.setattr(reading, "LARGEST_STEP", 7)
    parts = run("higgs-4l", real)
    for sample in EVENTS:
        assert np.array_equal(whole.counts[sample].cuts, parts.counts[sample].cuts)
        for name, filled in whole.counts[sample].histograms.items():
            assert filled == parts.counts[sample].histograms[name]


@pytest.mark.opendata
def test_results_of_parts_add_up_and_survive_pickling(real: list[str]) -> None:
    whole = run("higgs-4l", real)
    added: Result = pickle.loads(pickle.dumps(run("higgs-4l", real[:1]))) + run("higgs-4l", real[1:])  # noqa: S301
    assert added.luminosity == pytest.approx(whole.luminosity)
    assert added.cutflow == whole.cutflow
    with pytest.raises(InputError) as caught:
        whole + whole
    assert str(caught.value) == (
        f"error: both results have read the same file\n  in {real[0]}\n  fix: read each file once"
    )


@pytest.mark.opendata
def test_json_has_every_cut_in_and_out(real: list[str]) -> None:
    found = json.loads(json.dumps(run("higgs-4l", real[1:2]).as_json()))
    cut = found["samples"]["data_B"]["cuts"][1]
    assert {key: cut[key] for key in ("cut", "events_in", "events_out", "weighted_in", "weighted_out")} == {
        "cut": "charge-and-flavour",
        "events_in": 117,
        "events_out": 86,
        "weighted_in": 117.0,
        "weighted_out": 86.0,
    }
    assert found["bytes_read"] > 0
    assert found["seconds"] > 0
    assert found["luminosity_fb"] == pytest.approx(1.9)


def test_simulated_events_are_weighted_to_the_luminosity(tmp_path: Path) -> None:
    path = write_pairs(tmp_path / "mc_343981.ggH125_gamgam.GamGam.root", [2.0, 4.0, -2.0])
    result = run("higgs-gamgam", [path])
    # 0.102 pb x 10 fb^-1 over the published sum of weights; one scale factor is a half.
    unit = 0.5 * 0.102 * 10_000 / 55922617.6297
    last = result.cutflow.count("ggH125_gamgam", "mass-window")
    assert (last.events_in, last.events_out) == (3, 3)
    assert last.weighted_out == pytest.approx(unit * (2 + 4 - 2), rel=1e-6)
    assert last.error_out == pytest.approx(unit * math.sqrt(4 + 16 + 4), rel=1e-6)
    histogram = result.histogram("myy")
    assert histogram.axes.name == ("dataset", "myy")
    assert histogram.sum().value == pytest.approx(last.weighted_out)
    assert histogram.sum().variance == pytest.approx(last.error_out**2)


def test_a_process_that_no_catalogue_knows_is_weighted_by_its_own_branches(tmp_path: Path) -> None:
    path = write_pairs(
        tmp_path / "mc_999999.new_gamgam.GamGam.root", [1.0, 1.0], XSection=[0.2, 0.2], SumWeights=[1000.0, 1000.0]
    )
    result = run("higgs-gamgam", [path], luminosity=2.0)
    assert result.cutflow.count("new_gamgam", "mass-window").weighted_out == pytest.approx(0.5 * 2 * 0.2 * 2000 / 1000)
    assert [each.title for each in result.yields] == ["other"]


def test_only_the_needed_branches_are_read(tmp_path: Path) -> None:
    small = write_pairs(tmp_path / "data_A.GamGam.root", [1.0] * 500)
    big = write_pairs(tmp_path / "data_B.GamGam.root", [1.0] * 500, unused=list(np.random.default_rng(1).random(500)))
    sizes = [(tmp_path / name).stat().st_size for name in ("data_A.GamGam.root", "data_B.GamGam.root")]
    assert sizes[1] - sizes[0] > 1500
    read_bytes = [run("higgs-gamgam", [path]).bytes_read for path in (small, big)]
    assert read_bytes[1] - read_bytes[0] < 1500


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = str(tmp_path / "data_A.4lep.root")
    with pytest.raises(InputError) as caught:
        run("higgs-4l", [path])
    assert str(caught.value) == (
        f"error: the file is not there\n  in {path}\n"
        "  fix: check the name, or see which there are with `./deploy.py data list`"
    )


def test_missing_branches_are_named_with_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "data_A.GamGam.root"
    with uproot.recreate(path) as file:
        file.mktree("mini", {"photons_pt": "f4", "trigP": "bool"}).extend(
            {"photons_pt": np.ones(2, "f4"), "trigP": np.ones(2, bool)}
        )
    with pytest.raises(InputError) as caught:
        read(str(path), "photon_pt", "trigP")
    assert str(caught.value) == (
        f"error: the branch photon_pt is not in the tree mini\n  in {path}\n"
        "  did you mean photons_pt?\n"
        "  fix: check the branch's name, and that the file is of the 2020 release"
    )


def test_a_file_without_the_tree_is_named(tmp_path: Path) -> None:
    path = tmp_path / "data_A.4lep.root"
    with uproot.recreate(path) as file:
        file.mktree("minis", {"x": "f4"}).extend({"x": np.ones(2, "f4")})
    with pytest.raises(InputError) as caught:
        run("higgs-4l", [str(path)])
    assert str(caught.value) == (
        f"error: the file has no tree mini\n  in {path}\n  did you mean minis?\n  fix: give files of the 2020 release"
    )


@pytest.mark.opendata
@pytest.mark.parametrize("left", [0, 40, 20_000, 60_000])
def test_a_file_cut_short_stops_with_the_fix(real: list[str], tmp_path: Path, left: int) -> None:
    from pathlib import Path

    broken = tmp_path / "data_C.4lep.root"
    broken.write_bytes(Path(real[2]).read_bytes()[:left])
    with pytest.raises(LumiHubError) as caught:
        run("higgs-4l", [str(broken)])
    (fault,) = caught.value.faults
    assert fault.what.startswith("the file cannot be read, it may be cut short or damaged (")
    assert fault.where == str(broken)
    assert fault.fix == "compare it with its checksum (`./deploy.py data verify`) and fetch it again"


def test_a_file_given_twice_is_refused(tmp_path: Path) -> None:
    path = write_pairs(tmp_path / "data_A.GamGam.root", [1.0])
    with pytest.raises(InputError) as caught:
        run("higgs-gamgam", [path, path])
    assert str(caught.value) == f"error: the same file is given twice\n  in {path}\n  fix: give each file once"
