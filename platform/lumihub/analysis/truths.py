"""Right answers that depend on the data at hand, by the name under which a question asks for them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from lumihub.analysis.higgs_decays import four_lepton_fraction
from lumihub.analysis.windows import count_window

if TYPE_CHECKING:
    from collections.abc import Callable

    from lumihub.analysis.result import Result


def _count_near_125(result: Result) -> float:
    return count_window(result, "m4l", 117.5, 132.5).observed


def _count_bin_at_125(result: Result) -> float:
    together = result.summed("myy", result.data_samples)
    return float(together.values()[together.axes[0].index(125)])


def _after_cut(result: Result, cut: str) -> float:
    return sum(result.cutflow.count(sample, cut).events_out for sample in result.data_samples)


def _percent_of_data_left(result: Result) -> float:
    lines = [result.cutflow[sample] for sample in result.data_samples]
    before = sum(each[0].events_in for each in lines)
    return 100 * sum(each[-1].events_out for each in lines) / before if before else math.nan


def _kind_of_data(label: str) -> str:
    return "simulated" if "simulated" in label else "real"


TRUTHS: dict[str, Callable[[Any], float | str]] = {
    "four_leptons_in_a_million": lambda _: 1e6 * four_lepton_fraction(),
    "kind_of_data": _kind_of_data,
    "data_after_charge_and_flavour": lambda result: _after_cut(result, "charge-and-flavour"),
    "data_near_125": _count_near_125,
    "error_near_125": lambda result: math.sqrt(_count_near_125(result)),
    "percent_of_data_left": _percent_of_data_left,
    "error_of_bin_at_125": lambda result: math.sqrt(_count_bin_at_125(result)),
}
"""Each gets what the lesson handed to `question`: a result, or the label of the data."""

NEEDS_NOTHING = frozenset({"four_leptons_in_a_million"})
"""Truths that come from published numbers alone."""
