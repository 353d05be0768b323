"""From what leaves the collision to what the detector reports: the objects of an event as the release stores them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from lumihub.data.simulated import detector

if TYPE_CHECKING:
    from numpy.random import Generator

    from lumihub.data.simulated.processes import Process

_GEV = 1000.0
_MASSES = {11: 0.000511, 13: 0.10566}
_FAKE_FLAVOURS = (11, 13)
_VERTEX_SPREAD = 15.0  # mm: how well the two photons' directions find their vertex (PRD 98 (2018) 052005)
_CALORIMETER_RADIUS = 1500.0  # mm
_SOFT_NOISE = 11.0  # GeV in each direction: what pile-up adds to the missing momentum


def reconstruct(process: Process, truth: ak.Array, rng: Generator) -> ak.Array:
    """The events that the collection of `process` would hold.

    Args:
        process: where the events come from.
        truth: from `generate_truth`.
        rng: draws resolutions, efficiencies and fakes.

    Returns:
        One record an event with `lep`, `jet` and `photon` (lists of records whose fields are the branches without
        their prefix), `met_et`, `met_phi`, `trigE`, `trigM`, `trigP`; MeV.
    """
    leptons = _measure_leptons(truth.leptons, rng)
    if process.fake_leptons:
        leptons = ak.concatenate([leptons, _draw_fake_leptons(len(truth), process.fake_leptons, rng)], axis=1)
    leptons = _by_pt(leptons)
    jets, photons = truth.jets, truth.photons
    if process.fake_photon:
        photons, jets = _turn_jet_into_photon(photons, jets, rng)
    photons = _measure_photons(photons, rng, faked=process.fake_photon)
    blockers = ak.concatenate([_directions(leptons), _directions(photons)], axis=1)
    events = ak.zip(
        {
            "lep": leptons,
            "photon": photons,
            "jet": _measure_jets(_apart_from(jets, blockers), rng),
            **_measure_missing(truth, rng),
            "trigE": ak.any(leptons.trigMatched & (leptons["type"] == 11), axis=1),
            "trigM": ak.any(leptons.trigMatched & (leptons["type"] == 13), axis=1),
            "trigP": _diphoton_trigger(photons),
        },
        depth_limit=1,
    )
    return events[_is_in_collection(process.collection, events)]


def diphoton_mass(photons: ak.Array) -> Any:
    """Mass in MeV of the two leading photons of each event."""
    first, second = photons[:, 0], photons[:, 1]
    return np.sqrt(2 * first.pt * second.pt * (np.cosh(first.eta - second.eta) - np.cos(first.phi - second.phi)))


def _is_in_collection(collection: str, events: ak.Array) -> Any:
    if collection == "4lep":
        leading = ak.fill_none(ak.firsts(events.lep.pt), 0.0)
        return (ak.num(events.lep) >= 4) & (leading > 25 * _GEV) & (events.trigE | events.trigM)
    enough = ak.num(events.photon) >= 2
    pair = ak.pad_none(events.photon, 2)
    mass = diphoton_mass(pair)
    # Narrower than ATLAS's own collection, so that ten inverse femtobarn fit into a few megabytes: around the
    # lesson's window and a little below its cuts on pT/m, which still have something to reject.
    near = (mass > 104.5 * _GEV) & (mass < 160.5 * _GEV)
    hard = (pair[:, 0].pt > 35 * _GEV) & (pair[:, 0].pt > 0.343 * mass) & (pair[:, 1].pt > 0.243 * mass)
    return ak.fill_none(enough & near & hard & events.trigP, value=False)


def _flatten(objects: ak.Array, *names: str) -> list[Any]:
    return [ak.to_numpy(ak.flatten(objects[name])) for name in names]


def _by_pt(objects: ak.Array) -> ak.Array:
    return objects[ak.argsort(objects.pt, axis=1, ascending=False)]


def _measure_leptons(leptons: ak.Array, rng: Generator) -> ak.Array:
    pt, eta, phi, identity = _flatten(leptons, "pt", "eta", "phi", "id")
    electron = np.abs(identity) == 11
    relative = np.where(
        electron, detector.electromagnetic_resolution(pt * np.cosh(eta), eta), detector.muon_resolution(pt, eta)
    )
    measured = detector.draw_smeared(rng, pt, relative)
    seen = np.where(electron, detector.electron_efficiency(pt, eta), detector.muon_efficiency(pt, eta))
    records = _complete_leptons(rng, measured, eta, phi, np.abs(identity).astype(int), -np.sign(identity), fake=False)
    found = (rng.random(len(pt)) < seen) & (measured > 7.0) & (np.abs(eta) < np.where(electron, 2.47, 2.7))
    counts = ak.num(leptons)
    return ak.unflatten(records, counts)[ak.unflatten(found, counts)]


def _draw_fake_leptons(events: int, number: int, rng: Generator) -> ak.Array:
    """Objects of jets taken for leptons: soft, as often electrons as muons, more often of opposite charge than not."""
    count = events * number
    pt = 7.0 + rng.exponential(5.5, count)
    eta = np.clip(rng.normal(0.0, 1.4, count), -2.45, 2.45)
    phi = rng.uniform(-np.pi, np.pi, count)
    flavour = rng.choice(_FAKE_FLAVOURS, (events, 1)).repeat(number, axis=1)
    other = rng.choice(_FAKE_FLAVOURS, (events, number))
    flavour = np.where(rng.random((events, 1)) < 0.05, flavour, other)
    charge = rng.choice([-1, 1], (events, 1)) * np.where(
        (np.arange(number) % 2 == 1) & (rng.random((events, number)) < 0.56), -1, 1
    )
    records = _complete_leptons(rng, pt, eta, phi, flavour.ravel(), charge.ravel(), fake=True)
    return ak.unflatten(records, number)


def _complete_leptons(
    rng: Generator, pt: Any, eta: Any, phi: Any, flavour: Any, charge: Any, *, fake: bool
) -> ak.Array:
    count = len(pt)
    fakes = np.full(count, fake)
    electron = flavour == 11
    quality = np.where(electron, detector.electron_tight_probability(pt), 0.90)
    tight = rng.random(count) < np.where(fakes, np.where(electron, 0.5, 0.76), quality)
    trigger = np.where(electron, detector.single_electron_trigger(pt, tight), detector.single_muon_trigger(pt, eta))
    d0, significance, z0 = detector.draw_impact(rng, pt, fakes)
    ptcone, etcone = detector.draw_isolation(rng, pt, fakes)
    mass = np.where(electron, _MASSES[11], _MASSES[13])
    fields = {
        "pt": pt * _GEV,
        "eta": eta,
        "phi": phi,
        "E": np.hypot(pt * np.cosh(eta), mass) * _GEV,
        "charge": charge.astype(int),
        "type": flavour,
        "isTightID": tight,
        "trigMatched": rng.random(count) < trigger,
        "truthMatched": ~fakes,
        "ptcone30": ptcone * _GEV,
        "etcone20": etcone * _GEV,
        "trackd0pvunbiased": d0,
        "tracksigd0pvunbiased": significance,
        "z0": z0,
    }
    return ak.Array(fields) if count else ak.zip(fields)


def _turn_jet_into_photon(photons: ak.Array, jets: ak.Array, rng: Generator) -> tuple[ak.Array, ak.Array]:
    """The hardest jet beside the photon is taken for one: a leading pion carries 70 to 100 % of it."""
    candidates = _by_pt(_apart_from(jets, photons))
    share = rng.uniform(0.70, 1.0, len(jets))
    hardest = candidates[:, :1]
    fake = ak.zip({"pt": hardest.pt * share, "eta": hardest.eta, "phi": hardest.phi})
    return ak.concatenate([photons[:, :1], fake], axis=1), candidates[:, 1:]


def _measure_photons(photons: ak.Array, rng: Generator, *, faked: bool) -> ak.Array:
    pt, eta, phi = _flatten(photons, "pt", "eta", "phi")
    counts = ak.num(photons)
    count = len(pt)
    shift = np.repeat(rng.normal(0.0, _VERTEX_SPREAD / _CALORIMETER_RADIUS, len(photons)), counts)
    pointed = eta + shift / np.cosh(eta)
    energy = detector.draw_smeared(rng, pt * np.cosh(eta), detector.electromagnetic_resolution(pt * np.cosh(eta), eta))
    measured = energy / np.cosh(pointed)
    fakes = ak.to_numpy(ak.flatten(ak.local_index(photons.pt))) == 1 if faked else np.zeros(count, dtype=bool)
    ptcone, etcone = detector.draw_photon_isolation(rng, measured, fakes)
    records = ak.zip(
        {
            "pt": measured * _GEV,
            "eta": pointed,
            "phi": phi,
            "E": energy * _GEV,
            "isTightID": rng.random(count) < np.where(fakes, 0.95, 0.99),
            "trigMatched": rng.random(count) < np.where(measured > 25.0, 0.985, 0.0),
            "truthMatched": ~fakes,
            "ptcone30": ptcone * _GEV,
            "etcone20": etcone * _GEV,
            "convType": detector.draw_conversion(rng, eta),
        }
    )
    found = (rng.random(count) < detector.photon_efficiency(pt, eta)) & (measured > 25.0) & (np.abs(eta) < 2.37)
    return _by_pt(ak.unflatten(records, counts)[ak.unflatten(found, counts)])


def _diphoton_trigger(photons: ak.Array) -> Any:
    """2016's diphoton trigger: 35 and 25 GeV, loose identification."""
    matched = photons[photons.trigMatched]
    return (ak.sum(matched.pt > 25 * _GEV, axis=1) >= 2) & ak.any(matched.pt > 35 * _GEV, axis=1)


