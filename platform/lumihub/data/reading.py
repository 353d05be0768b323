"""Reading whole files of an origin or through a cache, with patience, and comparing them with the manifest."""

from __future__ import annotations

import time
import zlib
from typing import TYPE_CHECKING

from lumihub.data.checksums import BLOCK, EMPTY, format_adler32
from lumihub.data.origins import OriginError, join_url
from lumihub.data.partial import Stopped
from lumihub.errors import LumiHubError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    from lumihub.data.origins import Origin
    from lumihub.data.records import DataFile

PAUSES = (1.0, 2.0, 4.0, 8.0)
"""Seconds before each new try after a passing fault; a block that comes in begins the row anew."""

# A far origin keeps a stream waiting once a block. A block that came sooner than this is followed by one twice as big:
# little is lost when a slow link breaks, and a fast one hardly waits.
_QUICK_SECONDS = 1.0
LARGEST_BLOCK = 16 * BLOCK


class DamagedError(LumiHubError):
    """The bytes of a file are not what the manifest says."""


def read_blocks(
    origin: Origin,
    file: DataFile,
    stop: threading.Event,
    *,
    start: int = 0,
    largest: int = LARGEST_BLOCK,
    pauses: tuple[float, ...] = PAUSES,
) -> Iterator[bytes]:
    """The bytes of a file from `start`, block by block; after a passing fault it goes on where it was.

    Raises:
        LumiHubError: the origin has not got it, or fails again and again without a block between.
        Stopped: `stop` was set.
    """
    at, rest = start, iter(pauses)
    while at < file.size:
        before = at
        try:
            for block in _read_on(origin, file, at, stop, largest):
                at += len(block)
                yield block
        except OriginError as error:
            if at > before:
                rest = iter(pauses)
            pause = None if error.lasting else next(rest, None)
            if pause is None:
                raise LumiHubError(
                    f"{file.path} did not arrive: {error}",
                    fix="see whether the origin holds it"
                    if error.lasting
                    else "type the same command again; it goes on where it stopped",
                ) from error
            if stop.wait(pause):
                raise Stopped from error


def _read_on(origin: Origin, file: DataFile, at: int, stop: threading.Event, largest: int) -> Iterator[bytes]:
    """The blocks from `at`, until the end or a fault."""
    length = min(BLOCK, largest)
    with origin.open(file.path, file.size) as source:
        while at < file.size:
            if stop.is_set():
                raise Stopped
            began = time.monotonic()
            block = source.read(at, min(length, file.size - at))
            if time.monotonic() - began < _QUICK_SECONDS:
                length = min(2 * length, largest)
            at += len(block)
            yield block


def read_whole(
    origin: Origin,
    file: DataFile,
    advance: Callable[[float], None],
    stop: threading.Event,
    *,
    pauses: tuple[float, ...] = PAUSES,
) -> int:
    """Read a file to its end and throw the bytes away: what is read through a cache is there afterwards.

    Returns:
        its bytes.

    Raises:
        DamagedError: they are not what the manifest says.
        LumiHubError: it could not be read.
    """
    checksum = EMPTY
    for block in read_blocks(origin, file, stop, pauses=pauses):
        checksum = zlib.adler32(block, checksum)
        advance(len(block))
    check(origin, file, format_adler32(checksum))
    return file.size


def check(origin: Origin, file: DataFile, found: str) -> None:
    """Compare a checksum with the manifest's.

    Raises:
        DamagedError: they differ.
    """
    if found != file.adler32:
        raise DamagedError(
            f"{file.path} came in with adler32 {found}, and the manifest says {file.adler32}",
            where=join_url(origin.url, file.path),
            fix="if the origin's file differs on purpose, make a manifest of it with `data manifest` and name it"
            " as data.origin.manifest",
        )
