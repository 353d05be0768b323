from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np
import pytest

from lumihub.analysis.analyses import higgs_gamgam
from lumihub.analysis.counting import count_events

GOOD = {
    "photon_pt": [70e3, 55e3],
    "photon_eta": [0.2, -0.3],
    "photon_phi": [0.0, 3.1],
    "photon_isTightID": [True, True],
    "photon_ptcone30": [0.0, 0.0],
    "photon_etcone20": [0.0, 0.0],
    "photon_convType": [0, 0],
}


def event(**changes: Any) -> dict[str, Any]:
    return {"trigP": True, **GOOD, **changes}


def kept(*events: dict[str, Any]) -> list[int]:
    return count_events(higgs_gamgam.ANALYSIS, ak.Array(list(events)), None).cuts[:, 0].astype(int).tolist()


def test_a_good_pair_passes_every_cut() -> None:
    assert kept(event()) == [1] * 6


@pytest.mark.parametrize(
    ("changed", "cut"),
    [
        (event(trigP=False), "trigger"),
        (event(photon_isTightID=[True, False]), "good-photons"),
        (event(photon_pt=[70e3, 24e3]), "good-photons"),
        (event(photon_eta=[2.38, 0.1]), "good-photons"),
        (event(photon_eta=[0.2, 1.4]), "good-photons"),
        (event(photon_ptcone30=[0.0, 0.066 * 55e3]), "isolation"),
        (event(photon_etcone20=[0.066 * 70e3, 0.0]), "isolation"),
        (event(photon_pt=[120e3, 30e3]), "relative-momenta"),
        (event(photon_pt=[40e3, 35e3]), "mass-window"),
        (event(photon_pt=[90e3, 85e3]), "mass-window"),
    ],
)
def test_each_cut_drops_what_it_is_for(changed: dict[str, Any], cut: str) -> None:
    names = [each.name for each in higgs_gamgam.ANALYSIS.cuts]
    assert kept(changed) == [1] + [int(place < names.index(cut)) for place in range(len(names))]


def test_a_third_photon_that_is_not_good_does_no_harm_and_a_good_one_does() -> None:
    third = {name: [*values, values[1]] for name, values in GOOD.items()}
    assert kept(event(**third)) == [1, 1, 0, 0, 0, 0]
    third["photon_isTightID"][2] = False
    assert kept(event(**third)) == [1] * 6


def test_the_mass_fills_the_histograms_and_the_central_one_with_unconverted_pairs_alone() -> None:
    events = ak.Array([event(), event(photon_convType=[0, 3]), event(photon_eta=[0.2, -1.0])])
    filled = count_events(higgs_gamgam.ANALYSIS, events, None).histograms
    assert filled["myy"].sum().value == 3
    assert filled["myy_central"].sum().value == 1
    pt, eta, phi = GOOD["photon_pt"], GOOD["photon_eta"], GOOD["photon_phi"]
    mass = np.sqrt(2 * pt[0] * pt[1] * (np.cosh(eta[0] - eta[1]) - np.cos(phi[0] - phi[1]))) / 1000
    assert filled["myy_central"].values()[filled["myy_central"].axes[0].index(mass)] == 1
