"""Files from an origin to a folder: by blocks, resumable, checked while they come in, whole or not there at all."""

from __future__ import annotations

import threading
import time
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lumihub.data.checksums import BLOCK
from lumihub.data.mirror import count_missing_bytes, ensure_open_folder
from lumihub.data.partial import DiskFullError, Partial, is_whole, open_partial, partial_path
from lumihub.data.reading import PAUSES, check, read_blocks
from lumihub.errors import LumiHubError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from lumihub.data.origins import Origin
    from lumihub.data.records import DataFile
    from lumihub.progress import Progress


@dataclass(frozen=True)
class Transfer:
    """How files come in.

    Attributes:
        origin: where from.
        folder: where to.
        advance: told the bytes of each block that is here, and minus those that were thrown away.
        stop: set to stop at the next block.
        pauses: seconds before each new try after a passing fault; a block that comes in begins the row anew.
    """

    origin: Origin
    folder: Path
    advance: Callable[[float], None]
    stop: threading.Event = field(default_factory=threading.Event)
    pauses: tuple[float, ...] = PAUSES

    def fetch(self, file: DataFile) -> int:
        """Bring one file; nothing is done where it is here with its right size.

        Bytes of an earlier try are kept, and only the rest is asked for. The file gets its name when size and adler32
        are right and its bytes are on the disk.

        Returns:
            bytes that came from the origin.

        Raises:
            LumiHubError: the origin has not got it, its bytes are wrong, it fails again and again, or the disk is full.
            Stopped: `stop` was set.
        """
        target = self.folder / file.path
        ensure_open_folder(target.parent)
        if is_whole(target, file.size):
            self.advance(file.size)
            return 0
        with open_partial(target, self.stop) as partial:
            if is_whole(target, file.size):  # another fetch was faster
                partial_path(target).unlink(missing_ok=True)
                self.advance(file.size)
                return 0
            self.advance(partial.length)
            try:
                came = self._fill(file, partial)
            except DiskFullError:
                self.stop.set()  # the others would only fill what somebody else frees now
                raise
            partial.finish()
        return came

    def _fill(self, file: DataFile, partial: Partial) -> int:
        """Complete the file. A wrong checksum after resuming may be the old bytes' fault, so that begins anew, once."""
        if partial.length > file.size:
            self._empty(partial)
        resumed = partial.length
        self._complete(file, partial)
        came = file.size - resumed
        if partial.adler32 != file.adler32 and resumed:
            self._empty(partial)
            self._complete(file, partial)
            came += file.size
        found = partial.adler32
        if found != file.adler32:
            self._empty(partial)
        check(self.origin, file, found)
        return came

    def _empty(self, partial: Partial) -> None:
        self.advance(-partial.length)
        partial.empty()

    def _complete(self, file: DataFile, partial: Partial) -> None:
        for block in read_blocks(self.origin, file, self.stop, start=partial.length, pauses=self.pauses):
            partial.append(block, size=file.size)
            self.advance(len(block))


@dataclass(frozen=True)
class FetchReport:
    """What a fetch did.

    Attributes:
        arrived: files that came in now.
        already: files that were here before.
        bytes: bytes that came from the origin.
        seconds: time it took.
        faults: why files did not arrive, by path.
    """

    arrived: tuple[str, ...]
    already: tuple[str, ...]
    bytes: int
    seconds: float
    faults: dict[str, LumiHubError]


def fetch_files(
    files: Sequence[DataFile], origin: Origin, folder: Path, progress: Progress, *, streams: int = 4
) -> FetchReport:
    """Bring files, several at once.

    A file that fails does not stop the others; a full disk does. Interrupting leaves what came in for the next call.

    Raises:
        DiskFullError: the disk filled up.
    """
    began = time.monotonic()
    stop = threading.Event()
    already = tuple(file.path for file in files if is_whole(folder / file.path, file.size))
    with progress.task("fetching", sum(file.size for file in files), "bytes") as task:
        transfer = Transfer(origin, folder, task.advance, stop)
        pool = ThreadPoolExecutor(streams, thread_name_prefix="fetch")
        # Big files first, so that the last minutes are not one long file alone.
        waiting = {pool.submit(transfer.fetch, file): file for file in sorted(files, key=lambda file: -file.size)}
        try:
            done, rest = set(waiting), set(waiting)
            while rest:
                done, rest = wait(rest, return_when=FIRST_EXCEPTION)
                full = next((error for item in done if isinstance(error := item.exception(), DiskFullError)), None)
                if full:
                    raise DiskFullError(folder, count_missing_bytes(files, folder)) from full
        finally:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
    faults: dict[str, LumiHubError] = {}
    received = 0
    for item, file in waiting.items():
        error = item.exception()
        if isinstance(error, LumiHubError):
            faults[file.path] = error
        elif error:
            raise error
        else:
            received += item.result()
    arrived = tuple(file.path for file in files if file.path not in faults and file.path not in already)
    return FetchReport(arrived, already, received, time.monotonic() - began, faults)


def measure_rate(origin: Origin, file: DataFile, *, seconds: float = 2) -> float:
    """Bytes a second of one stream, found by reading the beginning of a file for about `seconds`.

    Raises:
        OriginError: it cannot be read.
    """
    began = time.monotonic()
    got = 0
    with origin.open(file.path, file.size) as source:
        while got < file.size and time.monotonic() - began < seconds:
            got += len(source.read(got, min(64 * 1024 if not got else BLOCK, file.size - got)))
    return got / max(time.monotonic() - began, 1e-6)
