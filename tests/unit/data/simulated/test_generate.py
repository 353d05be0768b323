"""The program that makes the sample anew: planning, weights, rounding; and a small run where Pythia and ROOT are."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from typing import TYPE_CHECKING

import awkward as ak
import numpy as np
import pytest
import uproot

from lumihub.data.manifest import load_manifest
from lumihub.data.simulated import generate
from lumihub.data.simulated.processes import PROCESSES
from lumihub.data.simulated.samples import LUMINOSITY_FB, Weighting, build_pseudo_data, build_simulated
from lumihub.data.simulated.schema import BRANCHES, TREE

if TYPE_CHECKING:
    from pathlib import Path

PROGRAMS = all(importlib.util.find_spec(name) for name in ("pythia8mc", "ROOT"))


def build_events(count: int) -> ak.Array:
    ones = np.ones(4 * count)
    lepton = dict.fromkeys(("ptcone30", "etcone20", "trackd0pvunbiased", "tracksigd0pvunbiased", "z0"), ones)
    lepton |= {"pt": ones * 12345.678, "eta": ones * 0.123456, "phi": ones, "E": ones * 20000.0}
    lepton |= {"charge": ones.astype(int), "type": ones.astype(int) * 11}
    lepton |= dict.fromkeys(("isTightID", "trigMatched", "truthMatched"), ones > 0)
    names = ("pt", "eta", "phi", "E", "ptcone30", "etcone20", "jvt", "MV2c10", "convType", "trueflav")
    flags = ("isTightID", "trigMatched", "truthMatched")
    empty = {name: np.zeros(0) for name in names} | {name: np.zeros(0, dtype=bool) for name in flags}
    none = ak.unflatten(ak.zip(empty), np.zeros(count, dtype=int))
    scalars = {"met_et": np.full(count, 20000.0), "met_phi": np.zeros(count), "trigE": np.ones(count, dtype=bool)}
    scalars |= {"trigM": np.zeros(count, dtype=bool), "trigP": np.zeros(count, dtype=bool)}
    return ak.zip({"lep": ak.unflatten(ak.zip(lepton), 4), "jet": none, "photon": none, **scalars}, depth_limit=1)


def test_the_plan_depends_on_the_seed_alone() -> None:
    assert generate.plan_jobs(1, 0.05) == generate.plan_jobs(1, 0.05)
    assert generate.plan_jobs(1, 0.05) != generate.plan_jobs(2, 0.05)


def test_no_two_jobs_share_a_seed() -> None:
    seeds = [job.seed for job in generate.plan_jobs(1, 1.0)]
    assert len(seeds) == len(set(seeds))


def test_pseudo_data_follow_cross_section_and_luminosity() -> None:
    jobs = generate.plan_jobs(1, 1.0)
    for index, process in enumerate(PROCESSES):
        planned = sum(job.events for job in jobs if job.process == index and job.target == "data")
        expected = process.visible_cross_section * process.data_factor * 1000 * sum(LUMINOSITY_FB.values())
        assert planned == pytest.approx(expected, abs=5 * np.sqrt(expected) + 1)


def test_a_simulated_sample_has_every_branch_in_order_and_its_weights() -> None:
    columns = build_simulated(build_events(500), Weighting(345060, 0.006, 1e4), np.random.default_rng(1))
    assert list(columns) == [branch.name for branch in BRANCHES]
    assert ak.all(columns["channelNumber"] == 345060)
    assert ak.mean(columns["scaleFactor_ELE"]) == pytest.approx(1.0, abs=0.01)
    assert ak.all(columns["scaleFactor_MUON"] == 1)
    assert ak.all(ak.num(columns["lep_truthMatched"]) == 4)


def test_pseudo_data_tell_nothing_that_only_a_simulation_knows() -> None:
    columns = build_pseudo_data(build_events(3), "data_C")
    assert columns["runNumber"].to_list() == [3, 3, 3]
    for name in ("mcWeight", "scaleFactor_ELE", "scaleFactor_PILEUP"):
        assert columns[name].to_list() == [0, 0, 0]
    for name in ("lep_truthMatched", "jet_trueflav", "photon_truthMatched"):
        assert ak.num(columns[name]).to_list() == [0, 0, 0]


def test_rounding_stays_far_below_the_resolution() -> None:
    columns = build_pseudo_data(build_events(2), "data_A")
    assert ak.to_numpy(columns["lep_pt"]) == pytest.approx(12345.678, rel=5e-4)
    assert ak.to_numpy(columns["lep_eta"]) == pytest.approx(0.123456, abs=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--scale", "0"], "--scale: should be above 0"), (["--workers", "0"], "--workers: should be at least 1")],
)
def test_bad_arguments_are_refused(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        generate.main(["--out", str(tmp_path), *arguments])
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_using_the_data_never_imports_the_generator() -> None:
    code = (
        "import sys, lumihub.data as d; d.catalogue(); "
        "print([m for m in sys.modules if m.startswith('lumihub.data.simulated') or m in ('ROOT', 'pythia8mc')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.skipif(PROGRAMS, reason="pythia8mc and ROOT are installed: nothing is missing")
def test_missing_programs_are_named_with_the_command_that_brings_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate.main(["--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err == (
        "error: pythia8mc is not installed; only making the simulated sample anew needs it\n"
        "  fix: uv sync --frozen --all-extras --group simulation\n"
    )


@pytest.mark.skipif(not PROGRAMS, reason="pythia8mc and ROOT are not installed (dependency group `simulation`)")
@pytest.mark.timeout(600)
def test_a_small_run_writes_a_readable_sample_twice_the_same(tmp_path: Path) -> None:
    manifests = []
    for name in ("one", "two"):
        command = [sys.executable, "-m", "lumihub.data.simulated.generate", "--out", str(tmp_path / name)]
        subprocess.run([*command, "--scale", "0.002", "--seed", "5"], check=True, capture_output=True)
        manifests.append(load_manifest(tmp_path / name / "manifest.json"))
    assert manifests[0] == manifests[1]
    for file in manifests[0].files:
        with uproot.open(tmp_path / "one" / file.path) as opened:
            assert opened[TREE].num_entries == file.entries
