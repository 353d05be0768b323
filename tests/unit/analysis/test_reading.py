from __future__ import annotations

import itertools
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import uproot
from isal import isal_zlib

from lumihub.analysis.reading import EntryRange, plan_ranges, read, use_decompressor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Four baskets of 1,000 events."""
    with uproot.recreate(tmp_path / "numbers.root", compression=uproot.ZLIB(1)) as file:
        tree = file.mktree("mini", {"x": "f8", "y": "f8"})
        for start in range(0, 4000, 1000):
            values = np.arange(start, start + 1000, dtype="f8")
            tree.extend({"x": values, "y": values})
    return str(tmp_path / "numbers.root")


@pytest.fixture
def _isal_afterwards() -> Iterator[None]:
    yield
    use_decompressor("isal")


@pytest.mark.usefixtures("_isal_afterwards")
@pytest.mark.parametrize(("library", "used"), [("isal", isal_zlib), ("zlib", zlib)])
def test_the_chosen_decompressor_is_what_reads(
    library: Any, used: Any, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    original = used.decompress

    def watched(data: bytes, *arguments: Any, **keywords: Any) -> bytes:
        sizes.append(len(data))
        return bytes(original(data, *arguments, **keywords))

    use_decompressor(library)
    monkeypatch.setattr(used, "decompress", watched)
    assert read(path, "x").x.tolist() == list(range(4000))
    assert len(sizes) >= 4


def test_no_more_is_read_than_asked_for(path: str) -> None:
    assert read(path, "y", most=3).y.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("memory", "edges"),
    [
        (1 << 30, [0, 4000]),
        # 6 copies of 8 bytes an event: 2,500 fit, which ends at the basket before.
        (48 * 2500, [0, 2000, 4000]),
        # Never less than 1,000, or the time goes into beginning ranges.
        (1, [0, 1000, 2000, 3000, 4000]),
    ],
)
def test_ranges_fit_into_memory_and_end_where_baskets_end(path: str, memory: int, edges: list[int]) -> None:
    with uproot.open(path) as file:
        ranges = plan_ranges(file["mini"], ["x"], path, memory)
    assert ranges == [EntryRange(path, start, stop) for start, stop in itertools.pairwise(edges)]
