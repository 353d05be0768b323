"""Log files: opened for appending, kept small, read from the end, followed."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections import deque
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

LARGEST_BYTES = 10_000_000
KEPT = 3
_TROUBLE = re.compile(r"error|critical|traceback|exception|fatal|refus|denied|no space|in use", re.IGNORECASE)


def open_log(path: Path) -> IO[bytes]:
    """The file to append to, readable by its owner alone."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "ab")


def log_size(path: Path) -> int:
    """Bytes of a log; 0 where there is none yet."""
    return path.stat().st_size if path.exists() else 0


def rotate(path: Path, largest: int = LARGEST_BYTES, kept: int = KEPT) -> bool:
    """Move a log that grew beyond `largest` bytes to NAME.1 (and so on up to `kept`); True when it did.

    It is copied and cut, not renamed: its writer keeps the file open, and appends.
    """
    if not path.exists() or path.stat().st_size <= largest:
        return False
    for number in range(kept - 1, 0, -1):
        older = path.with_name(f"{path.name}.{number}")
        if older.exists():
            older.replace(path.with_name(f"{path.name}.{number + 1}"))
    first = path.with_name(f"{path.name}.1")
    shutil.copyfile(path, first)
    first.chmod(0o600)
    os.truncate(path, 0)
    return True


def rotate_all(folder: Path) -> None:
    """Keep every log below `folder` small."""
    for path in folder.rglob("*.log"):
        rotate(path)


def last_lines(path: Path, count: int) -> list[str]:
    """The last lines of a log; none where there is no log yet."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return [line.rstrip("\n") for line in deque(file, maxlen=count)]
    except FileNotFoundError:
        return []


def lines_that_matter(path: Path, offset: int, count: int = 12) -> list[str]:
    """The last lines from `offset` bytes on that speak of trouble, or simply the last ones where none does."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            file.seek(offset)
            lines = [line.rstrip("\n") for line in file]
    except FileNotFoundError:
        return []
    first = next((number for number, line in enumerate(lines) if _TROUBLE.search(line)), max(0, len(lines) - count))
    return lines[first:][-count:]


def follow(paths: Mapping[str, Path], pause: float = 0.2) -> Iterator[str]:
    """New lines of several logs as they come, for ever, each with the name of its part before it."""
    offsets = {name: log_size(path) for name, path in paths.items()}
    while True:
        for name, path in paths.items():
            size = log_size(path)
            # A log that shrank was rotated.
            start = offsets[name] if size >= offsets[name] else 0
            if size == start:
                continue
            with path.open("rb") as file:
                file.seek(start)
                text = file.read(size - start)
            whole, _, _ = text.rpartition(b"\n")
            if whole:
                offsets[name] = start + len(whole) + 1
                yield from (f"{name}: {line}" for line in whole.decode(errors="replace").split("\n"))
        time.sleep(pause)
