"""What lies in the cache: its own records of each file, checking against the manifest, and eviction.

XRootD keeps a `.cinfo` file beside each cached file: which blocks are here, and how many bytes readers got from them.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lumihub.data.checksums import compute_adler32

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from lumihub.data.records import DataFile
    from lumihub.progress import Progress, Task

_SUFFIX = ".cinfo"
# Version 4, as XRootD 5 writes it: block size, file size, made, unchecked since, accesses, state, access records.
_HEADER = struct.Struct("<i5qii")
_CHECKSUM_BYTES = 4
# Opened, closed, readers, seconds, merged, padding, bytes hit, missed and bypassed.
_ACCESS = struct.Struct("<2q4i3q")


@dataclass(frozen=True, slots=True)
class CachedFile:
    """A file in the cache.

    Attributes:
        path: below the origin's folder.
        size: bytes of the whole file.
        held: bytes that are here; each came from the origin once.
        hit: bytes that readers got from what was here when they asked.
        missed: bytes that readers had to wait for.
        bypassed: bytes that went by without being kept.
    """

    path: str
    size: int
    held: int
    hit: int
    missed: int
    bypassed: int

    @property
    def complete(self) -> bool:
        """Whether all of it is here."""
        return self.held == self.size


@dataclass(frozen=True, slots=True)
class CacheCounters:
    """Sums over the files that are in the cache now; what was evicted or purged takes its counts along.

    Attributes:
        files: how many files, of which `complete` are here whole.
        held: bytes on disk.
        served: bytes that readers got.
        hit: bytes of those that were here when they were asked for.
        from_origin: bytes that came over the link.
    """

    files: int
    complete: int
    held: int
    served: int
    hit: int
    from_origin: int

    @property
    def hit_rate(self) -> float | None:
        """Share of the bytes served that were here already, None before the first reader."""
        return self.hit / self.served if self.served else None

    @property
    def saved(self) -> int:
        """Bytes that did not cross the link; 0 while readers got less than came in."""
        return max(0, self.served - self.from_origin)


def read_cached(folder: Path) -> Iterator[CachedFile]:
    """The files in the cache, by path.

    Args:
        folder: the cache's data folder joined with the origin's path, below which the releases lie.
    """
    for record in sorted(folder.rglob(f"*{_SUFFIX}")):
        found = _read_record(record, record.relative_to(folder).as_posix().removesuffix(_SUFFIX))
        if found:
            yield found


def count_cached(files: Iterable[CachedFile]) -> CacheCounters:
    """Sum the counters of cached files."""
    every = list(files)
    return CacheCounters(
        files=len(every),
        complete=sum(file.complete for file in every),
        held=sum(file.held for file in every),
        served=sum(file.hit + file.missed + file.bypassed for file in every),
        hit=sum(file.hit for file in every),
        from_origin=sum(file.held + file.bypassed for file in every),
    )


def record_of(folder: Path, path: str) -> Path:
    """XRootD's own record of a cached file."""
    return folder / f"{path}{_SUFFIX}"


def evict(folder: Path, path: str) -> bool:
    """Take one file out of the cache, so that it comes from the origin anew; False when it was not there.

    Readers that have it open go on with what they have, and until the last of them closed it the cache keeps nothing
    of it that others read.
    """
    data, record = folder / path, record_of(folder, path)
    there = record.exists()
    # The record first: without it XRootD throws the data away, the other way round it would trust blocks that are gone.
    record.unlink(missing_ok=True)
    data.unlink(missing_ok=True)
    return there


def find_damaged(folder: Path, files: Iterable[DataFile], progress: Progress) -> tuple[list[DataFile], int, int]:
    """Compare the files that are whole in the cache with their checksums.

    Returns:
        the files whose bytes are wrong, how many were compared, and how many are here in part
        only, which nothing can check.
    """
    here = {file.path: file for file in read_cached(folder)}
    whole = [file for file in files if file.path in here and here[file.path].complete]
    partial = sum(not file.complete for file in here.values())
    with progress.task("comparing cached files", sum(file.size for file in whole), "bytes") as task:
        damaged = [file for file in whole if not _is_right(folder, file, here[file.path], task)]
    return damaged, len(whole), partial


def _is_right(folder: Path, file: DataFile, held: CachedFile, task: Task) -> bool:
    return held.size == file.size and compute_adler32(folder / file.path, task.advance) == file.adler32


def _read_record(record: Path, path: str) -> CachedFile | None:
    """None where the record is of another version or was cut short; XRootD itself mends those when the file is read."""
    raw = record.read_bytes()
    try:
        version, block, size, _made, _unchecked, _accesses, _state, records = _HEADER.unpack_from(raw)
        if version != 4 or block <= 0:
            return None
        blocks = -(-size // block)
        start = _HEADER.size + _CHECKSUM_BYTES
        bits = raw[start : start + -(-blocks // 8)]
        accesses = [_ACCESS.unpack_from(raw, start + len(bits) + _ACCESS.size * i) for i in range(records)]
    except struct.error:
        return None
    present = [index for index in range(blocks) if bits[index // 8] >> index % 8 & 1]
    held = len(present) * block - (blocks * block - size if blocks - 1 in present else 0)
    hit, missed, bypassed = (sum(access[6 + i] for access in accesses) for i in range(3))
    return CachedFile(path, size, held, hit, missed, bypassed)
