"""Writes the tree with ROOT itself, because a `std::vector` branch is what no other library writes."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from lumihub.data.manifest import SIMULATED_LABEL
from lumihub.data.simulated.schema import BRANCHES, NUMPY_TYPES, TREE, Branch
from lumihub.errors import LumiHubError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_LZMA_9 = 209  # ROOT's number for LZMA at its highest level: small files, read once or twice
_BASKET_BYTES = 1 << 24
_EVENTS_IN_CLUSTER = 50_000


def write_tree(path: Path, columns: dict[str, ak.Array]) -> None:
    """Write the 81 branches to a file that carries the label, byte for byte the same for the same events.

    Args:
        path: of the file; its folder must exist.
        columns: all branches by name, of equal length.

    Raises:
        LumiHubError: ROOT is not installed.
    """
    root = import_root()
    file = root.TFile.Open(f"{path}?reproducible={path.name}", "RECREATE", SIMULATED_LABEL, _LZMA_9)
    tree = root.TTree(TREE, SIMULATED_LABEL)
    buffers = {branch.name: _attach(root, tree, branch) for branch in BRANCHES}
    tree.SetAutoFlush(_EVENTS_IN_CLUSTER)
    scalars = [(buffers[b.name], ak.to_numpy(columns[b.name]).tolist()) for b in BRANCHES if not b.vector]
    # Most vectors are empty in every event of a file: those are never touched.
    vectors = [
        (buffers[b.name], ak.to_list(columns[b.name])) for b in BRANCHES if b.vector and ak.any(ak.num(columns[b.name]))
    ]
    for entry in range(len(columns["eventNumber"])):
        for buffer, values in scalars:
            buffer[0] = values[entry]
        for vector, lists in vectors:
            vector.assign(lists[entry])
        tree.Fill()
    tree.Write()
    root.TObjString(SIMULATED_LABEL).Write("label")
    file.Close()


def import_root() -> Any:
    """The module ROOT.

    Raises:
        LumiHubError: it is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # says on import that its wheel is young
            import ROOT
    except ImportError as error:
        raise LumiHubError(
            "ROOT is not installed; only making the simulated sample anew needs it",
            fix="uv sync --frozen --all-extras --group simulation",
        ) from error
    return ROOT


def _attach(root: Any, tree: Any, branch: Branch) -> Any:
    if branch.vector:
        vector = root.std.vector[branch.kind]()
        tree.Branch(branch.name, vector, _BASKET_BYTES)
        return vector
    buffer: NDArray[Any] = np.zeros(1, dtype=NUMPY_TYPES[branch.kind])
    tree.Branch(branch.name, buffer, f"{branch.name}/{branch.leaf}", _BASKET_BYTES)
    return buffer
