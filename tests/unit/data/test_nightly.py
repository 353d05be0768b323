import time
import zlib
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from lumihub.data.nightly import NightlyOutcome, NightlyState, NightlyWork, work_until
from lumihub.data.records import DataFile
from lumihub.data.work import WorkOrder
from lumihub.progress import Silent

PARIS = ZoneInfo("Europe/Paris")
CONTENTS = {f"{letter}.4lep.root": letter.encode() * 9 for letter in "abc"}


def build_file(name, content, *, collection="4lep"):
    return DataFile(name, len(content), f"{zlib.adler32(content):08x}", collection, name.partition(".")[0])


def build_work(folder, at="02:00", hours=5, time_zone="Europe/Paris"):
    files = tuple(build_file(name, content) for name, content in CONTENTS.items())
    order = WorkOrder(verb="warm", source=str(folder), files=files)
    return NightlyWork(order=order, at=at, hours=hours, time_zone=time_zone)


@pytest.fixture
def work(tmp_path):
    for name, content in CONTENTS.items():
        (tmp_path / name).write_bytes(content)
    return build_work(tmp_path)


def in_paris(text):
    return datetime.fromisoformat(text).replace(tzinfo=PARIS).timestamp()


def find_night(work, text):
    return tuple(f"{datetime.fromtimestamp(each, PARIS):%d %H:%M}" for each in work.find_night(in_paris(text)))


@pytest.mark.parametrize(
    ("now", "night"),
    [
        ("2026-11-26T14:00", ("27 02:00", "27 07:00")),
        ("2026-11-26T01:59:59", ("26 02:00", "26 07:00")),
        ("2026-11-26T02:00", ("26 02:00", "26 07:00")),
        # A machine that is switched on within the hours begins late and ends on time.
        ("2026-11-26T06:30", ("26 02:00", "26 07:00")),
        ("2026-11-26T07:00", ("27 02:00", "27 07:00")),
        # The clock goes from 03:00 back to 02:00, and from 02:00 on to 03:00.
        ("2026-10-24T14:00", ("25 02:00", "25 06:00")),
        ("2026-03-28T14:00", ("29 03:00", "29 08:00")),
    ],
)
def test_a_night_is_the_one_that_it_is_or_the_next(work, now, night):
    assert find_night(work, now) == night


def test_a_night_across_midnight(work):
    late = work.model_copy(update={"at": "22:30", "hours": 8})
    assert find_night(late, "2026-11-26T03:00") == ("25 22:30", "26 06:30")
    assert find_night(late, "2026-11-26T12:00") == ("26 22:30", "27 06:30")


def test_without_a_zone_it_is_the_clock_of_the_machine(work):
    begin, end = work.model_copy(update={"time_zone": None}).find_night(time.time())
    assert f"{datetime.fromtimestamp(begin):%H:%M:%S}" == "02:00:00"
    assert end - begin == 5 * 3600


@pytest.mark.parametrize("name", ["work.json", "work.json.gz"])
def test_work_survives_its_way(work, tmp_path, name):
    (tmp_path / name).write_bytes(work.pack() if name.endswith("gz") else work.model_dump_json().encode())
    assert NightlyWork.load(tmp_path / name) == work


def test_all_is_read(work):
    outcome = work_until(work.order, time.time() + 60, Silent())
    assert (outcome.files, outcome.whole, outcome.late, outcome.faulty, outcome.bytes) == (3, 3, 0, 0, 27)


def test_when_the_hours_are_over_the_rest_is_late(work):
    outcome = work_until(work.order, time.time() - 1, Silent())
    assert (outcome.whole, outcome.late, outcome.faulty) == (0, 3, 0)
    assert "3 had not come when its hours were over" in outcome.describe()


def test_what_is_not_there_at_first_is_asked_for_again(work, tmp_path):
    lost = tmp_path / "b.4lep.root"
    content = lost.read_bytes()
    lost.unlink()

    class Returning(Silent):
        def warn(self, text):
            assert "b.4lep.root did not arrive" in text
            lost.write_bytes(content)

    outcome = work_until(work.order, time.time() + 60, Returning(), pauses=(0.01,))
    assert (outcome.whole, outcome.faulty) == (3, 0)


def test_what_stays_away_and_what_is_wrong_is_named(work, tmp_path):
    (tmp_path / "b.4lep.root").unlink()
    (tmp_path / "c.4lep.root").write_bytes(b"CCCCCCCCC")
    outcome = work_until(work.order, time.time() + 60, Silent(), pauses=(0.01,))
    assert (outcome.whole, outcome.late, outcome.faulty) == (1, 0, 2)
    assert sorted(fault.partition(" ")[0] for fault in outcome.faults) == ["b.4lep.root", "c.4lep.root"]
    assert NightlyOutcome.find(outcome.model_dump_json()) == outcome


def test_wrong_bytes_alone_are_not_asked_for_again(work, tmp_path):
    (tmp_path / "c.4lep.root").write_bytes(b"CCCCCCCCC")
    began = time.monotonic()
    assert work_until(work.order, time.time() + 60, Silent(), pauses=(30,)).faulty == 1
    assert time.monotonic() - began < 20


def test_the_outcome_of_everything_failing_fits_into_what_kubernetes_keeps(tmp_path):
    folder = "/".join(["x" * 200] * 5)
    files = tuple(build_file(f"{folder}/{number}.root", b"x") for number in range(30))
    order = WorkOrder(verb="warm", source=str(tmp_path), files=files)
    outcome = work_until(order, time.time() + 60, Silent(), pauses=())
    assert outcome.faulty == 30
    assert len(outcome.model_dump_json()) < 4096


def test_the_state_in_a_line(work):
    began = in_paris("2026-11-26T02:00")
    last = NightlyOutcome(began=began, seconds=90, files=3, whole=3, late=0, bytes=27, faulty=0)
    assert NightlyState.of(work, running=False, last=last).describe() == (
        "every night at 02:00 (Europe/Paris): 3 files, 27 B; on 2026-11-26 at 02:00: 3 of 3 files (27 B) are whole"
        " after 90 s"
    )
    assert NightlyState.of(work, running=True, last=None).describe() == (
        "every night at 02:00 (Europe/Paris): 3 files, 27 B; under way; none has ended yet"
    )
    assert (
        NightlyState.of(work, running=False, last=None, trouble="too slow")
        .describe()
        .endswith("; the last one failed: too slow")
    )


def test_what_is_no_outcome_is_none():
    assert NightlyOutcome.find("Killed") is None
