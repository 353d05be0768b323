"""A peak over a smooth background, fitted to a histogram."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import curve_fit

from lumihub.errors import InputError

if TYPE_CHECKING:
    import hist
    import numpy.typing as npt

    Numbers = npt.NDArray[np.float64]

HIGGS_MASS = 125.0
DIPHOTON_WIDTH = 2.39
"""GeV; the resolution that the release's notebook finds for two photons."""


@dataclass(frozen=True, slots=True)
class PeakFit:
    """A Gaussian over a polynomial of third order.

    Attributes:
        signal: events in the whole peak.
        signal_error: its statistical error.
        mass: of the peak, GeV.
        mass_error: 0 where the mass was held fixed.
        width: standard deviation of the peak, GeV.
        width_error: 0 where the width was held fixed.
        chi2: of the fit.
        degrees_of_freedom: bins less free parameters.
        bin_width: GeV.
        background: coefficients of the polynomial in (m - centre) / half range, in events per bin, constant first.
        centre: GeV.
        half_range: GeV.
    """

    signal: float
    signal_error: float
    mass: float
    mass_error: float
    width: float
    width_error: float
    chi2: float
    degrees_of_freedom: int
    bin_width: float
    background: tuple[float, ...]
    centre: float
    half_range: float

    def background_at(self, mass: Any) -> Any:
        """Events per bin of the background alone, at masses in GeV."""
        return _polynomial((np.asarray(mass) - self.centre) / self.half_range, self.background)

    def signal_at(self, mass: Any) -> Any:
        """Events per bin of the peak alone, at masses in GeV."""
        return _gauss(np.asarray(mass), self.signal * self.bin_width, self.mass, self.width)

    def __str__(self) -> str:
        mass = f"{self.mass:.2f} ± {self.mass_error:.2f}" if self.mass_error else f"{self.mass:.1f} (fixed)"
        width = f"{self.width:.2f} ± {self.width_error:.2f}" if self.width_error else f"{self.width:.2f} (fixed)"
        return (
            f"{self.signal:.0f} ± {self.signal_error:.0f} events in a peak at {mass} GeV of width {width} GeV;"
            f" χ² {self.chi2:.1f} for {self.degrees_of_freedom} degrees of freedom"
        )


def fit_peak(
    histogram: hist.Hist[Any],
    mass: float = HIGGS_MASS,
    width: float = DIPHOTON_WIDTH,
    *,
    fix_mass: bool = True,
    fix_width: bool = True,
) -> PeakFit:
    """Fit a polynomial of third order and a Gaussian to one histogram, bin by bin, by least squares.

    Args:
        histogram: of one axis, or with the axis `dataset` too, whose samples are then added up.
        mass: of the peak, or where the search for it begins, GeV.
        width: of the peak, or where the search for it begins, GeV.
        fix_mass: hold the mass.
        fix_width: hold the width.

    Raises:
        InputError: fewer filled bins than parameters, or no minimum is found.
    """
    summed: Any = histogram.project(histogram.ndim - 1)
    axis = summed.axes[0]
    values, variances = (np.asarray(part, dtype=np.float64) for part in (summed.values(), summed.variances()))
    used = variances > 0
    free = 5 + (not fix_mass) + (not fix_width)
    if used.sum() <= free:
        raise InputError(
            f"the fit has {free} free parameters and only {int(used.sum())} bins with events",
            fix="fit a histogram with more events, or with more bins",
        )
    centres, bin_width = axis.centers, float(axis.widths[0])
    centre, half_range = float(centres.mean()), float(axis.edges[-1] - axis.edges[0]) / 2

    def model(x: Numbers, *numbers: float) -> Any:
        rest = iter(numbers[5:])
        at = mass if fix_mass else next(rest)
        sigma = width if fix_width else next(rest)
        return _polynomial((x - centre) / half_range, numbers[:4]) + _gauss(x, numbers[4] * bin_width, at, sigma)

    start = [*_start_background((centres[used] - centre) / half_range, values[used], variances[used]), 0.0]
    start += [] if fix_mass else [mass]
    start += [] if fix_width else [width]
    try:
        best, covariance = curve_fit(
            model, centres[used], values[used], start, np.sqrt(variances[used]), absolute_sigma=True, maxfev=20_000
        )
    except RuntimeError as error:
        raise InputError("the fit finds no minimum", fix="hold the mass and the width fixed") from error
    errors = np.sqrt(np.diag(covariance))
    rest = iter(zip(best[5:], errors[5:], strict=True))
    found_mass, mass_error = (mass, 0.0) if fix_mass else next(rest)
    found_width, width_error = (width, 0.0) if fix_width else next(rest)
    pulls = (values[used] - model(centres[used], *best)) / np.sqrt(variances[used])
    return PeakFit(
        signal=float(best[4]),
        signal_error=float(errors[4]),
        mass=float(found_mass),
        mass_error=float(mass_error),
        width=abs(float(found_width)),
        width_error=float(width_error),
        chi2=float(pulls @ pulls),
        degrees_of_freedom=int(used.sum()) - free,
        bin_width=bin_width,
        background=tuple(float(number) for number in best[:4]),
        centre=centre,
        half_range=half_range,
    )


def _start_background(x: Numbers, values: Numbers, variances: Numbers) -> list[float]:
    return [float(number) for number in np.polynomial.polynomial.polyfit(x, values, 3, w=1 / np.sqrt(variances))]


def _polynomial(x: Any, coefficients: Any) -> Any:
    return np.polynomial.polynomial.polyval(x, coefficients)


def _gauss(x: Any, area: float, mean: float, width: float) -> Any:
    return area * np.exp(-(((x - mean) / width) ** 2) / 2) / (abs(width) * np.sqrt(2 * np.pi))
