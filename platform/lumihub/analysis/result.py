"""What a run found out: cutflow, histograms, yields; can be added to another run's, pickled and written as JSON."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import hist
import numpy as np

from lumihub.analysis.definition import Analysis, Process
from lumihub.analysis.registry import load_analysis
from lumihub.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lumihub.analysis.counting import Counts
    from lumihub.analysis.samples import Sample


@dataclass(frozen=True, slots=True)
class CutCount:
    """One line of a cutflow.

    Attributes:
        cut: its name.
        title: what it asks.
        events_in: events before it.
        events_out: events after it; their statistical error is the square root.
        weighted_in: sum of weights before it: the number of events expected in data.
        weighted_out: sum of weights after it.
        error_out: statistical error of `weighted_out`: the root of the sum of squared weights.
    """

    cut: str
    title: str
    events_in: int
    events_out: int
    weighted_in: float
    weighted_out: float
    error_out: float

    @property
    def efficiency(self) -> float:
        """Share of the weighted events that stays; nan when there were none."""
        return self.weighted_out / self.weighted_in if self.weighted_in else math.nan

    def as_json(self) -> dict[str, Any]:
        """For scripts."""
        return {
            "cut": self.cut,
            "title": self.title,
            "events_in": self.events_in,
            "events_out": self.events_out,
            "weighted_in": self.weighted_in,
            "weighted_out": self.weighted_out,
            "error_out": self.error_out,
        }


class Cutflow(dict[str, tuple[CutCount, ...]]):
    """The lines of every sample, by its name; shown as a table in a notebook."""

    def count(self, sample: str, cut: str) -> CutCount:
        """One line.

        Raises:
            InputError: no such sample or cut.
        """
        for line in self.get(sample, ()):
            if line.cut == cut:
                return line
        cuts = ", ".join(line.cut for lines in list(self.values())[:1] for line in lines)
        raise InputError(f"the cutflow has no cut {cut} of {sample}", fix=f"samples: {', '.join(self)}; cuts: {cuts}")

    def _repr_html_(self) -> str:
        cuts = [line.title for lines in list(self.values())[:1] for line in lines]
        head = "".join(f"<th>{html.escape(name)}</th>" for name in ("cut", *self))
        first = "".join(f"<td>{_number(lines[0].weighted_in)}</td>" for lines in self.values())
        body = "".join(
            f"<tr><td style='text-align:left;min-width:16em'>{html.escape(title)}</td>"
            + "".join(f"<td>{_number(lines[place].weighted_out)}</td>" for lines in self.values())
            + "</tr>"
            for place, title in enumerate(cuts)
        )
        return f"<table><tr>{head}</tr><tr><td style='text-align:left'>all events</td>{first}</tr>{body}</table>"


@dataclass(frozen=True, slots=True)
class Yield:
    """Events of one group: `value` (weighted) with its statistical error, made of so many `events`."""

    title: str
    value: float
    error: float
    events: int


@dataclass(frozen=True)
class Result:
    """What a run found out.

    Attributes:
        analysis: its name.
        label: where the events are from; belongs on every plot.
        luminosity: fb^-1 to which simulated events are scaled.
        samples: what was read, by sample name.
        counts: by sample name; simulated ones for 1 fb^-1.
        files: paths and URLs that were read.
        seconds: from the start of the run to its end.
        workers: Dask processes that worked; 0 for this process alone.
    """

    analysis: str
    label: str
    luminosity: float
    samples: dict[str, Sample]
    counts: dict[str, Counts]
    files: tuple[str, ...]
    seconds: float
    workers: int = 0

    @property
    def definition(self) -> Analysis:
        """Cuts, histograms and groups of the analysis."""
        return load_analysis(self.analysis)

    @property
    def events(self) -> int:
        """How many were read."""
        return sum(counts.events for counts in self.counts.values())

    @property
    def bytes_read(self) -> int:
        """Bytes asked of the files' sources."""
        return sum(counts.bytes_read for counts in self.counts.values())

    @property
    def cutflow(self) -> Cutflow:
        """Events of every sample before and after each cut."""
        return Cutflow((name, self._lines(name)) for name in self.counts)

    @property
    def processes(self) -> list[Process]:
        """The groups of simulated samples that were read, signals last; "other" has those without a group."""
        known = set(self.definition.samples)
        other = tuple(name for name, sample in self.samples.items() if not sample.is_data and name not in known)
        groups = [Process("other", other), *sorted(self.definition.processes, key=lambda each: each.signal)]
        read = (replace(each, samples=tuple(name for name in each.samples if name in self.counts)) for each in groups)
        return [each for each in read if each.samples]

    @property
    def yields(self) -> list[Yield]:
        """Data, then every group of simulated samples, after all cuts."""
        data = self.data_samples
        found = [self.count("data", data)] if data else []
        return found + [self.count(each.title, each.samples) for each in self.processes]

    @property
    def data_samples(self) -> list[str]:
        """Names of the data samples that were read."""
        return [name for name, sample in self.samples.items() if sample.is_data]

    def histogram(self, name: str, samples: Iterable[str] | None = None) -> hist.Hist[Any]:
        """A histogram with the axes `dataset` and `name`; weighted to the luminosity, with squared weights kept.

        Args:
            name: as in the analysis.
            samples: which samples; all when None.

        Raises:
            InputError: the analysis has no such histogram.
        """
        wanted = list(self.counts) if samples is None else list(samples)
        known = [each.name for each in self.definition.histograms]
        if name not in known:
            raise InputError(f"{self.analysis} has no histogram {name}", fix=f"take one of {', '.join(known)}")
        spec = next(each for each in self.definition.histograms if each.name == name)
        axis = hist.axis.Regular(spec.bins, spec.low, spec.high, name=spec.name, label=spec.label)
        table = hist.Hist(hist.axis.StrCategory(wanted, name="dataset"), axis, storage=hist.storage.Weight())
        for place, sample in enumerate(wanted):
            scale = self._scale(sample)
            filled: Any = self.counts[sample].histograms[name].view(flow=True)
            view: Any = table.view(flow=True)
            view["value"][place] = filled["value"] * scale
            view["variance"][place] = filled["variance"] * scale**2
        return table

    def summed(self, name: str, samples: Iterable[str]) -> hist.Hist[Any]:
        """A histogram of some samples together; its only axis is `name`."""
        together: Any = self.histogram(name, samples).project(name)
        return cast("hist.Hist[Any]", together)

    def count(self, title: str, samples: Sequence[str], cut: int = -1) -> Yield:
        """Events of some samples together after a cut.

        Args:
            title: what to call them.
            samples: either data or simulated ones.
            cut: its place, 1 for the first; 0 counts all events that were read, -1 is after the last.
        """
        row = np.array([self.counts[name].cuts[cut] for name in samples]).sum(axis=0)
        scale = self._scale(samples[0])
        return Yield(title, float(row[1]) * scale, math.sqrt(row[2]) * scale, int(row[0]))

    def __add__(self, other: Result) -> Result:
        """Both together: the luminosities of their data add up.

        Raises:
            InputError: of different analyses or kinds of events, or with a file in common.
        """
        if (self.analysis, self.label) != (other.analysis, other.label):
            raise InputError(
                f"a result of {self.analysis} ({self.label}) cannot be added to one of {other.analysis} ({other.label})"
            )
        common = sorted(set(self.files) & set(other.files))
        if common:
            raise InputError("both results have read the same file", where=common[0], fix="read each file once")
        counts = dict(self.counts)
        for name, found in other.counts.items():
            counts[name] = counts[name] + found if name in counts else found
        luminosities = [each.luminosity for each in (self, other) if each.data_samples] or [self.luminosity]
        return Result(
            self.analysis,
            self.label,
            sum(luminosities),
            self.samples | other.samples,
            counts,
            (*self.files, *other.files),
            self.seconds + other.seconds,
            max(self.workers, other.workers),
        )

    def as_json(self) -> dict[str, Any]:
        """All but the histograms, for scripts."""
        return {
            "analysis": self.analysis,
            "label": self.label,
            "luminosity_fb": self.luminosity,
            "events": self.events,
            "bytes_read": self.bytes_read,
            "seconds": round(self.seconds, 3),
            "workers": self.workers,
            "files": list(self.files),
            "samples": {
                name: {"data": self.samples[name].is_data, "cuts": [line.as_json() for line in lines]}
                for name, lines in self.cutflow.items()
            },
            "yields": [
                {"title": each.title, "value": each.value, "error": each.error, "events": each.events}
                for each in self.yields
            ],
        }

    def _scale(self, sample: str) -> float:
        return 1.0 if self.samples[sample].is_data else self.luminosity

    def _lines(self, sample: str) -> tuple[CutCount, ...]:
        rows, scale = self.counts[sample].cuts, self._scale(sample)
        return tuple(
            CutCount(
                cut.name,
                cut.title,
                int(before[0]),
                int(after[0]),
                float(before[1]) * scale,
                float(after[1]) * scale,
                math.sqrt(after[2]) * scale,
            )
            for cut, before, after in zip(self.definition.cuts, rows[:-1], rows[1:], strict=True)
        )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) or value >= 1000 else f"{value:,.3g}"
