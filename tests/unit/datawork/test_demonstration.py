from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from lumihub.datawork.demonstration import keep
from lumihub.errors import LumiHubError


@dataclass
class Kept:
    """Counts what is asked of it."""

    asked: list[str] = field(default_factory=list)

    def ensure(self) -> None:
        self.asked.append("ensure")

    def remove(self) -> None:
        self.asked.append("remove")


@dataclass
class Clock:
    """Goes on by what is slept."""

    time: float = 1000.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


def test_it_is_made_sure_of_until_its_time_is_over_and_then_removed() -> None:
    kept, clock = Kept(), Clock()
    keep(kept, 1012.0, clock.now, clock.sleep)
    assert kept.asked == ["ensure", "ensure", "ensure", "remove"]
    assert clock.time == 1012.0


def test_who_comes_after_its_time_removes_it_at_once() -> None:
    kept, clock = Kept(), Clock()
    keep(kept, 900.0, clock.now, clock.sleep)
    assert kept.asked == ["remove"]


def test_what_fails_is_left_to_the_next_pod() -> None:
    class Lost(Kept):
        def ensure(self) -> None:
            raise LumiHubError("the API does not answer")

    with pytest.raises(LumiHubError, match="does not answer"):
        keep(Lost(), 1012.0, Clock().now, Clock().sleep)
