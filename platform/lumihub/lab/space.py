"""Whether a student's home has room, and what fills it."""

from __future__ import annotations

import errno
import os
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

# A server writes its settings, the list of trusted notebooks and kernels' histories: this much must fit.
_NEEDED_SPACE = 256 * 1024
# Enough for what people make by hand and by `pip install`; looking at more would keep the server from answering.
_MOST_FILES = 50_000
# Of the page that tells it, below the address of the student's server.
PATH = "full-home"
FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder that lies directly in the home.

    Attributes:
        name: with a slash at the end when it is a folder.
        size: bytes of disk that it takes with all that is in it.
        mostly: the file in it that takes half of that or more, by its path in the folder; empty where none does.
    """

    name: str
    size: int
    mostly: str = ""

    def __str__(self) -> str:
        from lumihub.settings.quantities import format_bytes

        said = f", most of it in {self.mostly}" if self.mostly else ""
        return f"{self.name} ({format_bytes(self.size)}{said})"


def home_is_writable(home: Path) -> bool:
    """Whether a server can keep its own small files there: false on a full disk, a spent quota or a read-only mount."""
    try:
        with tempfile.NamedTemporaryFile(dir=home, prefix=".lumihub-") as probe:
            probe.write(b"\1" * _NEEDED_SPACE)
            probe.flush()
            os.fsync(probe.fileno())
    except OSError:
        return False
    return True


def find_biggest(home: Path, most: int = 5) -> list[Entry]:
    """What takes most room in the home, biggest first; links are not followed, and what cannot be read is left out."""
    sizes: defaultdict[str, int] = defaultdict(int)
    largest: dict[str, tuple[int, str]] = {}
    seen = 0
    for folder, _, names in os.walk(home):
        inside = Path(folder).relative_to(home).parts
        for name in names:
            seen += 1
            try:
                # What a file takes on disk: quotas count that, and sparse files take less than they are long.
                size = Path(folder, name).lstat().st_blocks * 512
            except OSError:
                continue
            entry = f"{inside[0]}/" if inside else name
            sizes[entry] += size
            largest[entry] = max(largest.get(entry, (0, "")), (size, "/".join((*inside[1:], name))))
        if seen > _MOST_FILES:
            break
    ordered = sorted(sizes, key=lambda name: (-sizes[name], name))[:most]
    return [Entry(name, sizes[name], _mostly(name, sizes[name], *largest[name])) for name in ordered]


def _mostly(name: str, size: int, largest: int, path: str) -> str:
    return path if name.endswith("/") and size and largest * 2 >= size else ""


def describe_biggest(home: Path) -> str:
    """The biggest in one line, such as `results/ (80.0 MB, most of it in run/big.bin), plot.png (1.2 MB)`."""
    return ", ".join(map(str, find_biggest(home))) or "nothing of yours"
