"""The parametrised detector against the public numbers that it was made from."""

from __future__ import annotations

import numpy as np
import pytest

from lumihub.data.simulated import detector

COUNT = 40_000


def test_photon_resolution_at_higgs_energies_is_between_one_and_two_per_cent() -> None:
    resolution = detector.electromagnetic_resolution(np.array([62.5, 62.5]), np.array([0.5, 2.0]))
    assert 0.010 < resolution[0] < resolution[1] < 0.028


def test_electromagnetic_resolution_improves_with_energy() -> None:
    energies = np.array([10.0, 30.0, 100.0, 500.0])
    assert np.all(np.diff(detector.electromagnetic_resolution(energies, np.zeros(4))) < 0)


def test_muon_resolution_worsens_at_high_momentum_and_forward() -> None:
    central = detector.muon_resolution(np.array([20.0, 1000.0]), np.array([0.0, 0.0]))
    forward = detector.muon_resolution(np.array([20.0]), np.array([2.0]))
    assert central[0] == pytest.approx(0.016, abs=0.001)
    assert central[1] > 0.1
    assert forward[0] > central[0]


@pytest.mark.parametrize(
    "efficiency", [detector.electron_efficiency, detector.muon_efficiency, detector.photon_efficiency]
)
def test_efficiencies_are_probabilities_and_rise_with_momentum(efficiency) -> None:
    values = efficiency(np.array([25.0, 40.0, 80.0, 200.0]), np.full(4, 0.5))
    assert np.all((values >= 0) & (values <= 1))
    assert np.all(np.diff(values) > 0)


def test_the_crack_of_the_calorimeter_is_all_but_blind_to_photons() -> None:
    inside, outside = detector.photon_efficiency(np.array([50.0, 50.0]), np.array([1.45, 1.0]))
    assert inside < 0.1 < outside


def test_single_lepton_triggers_need_27_gev() -> None:
    pt = np.array([26.9, 27.1])
    assert detector.single_electron_trigger(pt, np.array([True, True])).tolist() == [0.0, 0.96]
    assert detector.single_muon_trigger(pt, np.array([0.1, 0.1])).tolist() == [0.0, 0.70]


def test_smearing_has_the_asked_width_and_no_bias() -> None:
    rng = np.random.default_rng(1)
    smeared = detector.draw_smeared(rng, np.full(COUNT, 50.0), np.full(COUNT, 0.02))
    assert smeared.mean() == pytest.approx(50.0, rel=1e-3)
    assert smeared.std() == pytest.approx(1.0, rel=0.03)


def test_fakes_come_from_further_away_and_are_less_isolated_than_prompt_leptons() -> None:
    rng = np.random.default_rng(2)
    pt = np.full(COUNT, 12.0)
    shares = {}
    for fake in (False, True):
        flags = np.full(COUNT, fake)
        d0, significance, z0 = detector.draw_impact(rng, pt, flags)
        ptcone, _ = detector.draw_isolation(rng, pt, flags)
        assert np.all(significance >= 0)
        assert np.all(np.abs(d0) > 0)
        shares[fake] = [np.mean(significance > 5), np.mean(np.abs(z0) > 1), np.mean(ptcone / pt > 0.3)]
    assert np.all(np.array(shares[True]) > 3 * np.array(shares[False]))


def test_photon_isolation_stays_below_what_loose_isolation_admits() -> None:
    rng = np.random.default_rng(3)
    pt = np.full(COUNT, 40.0)
    ptcone, etcone = detector.draw_photon_isolation(rng, pt, np.full(COUNT, True))
    assert ptcone.max() <= 4.0
    assert etcone.max() <= 4.0


def test_forward_photons_convert_more_often() -> None:
    rng = np.random.default_rng(4)
    central = np.mean(detector.draw_conversion(rng, np.full(COUNT, 0.2)) > 0)
    forward = np.mean(detector.draw_conversion(rng, np.full(COUNT, 2.0)) > 0)
    assert central == pytest.approx(0.23, abs=0.02)
    assert forward == pytest.approx(0.50, abs=0.02)


@pytest.mark.parametrize(("flavour", "low", "high"), [(5, 0.60, 0.80), (4, 0.03, 0.15), (0, 0.0, 0.01)])
def test_the_70_percent_working_point_of_the_b_tag(flavour: int, low: float, high: float) -> None:
    score = detector.draw_btag(np.random.default_rng(5), np.full(COUNT, flavour))
    assert np.all((score >= -1) & (score <= 1))
    assert low <= np.mean(score > 0.8244273) <= high


def test_jets_of_the_hard_collision_mostly_pass_the_vertex_cut() -> None:
    assert np.mean(detector.draw_jvt(np.random.default_rng(6), COUNT) > 0.59) > 0.95
