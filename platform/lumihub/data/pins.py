"""Files that stay in a cache while others are cleared up. Standard library only, like the keeper that holds them.

XRootD has no word for it. Its cache, from 5.8 on, clears up the files first whose records (`.cinfo`) were written
longest ago, and writes a record anew when a reader has closed its file. A record with a date in the far future is thus
cleared up last, and the keeper gives pinned files such a date again within seconds of each reader.
"""

from __future__ import annotations

import json
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from lumihub.data.cached import record_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

SHARE = 0.5
"""Of the cache's size that may be pinned. Clearing up ends at 0.7: the rest keeps pinned files out of its reach also in
the seconds in which a reader has just made one as young as all that came in since."""

SECONDS = 10.0
"""Between two looks at the pinned files."""

# The first second of the year 2100.
_LAST = 4102444800


class Pins:
    """The pinned files of one cache.

    Args:
        file: where their paths are kept.
        folder: the cache's data folder joined with the origin's path.
    """

    def __init__(self, file: Path, folder: Path) -> None:
        self._file, self._folder = file, folder
        self._lock = threading.Lock()
        try:
            self._sizes = {str(path): int(size) for path, size in json.loads(file.read_text("utf-8")).items()}
        except (OSError, ValueError, TypeError, AttributeError):
            self._sizes = {}

    def sizes(self) -> dict[str, int]:
        """Bytes of each whole file by its path below the origin's folder; also of files that are not in the cache."""
        with self._lock:
            return dict(self._sizes)

    def add(self, sizes: Mapping[str, int]) -> None:
        """Hold these files from now on."""
        self._change(lambda held: {**held, **sizes})
        self.hold()

    def remove(self, paths: Iterable[str]) -> None:
        """Hold these files no longer: they are cleared up as if they had been read now."""
        gone = set(paths) & self.sizes().keys()
        self._change(lambda held: {path: size for path, size in held.items() if path not in gone})
        for path in gone:
            with suppress(FileNotFoundError):
                os.utime(record_of(self._folder, path))

    def hold(self) -> None:
        """Give every pinned file that is here the date that keeps it."""
        for path in self.sizes():
            record = record_of(self._folder, path)
            with suppress(FileNotFoundError):
                if record.stat().st_mtime != _LAST:
                    os.utime(record, (_LAST, _LAST))

    def hold_for_ever(self) -> None:
        """Look after them until the process ends."""
        pause = threading.Event()
        while not pause.wait(SECONDS):
            # A disk that is full or gone for a moment must not end it.
            with suppress(OSError):
                self.hold()

    def _change(self, change: Callable[[dict[str, int]], dict[str, int]]) -> None:
        with self._lock:
            wanted = change(self._sizes)
            beside = self._file.with_name(f"{self._file.name}.{os.getpid()}")
            beside.write_text(json.dumps(wanted, sort_keys=True), "utf-8")
            beside.replace(self._file)
            self._sizes = wanted
