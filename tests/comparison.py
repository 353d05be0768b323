"""What analyses of the platform find, beside what a plain script finds in the same files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lumihub.analysis.result import Result

SCRIPT = Path(__file__).with_name("plain_selections.py")
# By analysis, the histogram that the script fills too.
SPECTRA = {"higgs-4l": "m4l", "higgs-gamgam": "myy"}
Found = dict[str, dict[str, list[Any]]]


def count_plainly(paths: Iterable[str | Path]) -> Found:
    """What the script prints of these files, from a process that has loaded nothing of the platform."""
    command = [sys.executable, "-P", str(SCRIPT), *map(str, paths)]
    found: Found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, timeout=120, check=True).stdout)
    return found


def tell_numbers(result: Result, spectrum: str) -> Found:
    """The same of a result; students' notebooks get the source of this function."""
    return {
        path.rpartition("/")[2]: {
            "events": counts.cuts[:, 0].astype(int).tolist(),
            "weights": counts.cuts[:, 1].tolist(),
            "mass": counts.histograms[spectrum].values().tolist(),
        }
        for path, counts in zip(result.files, result.counts.values(), strict=True)
    }


def check_same(found: Found, expected: Found) -> None:
    """Every number of events is the same, and every sum of weights but for rounding."""
    assert {name: each["events"] for name, each in found.items()} == {
        name: each["events"] for name, each in expected.items()
    }
    for name, each in expected.items():
        for kind in ("weights", "mass"):
            assert found[name][kind] == pytest.approx(each[kind], rel=1e-9), (name, kind)
