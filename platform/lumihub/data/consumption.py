"""What readers got through a cache, from the messages that it sends as they close files.

Counts outlive the files: what was purged or thrown out took its own records along.
"""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_COUNTS = ("hit", "missed", "bypassed")
_FIELDS = ("b_hit", "b_miss", "b_bypass")


class Consumption:
    """Counts by path of each file of the release, kept in a file.

    Args:
        file: where they are kept.
        origin: the origin's path, which the messages' paths begin with.
    """

    def __init__(self, file: Path, origin: str) -> None:
        self._file = file
        self._prefix = f"/{origin.strip('/')}/"
        self._lock = threading.Lock()
        try:
            self._counts: dict[str, dict[str, int]] = json.loads(file.read_text("utf-8"))
        except (OSError, ValueError):
            self._counts = {}

    def by_path(self) -> dict[str, dict[str, int]]:
        """By path of each file below the origin: bytes that were hit, missed and bypassed."""
        with self._lock:
            return {path: dict(counts) for path, counts in self._counts.items()}

    def count(self, datagram: bytes) -> None:
        """Take in a message; what is no message of a closed file is left out."""
        found = [one for line in datagram.decode("utf-8", "replace").splitlines() for one in _read(line)]
        if not found:
            return
        with self._lock:
            for path, amounts in found:
                if path.startswith(self._prefix):
                    counts = self._counts.setdefault(path.removeprefix(self._prefix), dict.fromkeys(_COUNTS, 0))
                    for name, amount in zip(_COUNTS, amounts, strict=True):
                        counts[name] += amount
            beside = self._file.with_name(f"{self._file.name}.{os.getpid()}")
            beside.write_text(json.dumps(self._counts), "utf-8")
            beside.replace(self._file)


def _read(line: str) -> list[tuple[str, tuple[int, ...]]]:
    try:
        message: Any = json.loads(line.strip().strip("\0"))
    except ValueError:
        return []
    if not isinstance(message, dict):
        return []
    path = message.get("lfn")
    amounts = tuple(one for name in _FIELDS if isinstance(one := message.get(name), int))
    return [(path, amounts)] if isinstance(path, str) and len(amounts) == len(_FIELDS) else []
