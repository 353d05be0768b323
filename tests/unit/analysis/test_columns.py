from __future__ import annotations

import awkward as ak
import numpy as np

from lumihub.analysis.columns import count_true, flat, leading, mark, rows, take_rows

EVENTS = ak.Array({"pt": [[9, 8, 7], [6], [], [5, 4]], "charge": [[1, -1, 1], [1], [], [-1, 1]]})


def test_flat_holds_one_value_a_particle() -> None:
    assert flat(EVENTS, ("pt",)).pt.tolist() == [9, 8, 7, 6, 5, 4]


def test_flat_of_picked_events_holds_those_alone() -> None:
    assert flat(EVENTS[[False, True, False, True]], ("pt",)).pt.tolist() == [6, 5, 4]


def test_flat_of_a_part_of_the_events_holds_that_alone() -> None:
    assert flat(EVENTS[1:], ("pt",)).pt.tolist() == [6, 5, 4]
    assert flat(EVENTS[:2], ("pt",)).pt.tolist() == [9, 8, 7, 6]


def test_marks_become_a_column_of_the_same_lengths() -> None:
    events = EVENTS[:]
    mark(events, "good", flat(events, ("pt",)).pt > 5, like="pt")
    assert events.good.tolist() == [[True, True, True], [True], [], [False, False]]


def test_leading_values_are_zero_where_an_event_has_fewer() -> None:
    assert [part.tolist() for part in leading(EVENTS.pt, 2)] == [[9, 6, 0, 5], [8, 0, 0, 4]]


def test_leading_of_no_particles_at_all() -> None:
    assert [part.tolist() for part in leading(EVENTS.pt[2:3], 2)] == [[0], [0]]


def test_marked_particles_are_counted_by_event() -> None:
    assert count_true(np.array([True, False, True, True, False, False]), EVENTS.pt).tolist() == [2, 1, 0, 0]


def test_rows_hold_the_marked_particles_of_the_kept_events() -> None:
    marks = np.array([True, False, True, True, True, True])
    taken = take_rows(EVENTS, ("pt", "charge"), marks, np.array([True, False, False, True]), 2)
    assert taken.pt.tolist() == [[9, 7], [5, 4]]
    assert rows(taken, ("charge",)).charge.tolist() == [[1, -1], [1, 1]]
