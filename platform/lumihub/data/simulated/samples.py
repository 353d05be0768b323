"""From reconstructed events to the 81 branches, for simulated samples and for pseudo-data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from lumihub.data.simulated.schema import BRANCHES, NUMPY_TYPES, Branch

if TYPE_CHECKING:
    from numpy.random import Generator

LUMINOSITY_FB = {"data_A": 0.5, "data_B": 1.9, "data_C": 2.9, "data_D": 4.7}
"""fb^-1 of each period, as in the release."""

# Bits of a float's mantissa that are kept: 10 bits are 0.05 %, far below any resolution, and zeros compress.
_BITS = {"pt": 10, "E": 10, "eta": 10, "phi": 10, "jvt": 6, "MV2c10": 8, "met_et": 7, "met_phi": 7}
_BITS_ELSEWHERE = 7
_EXACT = {"XSection", "SumWeights", "mcWeight"}
_COLLECTION_OF_PREFIX = {"lep_": "lep", "jet_": "jet", "photon_": "photon"}
_TRUTH_ONLY = {"truthMatched", "trueflav"}


@dataclass(frozen=True, slots=True)
class Weighting:
    """What the events of a simulated sample are weighted with.

    Attributes:
        dsid: data-set number, the branch `channelNumber`.
        cross_section_pb: the branch `XSection`.
        sum_of_weights: the branch `SumWeights`: every event has the weight 1, so it is how many were simulated.
    """

    dsid: int
    cross_section_pb: float
    sum_of_weights: float


def build_simulated(events: ak.Array, weighting: Weighting, rng: Generator) -> dict[str, ak.Array]:
    """The branches of a simulated sample.

    Scale factors scatter around 1, so that they change weights as they do in the release but no expectation.
    """
    scalars = {
        "runNumber": 1,
        "channelNumber": weighting.dsid,
        "mcWeight": 1.0,
        "XSection": weighting.cross_section_pb,
        "SumWeights": weighting.sum_of_weights,
        "scaleFactor_PILEUP": np.clip(rng.normal(1.0, 0.25, len(events)), 0.1, 1.9),
        "scaleFactor_ELE": _draw_factor(rng, ak.sum(events.lep["type"] == 11, axis=1), 0.012),
        "scaleFactor_MUON": _draw_factor(rng, ak.sum(events.lep["type"] == 13, axis=1), 0.006),
        "scaleFactor_PHOTON": _draw_factor(rng, ak.num(events.photon), 0.010),
        "scaleFactor_TAU": 1.0,
        "scaleFactor_BTAG": _draw_factor(rng, ak.num(events.jet), 0.010),
        "scaleFactor_LepTRIGGER": _draw_factor(rng, ak.num(events.lep) > 0, 0.010),
        "scaleFactor_PhotonTRIGGER": _draw_factor(rng, ak.num(events.photon) > 0, 0.005),
    }
    return _fill(events, scalars, truth=True)


def build_pseudo_data(events: ak.Array, period: str) -> dict[str, ak.Array]:
    """The branches of a period of pseudo-data: nothing that only a simulation knows, as in the real files."""
    number = 1 + sorted(LUMINOSITY_FB).index(period)
    scalars: dict[str, Any] = {"runNumber": number, "channelNumber": number, "XSection": 1.0, "SumWeights": 1.0}
    return _fill(events, scalars, truth=False)


def _draw_factor(rng: Generator, count: Any, spread: float) -> Any:
    objects = ak.to_numpy(count).astype(float)
    return np.exp(rng.normal(0.0, 1.0, len(objects)) * spread * np.sqrt(objects))


def _fill(events: ak.Array, scalars: dict[str, Any], *, truth: bool) -> dict[str, ak.Array]:
    own = {name: events[name] for name in ("met_et", "met_phi", "trigE", "trigM", "trigP")}
    own |= {f"{name}_n": ak.num(events[name]) for name in ("lep", "jet", "photon")}
    own |= {"eventNumber": np.arange(1, len(events) + 1)} | scalars
    return {branch.name: _column(branch, events, own, truth=truth) for branch in BRANCHES}


def _column(branch: Branch, events: ak.Array, own: dict[str, Any], *, truth: bool) -> ak.Array:
    values: Any = _vector(branch, events, truth=truth) if branch.vector else own.get(branch.name, 0)
    if not branch.vector and np.ndim(values) == 0:
        values = np.full(len(events), values)
    values = ak.values_astype(ak.Array(values), NUMPY_TYPES[branch.kind])
    if branch.kind != "float" or branch.name in _EXACT:
        return values
    return _keep_bits(values, _BITS.get(branch.name, _BITS.get(branch.name.rpartition("_")[2], _BITS_ELSEWHERE)))


def _vector(branch: Branch, events: ak.Array, *, truth: bool) -> ak.Array:
    for prefix, objects in _COLLECTION_OF_PREFIX.items():
        name = branch.name.removeprefix(prefix)
        if name == branch.name:
            continue
        if name == "pt_syst":
            return 0.0 * events[objects].pt
        if name not in _TRUTH_ONLY or (truth and name in events[objects].fields):
            return events[objects][name]
    return ak.unflatten(np.zeros(0), np.zeros(len(events), dtype=np.int64))


def _keep_bits(values: ak.Array, bits: int) -> ak.Array:
    """Round the mantissas of floats to `bits` bits."""

    def round_leaves(array: Any) -> Any:
        drop = np.uint32(23 - bits)
        raw = np.ascontiguousarray(array, dtype=np.float32).view(np.uint32)
        half = np.uint32(1) << (drop - np.uint32(1))
        return (((raw + half) >> drop) << drop).view(np.float32)

    flat = round_leaves(ak.to_numpy(ak.flatten(values, axis=None)))
    return ak.Array(flat) if values.ndim == 1 else ak.unflatten(flat, ak.num(values))
