"""Big files in the schema of the released ones, made for a benchmark from few events.

uproot writes jagged branches with a counter where the released files have `std::vector`: reading them is cheaper (no
headers of 10 bytes to skip), so the ceiling is higher here and a ratio to it rather worse than on released files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import awkward as ak
import numpy as np
import uproot

if TYPE_CHECKING:
    from pathlib import Path

BASKET = 50_000


def write_four_leptons(path: Path, originals: list[Path], events: int, *, every: bool = False) -> None:
    """Repeat the events of `originals` until there are `events`.

    Args:
        path: of the file to write.
        originals: released files.
        events: how many to write.
        every: with all branches, of which a selection reads a part; else with those that selections read, and some.
    """
    chosen = None if every else _needed
    block = ak.concatenate([uproot.open(original)["mini"].arrays(filter_name=chosen) for original in originals])
    # Recorded events carry no weights.
    for name in block.fields:
        if name == "mcWeight" or name.startswith("scaleFactor"):
            block[name] = np.ones(len(block), "f4")
    _write(path, block, events)


def write_two_photons(path: Path, events: int, seed: int = 1) -> None:
    """Photon pairs with falling energies and loose isolation: shapes like those of the GamGam files, no physics."""
    draw = np.random.default_rng(seed)
    sizes = 2 + (draw.random(BASKET) < 0.03)
    total = int(sizes.sum())

    def jagged(values: np.ndarray, kind: str = "f4") -> ak.Array:
        return ak.unflatten(values.astype(kind), sizes)

    pt = ak.sort(jagged(25e3 + draw.exponential(25e3, total)), axis=1, ascending=False)
    eta = jagged(draw.uniform(-2.37, 2.37, total))
    columns = {
        "trigP": draw.random(BASKET) < 0.95,
        "mcWeight": draw.normal(1, 0.1, BASKET).astype("f4"),
        "photon_n": sizes.astype("u4"),
        "photon_pt": pt,
        "photon_eta": eta,
        "photon_phi": jagged(draw.uniform(-np.pi, np.pi, total)),
        "photon_E": ak.values_astype(pt * np.cosh(eta), "f4"),
        "photon_isTightID": jagged(draw.random(total) < 0.7, "bool"),
        "photon_ptcone30": jagged(draw.exponential(1.5e3, total)),
        "photon_etcone20": jagged(draw.normal(0, 2e3, total)),
        "photon_convType": jagged(draw.integers(0, 6, total), "i4"),
        **{name: draw.normal(1, 0.02, BASKET).astype("f4") for name in _PHOTON_SCALE_FACTORS},
    }
    _write(path, ak.Array(columns), events)


_PHOTON_SCALE_FACTORS = ("scaleFactor_PHOTON", "scaleFactor_PhotonTRIGGER", "scaleFactor_PILEUP")


def _needed(name: str) -> bool:
    return name.startswith(("lep_", "trig", "scaleFactor", "mcWeight", "jet_pt", "met_et", "channelNumber"))


def _blur(column: ak.Array, draw: np.random.Generator) -> ak.Array:
    """Repeated floats compress to nothing, which makes reading unreally fast; a thousandth changes no cut much."""
    packed = ak.to_packed(column)
    flat = np.asarray(ak.flatten(packed, axis=None))
    if flat.dtype != np.float32:
        return packed
    blurred = (flat * draw.normal(1, 1e-3, len(flat))).astype("f4")
    return ak.unflatten(blurred, ak.num(packed)) if packed.ndim > 1 else ak.Array(blurred)


def _write(path: Path, block: ak.Array, events: int) -> None:
    repeats = -(-BASKET // len(block))
    basket = ak.concatenate([block] * repeats)[:BASKET]
    draw = np.random.default_rng(2)
    columns = {name: _blur(basket[name], draw) for name in basket.fields}
    types = {name: column.type.content for name, column in columns.items()}
    with uproot.recreate(path, compression=uproot.ZLIB(1)) as file:
        tree = file.mktree("mini", types)
        for start in range(0, events, BASKET):
            stop = min(BASKET, events - start)
            tree.extend({name: column[:stop] for name, column in columns.items()})
