from __future__ import annotations

import itertools

import pytest

from lumihub.hub.appointments import A_SECOND, SOONEST_SECONDS, Appointments


def ask(appointments: Appointments) -> float:
    """The seconds that somebody is sent away for; both limits are the same."""
    low, high = appointments  # JupyterHub takes a random number between them
    assert low == high
    return low


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_crowd_comes_again_one_after_the_other() -> None:
    appointments = Appointments(Clock())
    waits = [ask(appointments) for _ in range(100)]
    assert waits[0] == pytest.approx(SOONEST_SECONDS)
    assert [late - early for early, late in itertools.pairwise(waits)] == pytest.approx([1 / A_SECOND] * 99)


def test_a_moment_that_has_passed_keeps_nobody_waiting() -> None:
    clock = Clock()
    appointments = Appointments(clock)
    for _ in range(100):
        ask(appointments)
    clock.now += 5
    assert ask(appointments) == pytest.approx(SOONEST_SECONDS + 100 / A_SECOND - 5)
    clock.now += 1000
    assert ask(appointments) == pytest.approx(SOONEST_SECONDS)
