"""Real ATLAS files for tests: three files of the 2020 release's 4lep collection, from a folder beside the project."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

FILES = ("data_A.4lep.root", "data_B.4lep.root", "data_C.4lep.root")
# Events in each file, and those that the published charge-and-flavour cuts keep.
EVENTS = {"data_A": (39, 27), "data_B": (156, 86), "data_C": (237, 146)}
PLACE = "OutreachDatasets/2020-08-19/4lep/Data"


def find_opendata() -> Path | None:
    """The folder named by LUMIHUB_OPENDATA, or `shared/opendata` beside the project; None where it is neither."""
    named = os.environ.get("LUMIHUB_OPENDATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "opendata"
    return folder if all((folder / name).is_file() for name in FILES) else None


def lay_out_opendata(source: Path, folder: Path) -> Path:
    """Copy the files below `folder` as they lie at CERN, readable by everybody; returns the folder to serve."""
    place = folder / PLACE
    place.mkdir(parents=True)
    for name in FILES:
        shutil.copyfile(source / name, place / name)
        (place / name).chmod(0o644)
    for opened in (place, *place.parents):
        if opened.is_relative_to(folder):
            opened.chmod(0o755)
    return folder
