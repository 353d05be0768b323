"""What a student has answered: `~/.lumihub/answers.json`, for the student and for a teacher who wants to see progress.

The file belongs to the student, who may change it: it shows progress and is no examination. Its format::

    {"format": 1,
     "questions": {"4l-charge": {"attempts": 2, "hints": 1, "right": true, "answer": "259",
                                 "data": "ATLAS Open Data", "first": "2026-11-23T09:00:00+00:00",
                                 "solved": "2026-11-23T09:01:10+00:00"}}}

`answer` is the last one given, `solved` the time of the first right one (absent before), `data` what the answer was
about.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FORMAT = 1


@dataclass
class Record:
    """One question's line in the file; see the module for the meaning of each value."""

    attempts: int = 0
    hints: int = 0
    right: bool = False
    answer: str = ""
    data: str = ""
    first: str = ""
    solved: str = ""


def answers_path() -> Path:
    """Where the answers of this student lie."""
    return Path.home() / ".lumihub" / "answers.json"


def load_answers(path: Path | None = None) -> dict[str, Record]:
    """All records by question; none where the file is missing or cannot be understood."""
    try:
        stored = json.loads((path or answers_path()).read_bytes())
        known = set(Record.__dataclass_fields__)
        return {
            str(name): Record(**{key: value for key, value in entry.items() if key in known})
            for name, entry in stored["questions"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def record_attempt(question: str, answer: str, *, right: bool, data: str = "") -> bool:
    """Remember an answer. A question once solved stays solved.

    Returns:
        Whether it could be written; false on a full disk, which must not stop a lesson.
    """

    def change(record: Record) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        record.attempts += 1
        record.first = record.first or now
        record.answer, record.data = answer, data
        if right and not record.right:
            record.right, record.solved = True, now

    return _update(question, change)


def record_hint(question: str) -> bool:
    """Remember that a hint was shown; false as for `record_attempt`."""

    def change(record: Record) -> None:
        record.hints += 1

    return _update(question, change)


def _update(question: str, change: Callable[[Record], None]) -> bool:
    path = answers_path()
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        # Two notebooks may be open at once.
        with (path.parent / ".answers.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            records = load_answers(path)
            record = records.setdefault(question, Record())
            change(record)
            _write(path, records)
    except OSError:
        return False
    return True


def _write(path: Path, records: dict[str, Record]) -> None:
    entries = {
        name: {key: value for key, value in asdict(record).items() if value != ""} for name, record in records.items()
    }
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(json.dumps({"format": FORMAT, "questions": entries}, indent=1))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
