"""Jagged columns as plain numpy, for what is done with every particle of every event.

awkward sorts out the lengths of lists at each operation. A cut that looks at millions of particles is several times
faster on the flat values underneath; the expressions stay the same.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Numbers = npt.NDArray[Any]


def flat(events: ak.Array, names: Sequence[str]) -> SimpleNamespace:
    """The named columns as numpy arrays with one value a particle, all events in a row."""
    return SimpleNamespace(**{name: _layout(events[name])[2] for name in names})


def rows(events: ak.Array, names: Sequence[str]) -> SimpleNamespace:
    """The named columns as numpy arrays of shape (particles, events), after `take_rows`."""
    # Side by side in memory by particle: a sum over the four leptons is then twenty times faster.
    return SimpleNamespace(**{name: np.ascontiguousarray(np.asarray(events[name]).T) for name in names})


def leading(column: ak.Array, number: int) -> list[Numbers]:
    """The first, second... of each event: `number` numpy arrays with one value an event, 0 where there is none."""
    sizes, starts, values = _layout(column)
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
    sizes, starts, _ = _layout(like)
    sums = np.concatenate([[0], np.cumsum(marks, dtype=np.int32)])
    counted: Numbers = sums[starts + sizes] - sums[starts]
    return counted


def take_rows(events: ak.Array, names: Sequence[str], marks: Numbers, kept: Numbers, number: int) -> ak.Array:
    """The marked particles of the kept events, `number` of them an event, as rows on which arithmetic is fastest.

    Args:
        events: with the named jagged columns.
        names: columns to take.
        marks: one boolean a particle.
        kept: one boolean an event; each kept one must have `number` marked particles.
        number: of particles in a row.
    """
    sizes, _, _ = _layout(events[names[0]])
    chosen = np.flatnonzero(marks & np.repeat(kept, sizes))
    taken = {name: _layout(events[name])[2][chosen].reshape(-1, number) for name in names}
    return ak.zip({name: ak.from_numpy(values, regulararray=True) for name, values in taken.items()}, depth_limit=1)


def _layout(column: ak.Array) -> tuple[Numbers, Numbers, Numbers]:
    layout = column.layout
    if not (layout.is_list and layout.content.is_numpy):  # events were picked out before
        layout = ak.to_packed(column).layout
    lists = layout.to_ListOffsetArray64(start_at_zero=True)
    offsets = np.asarray(lists.offsets.data)
    return np.diff(offsets), offsets[:-1], np.asarray(lists.content.data)[: offsets[-1]]
