"""Helm 3 and Helm 4 make the same of the chart, and find nothing to say against it."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from chart.rendering import VARIATIONS, read_variation, render
from lumihub.chart import CHART

if TYPE_CHECKING:
    from pathlib import Path

    from chart.rendering import Rendering


@pytest.mark.parametrize("name", VARIATIONS)
def test_helm_3_and_4_agree(helms: dict[int, Path], renderings: dict[str, Rendering], name: str) -> None:
    if not {3, 4} <= set(helms):
        pytest.skip(f"only these major versions of helm are installed: {sorted(helms)}")
    other = render(helms[min(helms)], read_variation(name))
    assert _without_random(other) == _without_random(renderings[name])


@pytest.mark.parametrize("name", VARIATIONS)
def test_lint(helm: Path, name: str) -> None:
    done = subprocess.run(
        [helm, "lint", "--strict", CHART, "--values", CHART / "ci" / f"{name}-values.yaml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def _without_random(rendering: Rendering) -> list[str]:
    kept = [one for one in rendering.objects if (one["kind"], one["metadata"]["name"]) != ("Secret", "hub")]
    return sorted(json.dumps(one, sort_keys=True) for one in kept)
