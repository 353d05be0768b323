from __future__ import annotations

import awkward as ak
import numpy as np
import pytest

from lumihub.analysis.weights import event_weights, scale_to_luminosity


def test_scale_is_cross_section_times_luminosity_over_efficiency_and_sum_of_weights() -> None:
    # 2 pb x 10 fb^-1 = 20,000 events expected from 40,000 units of weight that are half of all.
    assert scale_to_luminosity(2.0, 0.5, 40_000.0, 10.0) == pytest.approx(1.0)
    assert scale_to_luminosity(0.006, 1.0, 3.0e7) == pytest.approx(2.0e-7)


def test_weight_is_the_product_of_generator_weight_scale_factors_and_scale() -> None:
    events = ak.Array({"mcWeight": np.array([2.0, -1.0], "f4"), "one": [0.5, 0.5], "two": [1.1, 2.0], "unused": [9, 9]})
    assert event_weights(events, ("one", "two"), 10.0) == pytest.approx([11.0, -10.0])
