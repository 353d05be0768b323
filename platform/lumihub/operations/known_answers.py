"""What a lesson should find, known without asking the student's server.

Of the simulated sample everything is computed here once more; of the released data the published counts are known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lumihub.analysis.registry import load_analysis
from lumihub.analysis.running import run
from lumihub.analysis.truths import NEEDS_NOTHING, TRUTHS
from lumihub.data.access import DataAccess
from lumihub.data.catalogue import load_catalogue
from lumihub.errors import LumiHubError
from lumihub.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lumihub.analysis.questions import Question
    from lumihub.analysis.result import Result

# Events (read, kept) of the charge-and-flavour cuts: stored outputs of HZZAnalysis.ipynb in
# atlas-outreach-data-tools/notebooks-collection-opendata, tag 10fb-legacy.
PUBLISHED: dict[str, dict[str, tuple[int, int]]] = {
    "higgs-4l": {"data_A": (39, 27), "data_B": (156, 86), "data_C": (237, 146), "data_D": (400, 248)}
}
_PUBLISHED_CUT = "charge-and-flavour"
_PUBLISHED_TRUTH = "data_after_charge_and_flavour"
# Sums of weights may be added in another order there; counts may not differ at all.
_RELATIVE = 1e-9


@dataclass(frozen=True)
class Expectation:
    """What a lesson should find.

    Attributes:
        source: where the numbers are from, for people.
        label: of the data.
        events: events read and events left, by sample and cut.
        weighted: sums of weights left, by sample and cut, where they are known.
        result: the analysis done here, where it was.
    """

    source: str
    label: str
    events: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    weighted: dict[tuple[str, str], float] = field(default_factory=dict)
    result: Result | None = None


def find_expectation(release: str, analysis: str | None, samples: Iterable[str]) -> Expectation:
    """What is known about these samples.

    Args:
        release: the data that the student reads.
        analysis: that the lesson runs; None for a lesson without one.
        samples: that the lesson has read.

    Raises:
        LumiHubError: the lesson has read a sample that the simulated sample does not hold.
    """
    if release != "simulated":
        known = PUBLISHED.get(analysis or "", {}) if release == "2020" else {}
        counts = {(name, _PUBLISHED_CUT): known[name] for name in samples if name in known}
        return Expectation("the published numbers", load_catalogue("2020").label, counts)
    if analysis is None:
        return Expectation("the catalogue", load_catalogue("simulated").label)
    return _compute(analysis, list(samples))


def find_differences(expected: Expectation, found: Mapping[str, Any]) -> list[str]:
    """Where a lesson's result is not what it should be, one sentence each.

    Args:
        expected: what is known.
        found: `Result.as_json()` of the student's result.
    """
    differences = []
    if found["label"] != expected.label:
        differences.append(f"the label is {found['label']!r} and should be {expected.label!r}")
    lines = {(name, line["cut"]): line for name, sample in found["samples"].items() for line in sample["cuts"]}
    for (sample, cut), (read, kept) in expected.events.items():
        line = lines.get((sample, cut))
        if line is None:
            differences.append(f"{sample}: the cut {cut} is missing")
            continue
        first = found["samples"][sample]["cuts"][0]["events_in"]
        if (first, line["events_out"]) != (read, kept):
            differences.append(
                f"{sample}: {cut} keeps {line['events_out']:,} of {first:,} events and should keep {kept:,} of {read:,}"
            )
            continue
        weighted = expected.weighted.get((sample, cut))
        if weighted is not None and not math.isclose(line["weighted_out"], weighted, rel_tol=_RELATIVE, abs_tol=1e-12):
            differences.append(f"{sample}: the weights after {cut} add up to {line['weighted_out']} and not {weighted}")
    return differences


def find_answer(question: Question, expected: Expectation, samples: Iterable[str]) -> float | None:
    """What to answer, as the place of an option or as a number; None where nobody has published it."""
    truth = _find_truth(question, expected, list(samples))
    if not question.options:
        return None if truth is None else float(truth)
    for place, option in enumerate(question.options, 1):
        if option.right if question.truth is None else option.key == truth:
            return place
    return None


def _find_truth(question: Question, expected: Expectation, samples: list[str]) -> float | str | None:
    if not isinstance(question.truth, str):
        return question.truth
    if question.truth in NEEDS_NOTHING:
        return TRUTHS[question.truth](None)
    if question.truth == "kind_of_data":
        return TRUTHS[question.truth](expected.label)
    if expected.result is not None:
        return TRUTHS[question.truth](expected.result)
    data = [name for name in samples if name.startswith("data_")]
    if question.truth == _PUBLISHED_TRUTH and all((name, _PUBLISHED_CUT) in expected.events for name in data):
        return sum(expected.events[name, _PUBLISHED_CUT][1] for name in data)
    return None


def _compute(name: str, samples: list[str]) -> Expectation:
    access = DataAccess()
    held = access.catalogue().in_collection(load_analysis(name).collection)
    missing = [sample for sample in samples if sample not in held]
    if missing:
        raise LumiHubError(f"the simulated sample holds no {', '.join(missing)}, and the lesson says it has read it")
    result = run(name, [access.locate(held[sample]) for sample in samples], None, Silent())
    events, weighted = {}, {}
    for sample, lines in result.cutflow.items():
        for line in lines:
            events[sample, line.cut] = (lines[0].events_in, line.events_out)
            weighted[sample, line.cut] = line.weighted_out
    return Expectation("the same analysis run by the tool itself", result.label, events, weighted, result)
