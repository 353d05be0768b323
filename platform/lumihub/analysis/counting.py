"""What a range of events adds to the result: counts of every cut and histograms, the same with Dask or without."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import hist
import numpy as np

from lumihub.analysis.reading import EntryRange, OpenFiles, check_branches, load_events, plan_ranges
from lumihub.analysis.registry import load_analysis
from lumihub.analysis.weights import event_weights, scale_to_luminosity

if TYPE_CHECKING:
    from typing import Any

    import awkward as ak
    import numpy.typing as npt

    from lumihub.analysis.definition import Analysis, Histogram
    from lumihub.analysis.samples import Sample

    Numbers = npt.NDArray[Any]

_files = OpenFiles()
# Heard in Dask's worker pods alone, whose logs then tell which worker did what.
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """One file of a run.

    Attributes:
        analysis: its name.
        sample: what the file holds.
        path: path or URL.
        scale: events per fb^-1 that one unit of generator weight stands for; None: XSection and SumWeights say.
        run: name of the run.
    """

    analysis: str
    sample: Sample
    path: str
    scale: float | None
    run: str


@dataclass(frozen=True, slots=True)
class Counts:
    """Events of one sample.

    Attributes:
        cuts: one row before all cuts and one after each: number of events, sum of weights, sum of squared weights.
            Weights of simulated events are for 1 fb^-1, those of data are 1.
        histograms: by name, in the same weights.
        bytes_read: asked of the files.
        seconds: of work, in whichever processes.
    """

    cuts: npt.NDArray[np.float64]
    histograms: dict[str, hist.Hist[Any]]
    bytes_read: int
    seconds: float

    @property
    def events(self) -> int:
        """How many were read."""
        return int(self.cuts[0, 0])

    def __add__(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(
            self.cuts + other.cuts,
            {name: filled + other.histograms[name] for name, filled in self.histograms.items()},
            self.bytes_read + other.bytes_read,
            self.seconds + other.seconds,
        )


def plan_file(job: Job, memory: int) -> tuple[list[EntryRange], int]:
    """The ranges of a file, after a look whether it is well and has all branches; and the bytes this took.

    Raises:
        LumiHubError: it is not.
    """
    tree = _files.tree(job.path, job.run)
    names = _branches(load_analysis(job.analysis), job)
    check_branches(tree, names, job.path)
    return plan_ranges(tree, names, job.path, memory), _files.take_bytes(job.path)


def count_range(job: Job, entries: EntryRange) -> Counts:
    """Read a range, select, count and fill.

    Raises:
        LumiHubError: the file is not well.
    """
    began = time.perf_counter()
    analysis = load_analysis(job.analysis)
    tree = _files.tree(job.path, job.run)
    events = load_events(tree, _branches(analysis, job), entries)
    counts = count_events(analysis, events, None if job.sample.is_data else _scale(job, events))
    seconds = time.perf_counter() - began
    name = job.path.rpartition("/")[2]
    _log.info("%s: events %d to %d of %s in %.2f s", job.analysis, entries.start, entries.stop, name, seconds)
    return replace(counts, bytes_read=_files.take_bytes(job.path), seconds=seconds)


def close_files() -> None:
    """Close what a run has open in this process."""
    _files.close()


def count_events(analysis: Analysis, events: ak.Array, scale: float | None) -> Counts:
    """Apply the cuts in order, count after each, fill the histograms.

    Args:
        analysis: whose cuts and histograms.
        events: with its branches.
        scale: as from `scale_to_luminosity`; None for data, whose events weigh 1.
    """
    weights = np.ones(len(events)) if scale is None else event_weights(events, analysis.scale_factors, scale)
    kept = np.ones(len(events), bool)
    rows = [_row(weights, kept)]
    filled: dict[str, hist.Hist[Any]] = {}
    for cut in analysis.cuts:
        if cut.keep is not None:
            # numpy's own indexing takes five times as long with marks that change from event to event.
            events, weights = cut.keep(events, kept), np.compress(kept, weights)
            kept = np.ones(len(weights), bool)
        if cut.derive is not None:
            events = cut.derive(events)
        kept = kept & np.asarray(cut.passes(events))
        rows.append(_row(weights, kept))
        filled |= {
            wanted.name: _fill(wanted, events, weights, kept)
            for wanted in analysis.histograms
            if wanted.after == cut.name
        }
    return Counts(np.array(rows), filled, 0, 0.0)


def empty_counts(analysis: Analysis) -> Counts:
    """Of no events."""
    empty = {wanted.name: _new(wanted) for wanted in analysis.histograms}
    return Counts(np.zeros((len(analysis.cuts) + 1, 3)), empty, 0, 0.0)


def _branches(analysis: Analysis, job: Job) -> list[str]:
    if job.sample.is_data:
        return list(analysis.branches)
    own_numbers = () if job.scale is not None else ("XSection", "SumWeights")
    return [*analysis.branches, *analysis.weight_branches, *own_numbers]


def _scale(job: Job, events: ak.Array) -> float:
    if job.scale is not None:
        return job.scale
    return scale_to_luminosity(float(events.XSection[0]), 1.0, float(events.SumWeights[0]))


def _row(weights: Numbers, kept: Numbers) -> tuple[float, float, float]:
    # Multiplying by the mask is several times faster than picking out what it marks.
    counted = weights * kept
    return int(np.count_nonzero(kept)), float(counted.sum()), float(np.square(counted).sum())


def _new(wanted: Histogram) -> hist.Hist[Any]:
    axis = hist.axis.Regular(wanted.bins, wanted.low, wanted.high, name=wanted.name, label=wanted.label)
    return hist.Hist(axis, storage=hist.storage.Weight())


def _fill(wanted: Histogram, events: ak.Array, weights: Numbers, kept: Numbers) -> hist.Hist[Any]:
    if wanted.only is not None:
        kept = kept & np.asarray(wanted.only(events))
    values = np.asarray(wanted.values(events))
    # An event of weight 0 adds nothing, and sorting it out would cost more.
    return _new(wanted).fill(values, weight=weights * kept)
