from __future__ import annotations

import awkward as ak
import numpy as np
import pytest

from lumihub.analysis import kinematics


def test_two_back_to_back_particles_weigh_twice_their_energy() -> None:
    mass = kinematics.invariant_mass(
        ak.Array([[45_000.0, 45_000.0], [10_000.0]]),
        ak.Array([[0.0, 0.0], [1.0]]),
        ak.Array([[0.0, np.pi], [0.0]]),
        ak.Array([[45_000.0, 45_000.0], [10_000.0 * np.cosh(1.0)]]),
    )
    assert mass.tolist() == pytest.approx([90.0, 0.0], abs=1e-3)


def test_one_event_alone_has_a_mass_too() -> None:
    pt, eta, phi = ak.Array([30_000.0, 30_000.0]), ak.Array([0.5, 0.5]), ak.Array([0.0, np.pi])
    assert kinematics.invariant_mass(pt, eta, phi, pt * np.cosh(0.5)) == pytest.approx(60.0, rel=1e-6)


def test_photon_pairs_agree_with_their_four_momenta() -> None:
    pt, eta, phi = np.array([[60e3], [40e3]]), np.array([[0.3], [-1.1]]), np.array([[0.2], [2.9]])
    momenta = kinematics.four_momenta(pt, eta, phi, pt * np.cosh(eta))
    expected = kinematics.mass_of(*(part.sum(axis=0) for part in momenta))
    assert kinematics.photon_pair_mass(pt, eta, phi) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", ["sinh", "cosh"])
def test_hyperbolic_functions_on_32_bits_agree_with_numpy(name: str) -> None:
    eta = np.linspace(-5, 5, 1001, dtype="f4")
    exact = getattr(np, name)(eta.astype("f8"))
    assert np.abs(getattr(kinematics, name)(eta) - exact).max() < 3e-7 * np.cosh(5)


def test_rounding_below_zero_is_a_mass_of_zero() -> None:
    assert kinematics.mass_of(1.0, 0.0, 0.0, 0.999) == 0.0
