from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np
import pytest

from lumihub.analysis.analyses import higgs_4l
from lumihub.analysis.counting import count_events

GOOD = {
    "lep_pt": [50e3, 40e3, 30e3, 20e3],
    "lep_eta": [0.1, -0.2, 0.3, -0.4],
    "lep_phi": [0.0, 3.0, 1.0, -2.0],
    "lep_charge": [1, -1, 1, -1],
    "lep_type": [11, 11, 13, 13],
    "lep_ptcone30": [0.0] * 4,
    "lep_etcone20": [0.0] * 4,
    "lep_z0": [0.0] * 4,
    "lep_trackd0pvunbiased": [0.0] * 4,
    "lep_tracksigd0pvunbiased": [0.01] * 4,
}


def event(**changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"trigE": True, "trigM": False, **GOOD, **changes}
    made["lep_E"] = [pt * np.cosh(eta) for pt, eta in zip(made["lep_pt"], made["lep_eta"], strict=True)]
    return made


def kept(*events: dict[str, Any]) -> list[int]:
    return count_events(higgs_4l.ANALYSIS, ak.Array(list(events)), None).cuts[:, 0].astype(int).tolist()


def with_value(name: str, place: int, value: Any) -> dict[str, Any]:
    return event(**{name: [value if here == place else old for here, old in enumerate(GOOD[name])]})


def test_a_good_event_passes_every_cut() -> None:
    assert kept(event()) == [1] * 7


@pytest.mark.parametrize(
    ("changed", "cut"),
    [
        (event(lep_charge=[1, 1, 1, -1]), "charge"),
        (event(lep_type=[11, 11, 11, 13]), "charge-and-flavour"),
        (event(trigE=False), "trigger"),
        (with_value("lep_ptcone30", 0, 15.1e3), "good-leptons"),
        (with_value("lep_etcone20", 3, 6.1e3), "good-leptons"),
        (with_value("lep_z0", 0, 0.51), "good-leptons"),
        (with_value("lep_trackd0pvunbiased", 0, 0.051), "good-leptons"),
        (with_value("lep_trackd0pvunbiased", 2, -0.031), "good-leptons"),
        (with_value("lep_eta", 0, 2.48), "good-leptons"),
        (with_value("lep_eta", 2, 2.51), "good-leptons"),
        (event(lep_pt=[24e3, 20e3, 15e3, 10e3]), "momenta"),
        (event(lep_pt=[50e3, 14e3, 13e3, 12e3]), "momenta"),
        (event(lep_pt=[50e3, 40e3, 9.9e3, 9e3]), "momenta"),
        (event(lep_type=[11, 11, 13, 13], lep_charge=[1, 1, -1, -1]), "pairs"),
    ],
)
def test_each_cut_drops_what_it_is_for(changed: dict[str, Any], cut: str) -> None:
    names = [each.name for each in higgs_4l.ANALYSIS.cuts]
    expected = [1] + [int(place < names.index(cut)) for place in range(len(names))]
    assert kept(changed) == expected


@pytest.mark.parametrize(
    "changed",
    [
        with_value("lep_z0", 0, 0.49),
        with_value("lep_trackd0pvunbiased", 0, 0.049),
        with_value("lep_eta", 2, 2.49),
        with_value("lep_ptcone30", 0, 14.9e3),
        event(trigE=False, trigM=True),
        event(lep_type=[11] * 4),
        event(lep_type=[13] * 4),
    ],
)
def test_what_lies_just_inside_stays(changed: dict[str, Any]) -> None:
    assert kept(changed) == [1] * 7


def test_a_fifth_lepton_that_is_not_good_does_no_harm_and_a_good_one_does() -> None:
    names = [name for name in GOOD if name.startswith("lep_")]
    fifth = {name: [*GOOD[name], GOOD[name][3]] for name in names}
    assert kept(event(**fifth)) == [1, 1, 1, 1, 0, 0, 0]
    fifth["lep_ptcone30"][4] = 19e3
    assert kept(event(**fifth)) == [1] * 7


def test_events_with_fewer_leptons_are_dropped_without_a_fault() -> None:
    three = {name: values[:3] for name, values in GOOD.items()}
    assert kept(event(**three), event()) == [2, 1, 1, 1, 1, 1, 1]


def test_the_pair_nearest_to_the_z_boson_comes_first() -> None:
    ways = np.array([[[60.0], [95.0]], [[91.0], [30.0]], [[np.nan], [np.nan]]])
    first, second = higgs_4l.nearest_to_z(ways)
    assert (first.tolist(), second.tolist()) == ([91.0], [30.0])


def test_events_without_two_pairs_have_no_pair_masses() -> None:
    first, _ = higgs_4l.nearest_to_z(np.full((3, 2, 1), np.nan))
    assert np.isnan(first).all()


def test_masses_of_an_event_agree_with_vector() -> None:
    import vector

    vector.register_awkward()
    events = ak.Array([event()])
    leptons = ak.zip({name: events[f"lep_{name}"] for name in ("pt", "eta", "phi", "E")}, with_name="Momentum4D")
    four = (leptons[:, 0] + leptons[:, 1] + leptons[:, 2] + leptons[:, 3]).mass[0] / 1000
    electrons, muons = ((leptons[:, a] + leptons[:, b]).mass[0] / 1000 for a, b in ((0, 1), (2, 3)))
    taken = higgs_4l.add_masses(higgs_4l.keep_good_leptons(higgs_4l.mark_good_leptons(events), np.array([True])))
    assert taken.m4l[0] == pytest.approx(four, rel=1e-5)
    pairs = sorted((electrons, muons), key=lambda mass: abs(mass - 91.18))
    assert [taken.mZ1[0], taken.mZ2[0]] == pytest.approx(pairs, rel=1e-5)
    assert higgs_4l.leading_four_mass(events)[0] == pytest.approx(four, rel=1e-5)
