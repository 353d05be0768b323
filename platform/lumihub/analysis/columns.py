"""Jagged columns as plain numpy, for what is done with every particle of every event.

awkward sorts out the lengths of lists at each operation. A cut that looks at millions of particles is several times
faster on the flat values underneath; the expressions stay the same.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np
from awkward.contents import ListOffsetArray, NumpyArray, RecordArray, RegularArray
from awkward.index import Index64

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from awkward.contents import Content

    Numbers = npt.NDArray[Any]


def flat(events: ak.Array, names: Sequence[str]) -> SimpleNamespace:
    """The named columns as numpy arrays with one value a particle, all events in a row."""
    return SimpleNamespace(**{name: _find_lists(events.layout[name])[1] for name in names})


def rows(events: ak.Array, names: Sequence[str]) -> SimpleNamespace:
    """The named columns as numpy arrays of shape (particles, events), after `take_rows`."""
    # Side by side in memory by particle: a sum over the four leptons is then twenty times faster.
    return SimpleNamespace(**{name: np.ascontiguousarray(np.asarray(events[name]).T) for name in names})


def leading(column: ak.Array, number: int) -> list[Numbers]:
    """The first, second... of each event: `number` numpy arrays with one value an event, 0 where there is none."""
    offsets, values = _find_lists(column.layout)
    sizes, starts = np.diff(offsets), offsets[:-1]
    last = max(len(values) - 1, 0)
    if len(values) == 0:
        return [np.zeros(len(sizes), values.dtype) for _ in range(number)]
    if sizes.min() >= number:
        return [values.take(starts + place) for place in range(number)]
    picked = (values.take(np.minimum(starts + place, last)) for place in range(number))
    return [np.where(sizes > place, part, 0) for place, part in enumerate(picked)]


def count_true(marks: Numbers, like: ak.Array) -> Numbers:
    """How many particles of each event are marked.

    Args:
        marks: one boolean a particle, as from an expression on `flat` columns.
        like: a jagged column of the same events.
    """
    offsets, _ = _find_lists(like.layout)
    sums = np.empty(len(marks) + 1, np.int32)
    sums[0] = 0
    np.cumsum(marks, out=sums[1:])
    counted: Numbers = np.diff(sums[offsets])
    return counted


def mark(events: ak.Array, name: str, marks: Numbers, like: str) -> None:
    """Add a jagged column of one boolean a particle.

    Args:
        events: get the column.
        name: of it.
        marks: as from an expression on `flat` columns.
        like: name of a jagged column of the same particles.
    """
    offsets, _ = _find_lists(events.layout[like])
    events[name] = ak.Array(ListOffsetArray(Index64(offsets), NumpyArray(marks)))


def take_rows(events: ak.Array, names: Sequence[str], marks: Numbers, kept: Numbers, number: int) -> ak.Array:
    """The marked particles of the kept events, `number` of them an event, as rows on which arithmetic is fastest.

    Args:
        events: with the named jagged columns.
        names: columns to take.
        marks: one boolean a particle.
        kept: one boolean an event; each kept one must have `number` marked particles.
        number: of particles in a row.
    """
    columns = {name: _find_lists(events.layout[name]) for name in names}
    offsets, _ = columns[names[0]]
    chosen = np.flatnonzero(marks & np.repeat(kept, np.diff(offsets)))
    # Put together by hand: ak.zip would take five times as long as all the rest.
    taken = [RegularArray(NumpyArray(values.take(chosen)), number) for _, values in columns.values()]
    return ak.Array(RecordArray(taken, list(names)))


def _find_lists(layout: Content) -> tuple[Numbers, Numbers]:
    """Where each event's values begin, with the end of the last, and the values."""
    # As it was read, but where events were picked out before.
    whole = isinstance(layout, ListOffsetArray) and layout.content.is_numpy and layout.offsets[0] == 0
    lists = layout if whole else layout.to_packed().to_ListOffsetArray64(start_at_zero=True)
    offsets = np.asarray(lists.offsets.data, dtype=np.int64)
    return offsets, np.asarray(lists.content.data)[: offsets[-1]]