def _directions(objects: ak.Array) -> ak.Array:
    return ak.zip({"eta": objects.eta, "phi": objects.phi})


def _apart_from(jets: ak.Array, others: ak.Array) -> ak.Array:
    """Jets further than 0.4 from each of the others: overlap removal."""
    jet, other = ak.unzip(ak.cartesian([jets, others], nested=True))
    separation = np.hypot(jet.eta - other.eta, (jet.phi - other.phi + np.pi) % (2 * np.pi) - np.pi)
    return jets[ak.all(separation > 0.4, axis=2)]


def _measure_jets(jets: ak.Array, rng: Generator) -> ak.Array:
    pt, eta, phi, mass, flavour = _flatten(jets, "pt", "eta", "phi", "mass", "flavour")
    measured = detector.draw_smeared(rng, pt, detector.jet_resolution(pt))
    records = ak.zip(
        {
            "pt": measured * _GEV,
            "eta": eta,
            "phi": (phi + np.pi) % (2 * np.pi) - np.pi,
            "E": measured * np.sqrt(np.cosh(eta) ** 2 + (mass / pt) ** 2) * _GEV,
            "jvt": detector.draw_jvt(rng, len(pt)),
            "trueflav": flavour.astype(int),
            "truthMatched": np.ones(len(pt), dtype=bool),
            "MV2c10": detector.draw_btag(rng, flavour.astype(int)),
        }
    )
    counts = ak.num(jets)
    return _by_pt(ak.unflatten(records, counts)[ak.unflatten((measured > 20.0) & (np.abs(eta) < 2.5), counts)])


def _measure_missing(truth: ak.Array, rng: Generator) -> dict[str, Any]:
    x = ak.to_numpy(truth.met_x) + rng.normal(0.0, _SOFT_NOISE, len(truth))
    y = ak.to_numpy(truth.met_y) + rng.normal(0.0, _SOFT_NOISE, len(truth))
    return {"met_et": np.hypot(x, y) * _GEV, "met_phi": np.arctan2(y, x)}
