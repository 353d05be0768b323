"""A collection for tests that move whole files: its names are those of a real one, its bytes are not."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from lumihub.data.catalogue import load_catalogue

if TYPE_CHECKING:
    from pathlib import Path

COLLECTION = "3lep"
FILES = 214
SMALLEST, LARGEST = 50_000, 450_000


def lay_out_collection(folder: Path) -> None:
    """Write the collection's files below `folder` as they lie at CERN, readable by everybody."""
    chance = random.Random(4)  # noqa: S311
    for file in load_catalogue("2020").in_collection(COLLECTION).values():
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(chance.randbytes(chance.randrange(SMALLEST, LARGEST)))
