"""Z -> 4l from Z -> ll: momenta add up, leptons are massless, the second pair is light."""

from __future__ import annotations

import numpy as np
import pytest

from lumihub.data.simulated.splitting import LOWEST_PAIR_MASS, draw_four_leptons


def mass(momentum: np.ndarray) -> float:
    return float(np.sqrt(max(momentum[0] ** 2 - np.sum(momentum[1:] ** 2), 0.0)))


@pytest.mark.parametrize("seed", range(20))
def test_four_momenta_add_up_to_the_z(seed: int) -> None:
    rng = np.random.default_rng(seed)
    z = np.array([np.sqrt(91.19**2 + 30.0**2 + 10.0**2 + 200.0**2), 30.0, -10.0, 200.0])
    leptons = draw_four_leptons(rng, z)
    assert np.sum(leptons, axis=0) == pytest.approx(z, rel=1e-9)
    assert [mass(lepton) for lepton in leptons] == pytest.approx([0.0] * 4, abs=1e-3)
    assert LOWEST_PAIR_MASS <= mass(leptons[2] + leptons[3]) < 91.19


def test_light_pairs_are_the_rule() -> None:
    rng = np.random.default_rng(1)
    z = np.array([91.19, 0.0, 0.0, 0.0])
    pairs = [mass(leptons[2] + leptons[3]) for leptons in (draw_four_leptons(rng, z) for _ in range(500))]
    assert np.median(pairs) < 20.0
