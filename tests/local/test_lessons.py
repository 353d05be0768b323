"""Every lesson, run from top to bottom in a real kernel, with its questions answered in the same kernel."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell

from lumihub.data.access import DataAccess
from lumihub.data.listing import build_manifest
from lumihub.data.manifest import write_manifest
from lumihub.progress import Silent
from opendata import find_opendata, lay_out_opendata

FOLDER = Path(__file__).parents[2] / "notebooks" / "en"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A student's home, short enough for the sockets in it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / ".ipython"))
    monkeypatch.delenv("LUMIHUB_DATA", raising=False)
    return tmp_path


def run(name: str, home: Path, *more: str) -> Any:
    """Run a lesson, then further cells; the first error ends it with its traceback."""
    lesson = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    lesson.cells += [new_code_cell(source) for source in more]
    runner = {"metadata": {"path": str(home)}}
    NotebookClient(lesson, timeout=280, kernel_name="python3", resources=runner).execute()
    return lesson


def printed(lesson: Any, cell: int | str) -> str:
    """What a cell wrote."""
    found = lesson.cells[cell] if isinstance(cell, int) else next(each for each in lesson.cells if each.id == cell)
    return "".join(
        output.text for output in found.outputs if output.output_type == "stream" and output.name == "stdout"
    )


def plots(lesson: Any) -> int:
    """How many pictures the lesson shows; each says in words what is on it."""
    outputs = [output for cell in lesson.cells if cell.cell_type == "code" for output in cell.outputs]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert all(len(output.metadata["image/png"]["alt"]) > 100 for output in pictures)
    return len(pictures)


def test_the_welcome_on_the_simulated_sample(home: Path) -> None:
    lesson = run("00-welcome", home, 'answer("welcome-label", 2)', 'answer("welcome-most-common", 2)')
    assert plots(lesson) == 3
    assert printed(lesson, -2).startswith("✓ Right. Well read.")
    assert printed(lesson, -1).startswith("✓ Right.")
    assert "all ways together: 99.97 %" in printed(lesson, "sum-check")


def test_four_leptons_on_the_simulated_sample(home: Path) -> None:
    count = 'sum(result.cutflow.count(name, "charge-and-flavour").events_out for name in result.data_samples)'
    lesson = run(
        "01-higgs-to-four-leptons", home, f'answer("4l-charge", {count})', 'answer("4l-window", window.observed)'
    )
    assert printed(lesson, "start") == "You work with: simulated sample, not ATLAS data\n"
    assert "All samples are there." in printed(lesson, "run")
    assert "expected from the Higgs boson" in printed(lesson, "count")
    assert plots(lesson) == 1
    assert printed(lesson, -2).startswith("✓ Right.")
    assert printed(lesson, -1).startswith("✓ Right.")
    assert (home / "four-leptons.png").stat().st_size > 10_000
    answers = json.loads((home / ".lumihub/answers.json").read_text())["questions"]
    assert {name: each["data"] for name, each in answers.items()} == dict.fromkeys(
        ("4l-charge", "4l-window"), "simulated sample, not ATLAS data"
    )


def test_two_photons_on_the_simulated_sample(home: Path) -> None:
    lesson = run("02-higgs-to-two-photons", home)
    assert "events in a peak at 125.0 (fixed) GeV" in printed(lesson, "fit")
    assert plots(lesson) == 2
    assert (home / "two-photons.png").stat().st_size > 10_000


@pytest.mark.opendata
def test_four_leptons_on_real_data_says_what_is_missing_and_finds_the_published_counts(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = find_opendata()
    if source is None:
        pytest.skip("the real files of the 4lep collection are not here; LUMIHUB_OPENDATA names their folder")
    origin = lay_out_opendata(source, home / "origin")
    write_manifest(build_manifest(str(origin), Silent()), home / "manifest.json")
    access = DataAccess(release="2020", mode="stream", origin=str(origin), manifest=home / "manifest.json")
    for name, value in access.environment().items():
        monkeypatch.setenv(name, value)
    lesson = run("01-higgs-to-four-leptons", home, 'answer("4l-charge", 27 + 86 + 146)', 'answer("4l-charge", 258)')
    assert printed(lesson, "start") == "You work with: ATLAS Open Data\n"
    assert "goes on without: data_D Zee" in printed(lesson, "run")
    assert "expected: not known" in printed(lesson, "count")
    assert printed(lesson, -2).startswith("✓ Right.")
    assert printed(lesson, -1).startswith("✗ Not yet. 258 is too small.")
    shutil.rmtree(origin)
