"""Event weights: what makes simulated events comparable to the recorded ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import awkward as ak
    import numpy.typing as npt

PICOBARN_PER_FEMTOBARN = 1000.0


def scale_to_luminosity(
    cross_section_pb: float, efficiency: float, sum_of_weights: float, luminosity_fb: float = 1.0
) -> float:
    """Recorded events that one unit of generator weight stands for: sigma L / (efficiency x sum of weights).

    The formula of the release's notebooks, where the efficiency is the share of the generated events that the sum of
    weights covers.

    Args:
        cross_section_pb: of the process, in pb.
        efficiency: as above; 1 for most samples.
        sum_of_weights: of all generated events.
        luminosity_fb: in fb^-1.
    """
    return cross_section_pb * PICOBARN_PER_FEMTOBARN * luminosity_fb / (efficiency * sum_of_weights)


def event_weights(events: ak.Array, scale_factors: Sequence[str], scale: float) -> npt.NDArray[np.float64]:
    """mcWeight x scale factors x `scale`, for each event.

    Args:
        events: with `mcWeight` and the branches named in `scale_factors`.
        scale_factors: branches that correct the simulation for trigger, identification, pile-up...
        scale: as from `scale_to_luminosity`.
    """
    weights: npt.NDArray[np.float64] = np.asarray(events.mcWeight, dtype=np.float64) * scale
    for name in scale_factors:
        weights *= np.asarray(events[name])
    return weights
