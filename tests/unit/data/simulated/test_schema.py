"""The branches of the simulated sample are those of the real files: names, order, types."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import uproot

from lumihub.data.catalogue import load_catalogue, simulated_folder
from lumihub.data.simulated.schema import BRANCHES, TREE
from opendata import PLACE

if TYPE_CHECKING:
    from pathlib import Path

FILES = [file.path for file in load_catalogue("simulated").files]


def describe_tree(path: Path) -> list[tuple[str, str, str]]:
    with uproot.open(path) as file:
        return [(branch.name, branch.typename, str(branch.interpretation)) for branch in file[TREE].branches]


def test_there_are_81_branches_with_the_published_names_and_types() -> None:
    published = [(branch.name, branch.type) for branch in load_catalogue("2020").branches]
    numpy_names = {"int": "int32_t", "unsigned int": "uint32_t", "float": "float", "bool": "bool"}
    ours = [(b.name, f"std::vector<{numpy_names[b.kind]}>" if b.vector else numpy_names[b.kind]) for b in BRANCHES]
    assert len(ours) == 81
    assert ours == published


@pytest.mark.parametrize("path", FILES)
def test_a_shipped_file_has_every_branch_in_order(path: str) -> None:
    assert [name for name, _, _ in describe_tree(simulated_folder() / path)] == [branch.name for branch in BRANCHES]


@pytest.mark.opendata
@pytest.mark.parametrize("path", FILES)
def test_a_shipped_file_reads_like_a_real_one(opendata: Path, path: str) -> None:
    assert describe_tree(simulated_folder() / path) == describe_tree(opendata / PLACE / "data_A.4lep.root")
