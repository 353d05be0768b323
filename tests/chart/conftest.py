"""The helm programs that the chart is rendered with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chart.rendering import VARIATIONS, Rendering, find_helms, read_variation, render

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def helms() -> dict[int, Path]:
    """All helm programs, by major version."""
    return find_helms()


@pytest.fixture(scope="session")
def helm(helms: dict[int, Path]) -> Path:
    """The newest one."""
    if not helms:
        pytest.skip("helm is not installed here (the test cluster brings it: tests/cluster/run up)")
    return helms[max(helms)]


@pytest.fixture(scope="session")
def renderings(helm: Path) -> dict[str, Rendering]:
    """Every variation of the chart, rendered."""
    return {name: render(helm, read_variation(name)) for name in VARIATIONS}
