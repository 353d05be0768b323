import pytest

from lumihub.data.pace import Pace, describe_time
from lumihub.progress import Silent


class Heard(Silent):
    def __init__(self):
        self.steps = []

    def step(self, text):
        self.steps.append(text)


def test_the_rest_is_told_once_the_rate_is_known():
    heard = Heard()
    pace = Pace(1_000_000_000, heard)
    pace.note(1_000_000, 0.5)
    assert heard.steps == []
    pace.note(10_000_000, 5)
    pace.note(500_000_000, 10)
    assert heard.steps == ["2.0 MB/s just now: about 8 minutes more"]


@pytest.mark.parametrize(("done", "seconds"), [(0, 60), (99, 60), (100, 60)])
def test_nothing_is_told_where_there_is_nothing_to_tell(done, seconds):
    heard = Heard()
    Pace(100, heard).note(done, seconds)
    assert heard.steps == []


def test_times_are_as_people_say_them():
    assert [describe_time(seconds) for seconds in (40, 720, 9000)] == ["40 s", "12 minutes", "2.5 hours"]
