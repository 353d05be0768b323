"""What the cache is filled with every night: the work, when it is due, and what came of it.

`python -m lumihub.data.nightly WORK OUTCOME` does it once: in a cluster as the pod of a CronJob, on one machine as a
process of the part that waits for the night.
"""

from __future__ import annotations

import gzip
import sys
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, ValidationError

from lumihub.data.pace import describe_time
from lumihub.data.work import WorkOrder
from lumihub.data.working import work_in_threads
from lumihub.progress import Silent
from lumihub.settings.quantities import format_bytes

if TYPE_CHECKING:
    from lumihub.errors import LumiHubError
    from lumihub.progress import Progress

# A link that is away for a while at night need not cost the night.
PAUSES = (300.0, 1200.0)
# What people call a time zone that has no name.
_OWN_TIME = "this machine's time"
# Kubernetes keeps 4096 bytes of what a container says last.
_SHOWN_FAULTS = 3
_LONGEST_FAULT = 400


class NightlyWork(BaseModel):
    """What is done every night.

    Attributes:
        order: what to do.
        at: the time of day when it begins, as in 02:00.
        hours: that it may take.
        time_zone: of `at`; None is that of the machine.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    order: WorkOrder
    at: str
    hours: int
    time_zone: str | None = None

    def pack(self) -> bytes:
        """As bytes, small enough for a Kubernetes object also with all files of a release."""
        return gzip.compress(self.model_dump_json().encode(), mtime=0)

    @classmethod
    def load(cls, path: Path) -> NightlyWork:
        """A file of it, packed where its name ends in .gz."""
        found = path.read_bytes()
        return cls.model_validate_json(gzip.decompress(found) if path.suffix == ".gz" else found)

    def find_night(self, after: float) -> tuple[float, float]:
        """Begin and end of the night that it is then, or else of the next one; in seconds of the epoch.

        A night begins at the same time on the clock, whether it is summer time or not.
        """
        hour, minute = map(int, self.at.split(":"))
        zone = find_zone(self.time_zone)
        today = datetime.fromtimestamp(after, zone).replace(tzinfo=None, hour=hour, minute=minute, second=0)
        for days in (-1, 0, 1, 2):
            begin = (today + timedelta(days)).replace(microsecond=0, tzinfo=zone).timestamp()
            end = begin + self.hours * 3600
            if end > after:
                break
        return begin, end


class NightlyOutcome(BaseModel):
    """What came of a night.

    Attributes:
        began: when, in seconds of the epoch.
        seconds: that it took.
        files: that were wanted; `whole` of them are in the cache, and `late` had not come when the hours were over.
        bytes: of those that are whole.
        faulty: files that did not come for another reason, of which `faults` names the first.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    began: float
    seconds: float
    files: int
    whole: int
    late: int
    bytes: int
    faulty: int
    faults: tuple[str, ...] = ()

    @classmethod
    def find(cls, text: str) -> NightlyOutcome | None:
        """What was written, None where there is nothing that can be read."""
        try:
            return cls.model_validate_json(text)
        except ValidationError:
            return None

    def describe(self) -> str:
        """In half a sentence."""
        words = [f"{self.whole} of {self.files} files ({format_bytes(self.bytes)}) are whole"]
        words[0] += f" after {describe_time(self.seconds)}"
        words += [f"{self.late} had not come when its hours were over"] if self.late else []
        words += [f"{self.faulty} failed: {self.faults[0]}"] if self.faulty else []
        return ", ".join(words)


@dataclass(frozen=True)
class NightlyState:
    """What is done every night, and how it went last.

    Attributes:
        at: the time of day when it begins.
        time_zone: of `at`, as people call it.
        files: that are wanted, `bytes` in all.
        running: whether it is under way.
        last: what came of the last one that ended, None where there was none.
        trouble: why nothing came of the last one, empty where something did.
    """

    at: str
    time_zone: str
    files: int
    bytes: int
    running: bool
    last: NightlyOutcome | None
    trouble: str = ""

    @classmethod
    def of(cls, work: NightlyWork, *, running: bool, last: NightlyOutcome | None, trouble: str = "") -> NightlyState:
        """The state of a work."""
        zone = work.time_zone or _OWN_TIME
        return cls(work.at, zone, len(work.order.files), work.order.size, running, last, trouble)

    def describe(self) -> str:
        """In one line."""
        text = f"every night at {self.at} ({self.time_zone}): {self.files} files, {format_bytes(self.bytes)}"
        text += "; under way" if self.running else ""
        if self.trouble:
            return f"{text}; the last one failed: {self.trouble}"
        if self.last is None:
            return f"{text}; none has ended yet"
        zone = None if self.time_zone == _OWN_TIME else find_zone(self.time_zone)
        began = datetime.fromtimestamp(self.last.began, UTC).astimezone(zone)
        return f"{text}; on {began:%Y-%m-%d at %H:%M}: {self.last.describe()}"


def find_zone(name: str | None) -> tzinfo | None:
    """A time zone by name, None for the machine's own; UTC where this machine does not know it."""
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError:
        return UTC


def work_until(
    order: WorkOrder, end: float, progress: Progress, *, pauses: tuple[float, ...] = PAUSES
) -> NightlyOutcome:
    """Carry out an order until a time at the latest; what fails is tried again after pauses.

    Args:
        order: what to do. What is done already is done quickly: a cache has it.
        end: in seconds of the epoch.
        progress: hears of it.
        pauses: seconds before each new try.
    """
    began, stop = time.time(), threading.Event()
    timer = threading.Timer(max(0.0, end - began), stop.set)
    timer.daemon = True
    timer.start()
    done: set[str] = set()
    faults: dict[str, LumiHubError] = {}
    for pause in (*pauses, None):
        left = tuple(file for file in order.files if file.path not in done)
        report = work_in_threads(order.only(left), progress, stop)
        done |= set(report.done)
        faults = {path: error for path, error in (faults | report.faults).items() if path not in done}
        for error in report.faults.values():
            progress.warn(str(error))
        if set(report.faults) <= set(report.damaged) or pause is None or stop.wait(pause):
            break
    timer.cancel()
    return NightlyOutcome(
        began=began,
        seconds=round(time.time() - began, 3),
        files=len(order.files),
        whole=len(done),
        late=len(order.files) - len(done) - len(faults),
        bytes=sum(file.size for file in order.files if file.path in done),
        faulty=len(faults),
        faults=tuple(error.faults[0].what[:_LONGEST_FAULT] for error in list(faults.values())[:_SHOWN_FAULTS]),
    )


class _Log(Silent):
    """Progress as lines of a log."""

    def step(self, text: str) -> None:
        """A line."""
        sys.stdout.write(f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S} {text}\n")
        sys.stdout.flush()

    def warn(self, text: str) -> None:
        """A line."""
        self.step(text)


def main() -> None:
    """Do it once, and write what came of it as the last thing."""
    work = NightlyWork.load(Path(sys.argv[1]))
    now, log = time.time(), _Log()
    begin, end = work.find_night(now)
    # Somebody may begin it by day.
    end = end if begin <= now else now + work.hours * 3600
    log.step(
        f"{len(work.order.files)} files, {format_bytes(work.order.size)}, for {(end - now) / 3600:.1f} hours at most"
    )
    outcome = work_until(work.order, end, log)
    log.step(outcome.describe())
    Path(sys.argv[2]).write_text(outcome.model_dump_json() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
