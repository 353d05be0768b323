"""A file that is coming in: locked against other fetches, checked as it grows, named when it is whole."""

from __future__ import annotations

import errno
import fcntl
import os
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lumihub.data.checksums import BLOCK, EMPTY, format_adler32
from lumihub.errors import LumiHubError
from lumihub.settings.quantities import format_bytes

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator
    from io import FileIO
    from pathlib import Path

PARTIAL = ".part"


class Stopped(Exception):  # noqa: N818
    """The transfer was asked to stop; what came in is kept."""


class DiskFullError(LumiHubError):
    """The disk filled up in the middle of a transfer.

    Args:
        folder: where files were going.
        missing: bytes that still have to come.
    """

    def __init__(self, folder: Path, missing: int) -> None:
        super().__init__(
            f"the disk is full: {format_bytes(missing)} still have to come",
            where=str(folder),
            fix="make room or set data.folder to a bigger disk; the same command then goes on where it stopped",
        )


class Partial:
    """The bytes of a file that are here so far.

    Attributes:
        length: how many.
    """

    def __init__(self, target: Path, stream: FileIO) -> None:
        self._target = target
        self._stream = stream
        self.length = 0
        self._checksum = EMPTY
        # An earlier try left bytes: their checksum is begun from the disk, so nothing beside the file has to be kept.
        while block := stream.read(BLOCK):
            self._count(block)

    @property
    def adler32(self) -> str:
        """Checksum of what is here."""
        return format_adler32(self._checksum)

    def append(self, block: bytes, *, size: int) -> None:
        """Add bytes to the end.

        Raises:
            DiskFullError: they found no room; the file stays as long as it was written. `size` tells what is missing.
        """
        rest = memoryview(block)
        while rest:
            try:
                written = self._stream.write(rest)
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    raise
                raise DiskFullError(self._target.parent, size - self.length) from error
            self._count(rest[:written])
            rest = rest[written:]

    def empty(self) -> None:
        """Throw away what is here."""
        self._stream.truncate(0)
        self.length, self._checksum = 0, EMPTY

    def finish(self) -> None:
        """Give it its name, once its bytes are on the disk."""
        # Students read it under other accounts, whatever umask the admin has.
        os.fchmod(self._stream.fileno(), 0o644)
        os.fsync(self._stream.fileno())
        partial_path(self._target).replace(self._target)
        folder = os.open(self._target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _count(self, block: bytes | memoryview) -> None:
        self._checksum = zlib.adler32(block, self._checksum)
        self.length += len(block)


def partial_path(target: Path) -> Path:
    """Where a file lies until it is whole."""
    return target.with_name(target.name + PARTIAL)


def is_whole(target: Path, size: int) -> bool:
    """Whether the file is here. Its checksum was right when it got its name; `verify` reads it again."""
    try:
        return target.stat().st_size == size
    except FileNotFoundError:
        return False


@contextmanager
def open_partial(target: Path, stop: threading.Event) -> Iterator[Partial]:
    """The partial file, for this process alone; waits while another fetch has it. The kernel unlocks it after a kill.

    Raises:
        Stopped: `stop` was set while waiting.
    """
    path = partial_path(target)
    while not stop.is_set():
        # Unbuffered: what counts as arrived must be with the kernel when this process is killed.
        with path.open("ab+", buffering=0) as stream:
            while not _try_lock(stream):
                if stop.wait(0.2):
                    raise Stopped
            # Whoever had it may have given it its name since: then this is not the partial file any more.
            if _is_same(stream, path):
                stream.seek(0)
                yield Partial(target, stream)
                return
    raise Stopped


def _try_lock(stream: FileIO) -> bool:
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_same(stream: FileIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    except FileNotFoundError:
        return False
