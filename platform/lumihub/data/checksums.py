"""adler32, the checksum that CERN publishes for every file."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Bytes read at once: big enough for the link, small enough to stop and to show progress soon.
BLOCK = 1024 * 1024
EMPTY = 1


def compute_adler32(path: Path, advance: Callable[[float], None] | None = None) -> str:
    """adler32 of a whole file, as eight hexadecimal digits; `advance` is told of each block's bytes."""
    checksum = EMPTY
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            checksum = zlib.adler32(block, checksum)
            if advance:
                advance(len(block))
    return format_adler32(checksum)


def format_adler32(checksum: int) -> str:
    """The number as manifests write it."""
    return f"{checksum:08x}"
