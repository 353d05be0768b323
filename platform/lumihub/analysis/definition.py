"""What an analysis is: branches, cuts in order, histograms and the groups of its plots."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import awkward as ak

Expression = Callable[["ak.Array"], Any]


Keep = Callable[["ak.Array", Any], "ak.Array"]


@dataclass(frozen=True, slots=True)
class Cut:
    """One step of a selection.

    Attributes:
        name: as in tables and JSON.
        title: what it asks, for people.
        passes: True for each event that stays. It is asked of events too that an earlier cut dropped, since sorting
            them out costs more than asking, and must not fail on them; `keep` sorts them out first.
        derive: adds columns before the question, without dropping events; later cuts see them too.
        keep: gets the events and True for each that is still there; gives back those alone, where need be changed
            (with good leptons alone, say). `drop_failed` is the plain one.
    """

    name: str
    title: str
    passes: Expression
    derive: Expression | None = None
    keep: Keep | None = None


def drop_failed(events: ak.Array, kept: Any) -> ak.Array:
    """The events that are still there, as they are."""
    return events[kept]


@dataclass(frozen=True, slots=True)
class Histogram:
    """One histogram, filled with the events that stay after a cut.

    Attributes:
        name: of the axis too.
        label: of the axis, with its unit.
        bins: number of bins.
        low: lower edge of the first.
        high: upper edge of the last.
        values: one number an event.
        after: name of the cut.
        only: True for the events that count; all when None.
        words: what the axis is, for who cannot see the plot; as in "histogram of WORDS". The label when empty.
    """

    name: str
    label: str
    bins: int
    low: float
    high: float
    values: Expression
    after: str
    only: Expression | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Process:
    """Simulated samples that are drawn as one.

    Attributes:
        title: in the legend.
        samples: names of the samples.
        signal: whether it is what the analysis looks for; drawn on top.
    """

    title: str
    samples: tuple[str, ...]
    signal: bool = False


def plain(title: str) -> str:
    """A title or label without the marks that matplotlib draws formulas from."""
    for mark, text in {r"\bar{t}": "t̄", "^{(*)}": "(*)", "$": "", r"\gamma": "γ", r"\ell": "l"}.items():
        title = title.replace(mark, text)
    return title


@dataclass(frozen=True, slots=True)
class Analysis:
    """A whole analysis: `lumihub.analysis.analyses` holds one a file.

    Attributes:
        name: as `lumihub analyse NAME` takes it.
        title: one line for people.
        collection: of the 2020 release.
        branches: the only branches that are read, beside those of the weights.
        scale_factors: branches multiplied into the weight of simulated events.
        cuts: in their order.
        histograms: what is filled.
        processes: simulated samples by group; their order is the order in the stack.
        data: names of the data samples.
        notes: where the selection is from, and in what it differs.
    """

    name: str
    title: str
    collection: str
    branches: tuple[str, ...]
    scale_factors: tuple[str, ...]
    cuts: tuple[Cut, ...]
    histograms: tuple[Histogram, ...]
    processes: tuple[Process, ...]
    data: tuple[str, ...] = ("data_A", "data_B", "data_C", "data_D")
    notes: str = ""

    @property
    def samples(self) -> tuple[str, ...]:
        """Data and simulated samples, as the default run takes them."""
        return (*self.data, *(sample for process in self.processes for sample in process.samples))

    @property
    def weight_branches(self) -> tuple[str, ...]:
        """What is read in simulated files beside `branches`."""
        return ("mcWeight", *self.scale_factors)
