"""Events in a range of masses: how many were observed, how many expected, and how surprising the difference is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lumihub.analysis.result import Result


@dataclass(frozen=True, slots=True)
class Window:
    """Events between two masses.

    Attributes:
        low: GeV.
        high: GeV.
        observed: events of the data.
        background: events expected from known processes; None where none of them was read.
        background_error: statistical error of `background`, from the number of simulated events.
        signal: events expected from what the analysis looks for; None where it was not read.
    """

    low: float
    high: float
    observed: float
    background: float | None
    background_error: float
    signal: float | None

    @property
    def significance(self) -> float | None:
        """By how many standard deviations `observed` is above `background`; None without a background.

        The formula for counting (G. Cowan et al., Eur. Phys. J. C 71 (2011) 1554), which holds for small numbers too;
        the background is taken as exactly known. 0 where there is no excess.
        """
        if not self.background:
            return None
        if self.observed <= self.background:
            return 0.0
        excess = self.observed - self.background
        return math.sqrt(2 * (self.observed * math.log(self.observed / self.background) - excess))

    def __str__(self) -> str:
        lines = [
            f"from {self.low:g} to {self.high:g} GeV",
            f"  observed: {self.observed:.0f} ± {math.sqrt(self.observed):.1f}",
        ]
        if self.background is None:
            return "\n".join([*lines, "  expected: not known, because no simulated background was read"])
        lines.append(f"  expected without a Higgs boson: {self.background:.1f} ± {self.background_error:.1f}")
        if self.signal is not None:
            lines.append(f"  expected from the Higgs boson: {self.signal:.1f}")
        return "\n".join([*lines, f"  the excess is {self.significance or 0:.1f} sigma"])


def count_window(result: Result, histogram: str, low: float, high: float) -> Window:
    """Count the events in the bins of a histogram whose centres lie between two masses.

    Args:
        result: as from `lumihub.analysis.run`.
        histogram: its name.
        low: GeV.
        high: GeV.

    Raises:
        InputError: the analysis has no such histogram.
    """
    signals = [name for process in result.processes if process.signal for name in process.samples]
    backgrounds = [name for process in result.processes if not process.signal for name in process.samples]
    observed, _ = _count(result, histogram, low, high, result.data_samples)
    background, error = _count(result, histogram, low, high, backgrounds)
    signal, _ = _count(result, histogram, low, high, signals)
    return Window(low, high, observed, background if backgrounds else None, error, signal if signals else None)


def _count(result: Result, histogram: str, low: float, high: float, samples: Sequence[str]) -> tuple[float, float]:
    if not samples:
        return 0.0, 0.0
    together = result.summed(histogram, samples)
    centers = np.asarray(together.axes[0].centers)
    inside = (centers > low) & (centers < high)
    return float(np.sum(together.values()[inside])), float(np.sqrt(np.sum(np.asarray(together.variances())[inside])))
