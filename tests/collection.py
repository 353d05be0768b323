"""Collections under the names of real ones: one for tests that move whole files, one for tests that read events."""

from __future__ import annotations

import random
import shutil
from typing import TYPE_CHECKING

from lumihub.data.catalogue import load_catalogue, simulated_folder

if TYPE_CHECKING:
    from pathlib import Path

COLLECTION = "3lep"
FILES = 214
SMALLEST, LARGEST = 50_000, 450_000


def lay_out_collection(folder: Path) -> None:
    """Write the collection's files below `folder` as they lie at CERN, readable by everybody; the bytes are chance."""
    chance = random.Random(4)  # noqa: S311
    for file in load_catalogue("2020").in_collection(COLLECTION).values():
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(chance.randbytes(chance.randrange(SMALLEST, LARGEST)))


def lay_out_photons(folder: Path) -> list[Path]:
    """Write the files of two photons below `folder` as they lie at CERN: events of the simulated sample.

    They have the released schema, and no real ones are at hand.
    """
    simulated = load_catalogue("simulated").in_collection("GamGam")
    paths = []
    for sample, file in load_catalogue("2020").in_collection("GamGam").items():
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(simulated_folder() / simulated[sample].path, path)
        paths.append(path)
    return paths
