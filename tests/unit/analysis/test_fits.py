from __future__ import annotations

from typing import Any

import hist
import numpy as np
import pytest

from lumihub.analysis.fits import fit_peak
from lumihub.errors import InputError


def histogram(signal: float, seed: int | None = None, mass: float = 125.0) -> hist.Hist[Any]:
    """A falling background and a Gaussian of `signal` events; smeared as counts are when a seed is given."""
    filled: hist.Hist[Any] = hist.Hist(hist.axis.Regular(30, 105, 160, name="m"), storage=hist.storage.Weight())
    centres, width = filled.axes[0].centers, filled.axes[0].widths[0]
    x = (centres - 132.5) / 27.5
    expected = 2500 - 1900 * x + 700 * x**2 - 200 * x**3
    expected = expected + signal * width * np.exp(-(((centres - mass) / 2.39) ** 2) / 2) / (2.39 * np.sqrt(2 * np.pi))
    counts = expected if seed is None else np.random.default_rng(seed).poisson(expected)
    view: Any = filled.view()
    view["value"], view["variance"] = counts, counts
    return filled


def test_an_exact_shape_gives_back_what_it_was_made_of() -> None:
    fit = fit_peak(histogram(400.0))
    assert fit.signal == pytest.approx(400.0, abs=0.1)
    assert fit.chi2 == pytest.approx(0.0, abs=1e-6)
    assert fit.degrees_of_freedom == 25
    assert fit.background_at(132.5) == pytest.approx(2500, abs=0.1)


def test_errors_cover_the_truth_as_often_as_they_should() -> None:
    fits = [fit_peak(histogram(600.0, seed)) for seed in range(200)]
    pulls = np.array([(fit.signal - 600) / fit.signal_error for fit in fits])
    assert abs(pulls.mean()) < 0.25
    assert 0.8 < pulls.std() < 1.2


def test_a_free_mass_is_found() -> None:
    fit = fit_peak(histogram(4000.0, 3, mass=126.5), fix_mass=False)
    assert abs(fit.mass - 126.5) < 3 * fit.mass_error < 1.0
    assert "± 0." in str(fit)


def test_an_empty_histogram_is_refused() -> None:
    empty: hist.Hist[Any] = hist.Hist(hist.axis.Regular(30, 105, 160, name="m"), storage=hist.storage.Weight())
    with pytest.raises(InputError) as caught:
        fit_peak(empty)
    assert str(caught.value) == (
        "error: the fit has 5 free parameters and only 0 bins with events\n"
        "  fix: fit a histogram with more events, or with more bins"
    )
