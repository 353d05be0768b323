"""Z -> 4l from Z -> ll: a lepton radiates a virtual photon, which becomes a second pair of leptons.

Pythia's pairs of bosons lack this diagram, which gives the real four-lepton spectrum its peak at the Z mass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    Momentum = NDArray[np.float64]  # (E, px, py, pz) in GeV

LOWEST_PAIR_MASS = 4.0


def draw_four_leptons(rng: Generator, z: Momentum) -> tuple[Momentum, Momentum, Momentum, Momentum]:
    """Four massless momenta that add up to `z`: the two leptons of the Z, then the two of the photon.

    The photon's mass follows dm/m above 4 GeV, the three-body kinematics the matrix element of photon radiation from
    a lepton pair, (s1^2 + s2^2 + 2 s s12) / (s1 s2); the photon decays isotropically.
    """
    mass = float(np.sqrt(max(z[0] ** 2 - np.sum(z[1:] ** 2), 4 * LOWEST_PAIR_MASS**2)))
    pair, s1, s2 = _draw_dalitz(rng, mass)
    energy1, energy2 = (mass**2 - s2) / (2 * mass), (mass**2 - s1) / (2 * mass)
    s12 = mass**2 + pair**2 - s1 - s2
    cosine = np.clip(1 - s12 / (2 * energy1 * energy2), -1.0, 1.0)
    along, across = _draw_axes(rng)
    first = energy1 * np.array([1.0, *along])
    second = energy2 * np.array([1.0, *(cosine * along + np.sqrt(1 - cosine**2) * across)])
    photon = np.array([mass, 0.0, 0.0, 0.0]) - first - second
    axis, _ = _draw_axes(rng)
    third = _boost(pair / 2 * np.array([1.0, *axis]), photon)
    fourth = photon - third
    return _boost(first, z), _boost(second, z), _boost(third, z), _boost(fourth, z)


def _draw_dalitz(rng: Generator, mass: float) -> tuple[float, float, float]:
    """Mass of the photon and the squared masses of it with either lepton, by acceptance and rejection."""
    s = mass**2
    while True:
        pair = LOWEST_PAIR_MASS * (0.6 * mass / LOWEST_PAIR_MASS) ** rng.random()
        s1, s2 = pair**2 * (s / pair**2) ** rng.random(2)
        s12 = s + pair**2 - s1 - s2
        inside = s12 > 0 and s1 * s2 > pair**2 * s
        if inside and rng.random() * 2 * s**2 < s1**2 + s2**2 + 2 * s * s12:
            return pair, float(s1), float(s2)


def _draw_axes(rng: Generator) -> tuple[Momentum, Momentum]:
    """A random direction and one at right angles to it."""
    along = rng.standard_normal(3)
    along /= np.linalg.norm(along)
    across = np.cross(along, rng.standard_normal(3))
    return along, across / np.linalg.norm(across)


def _boost(momentum: Momentum, frame: Momentum) -> Momentum:
    """`momentum`, given in the rest frame of `frame`, as seen where `frame` has its momentum."""
    mass = np.sqrt(max(frame[0] ** 2 - np.sum(frame[1:] ** 2), 1e-12))
    beta = frame[1:] / frame[0]
    gamma = frame[0] / mass
    projection = float(beta @ momentum[1:])
    factor = gamma**2 / (gamma + 1) * projection + gamma * momentum[0]
    return np.array([gamma * (momentum[0] + projection), *(momentum[1:] + factor * beta)])
