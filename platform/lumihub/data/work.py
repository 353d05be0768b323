"""Data work as an order: which files, from where, to where. The admin's tool writes it; it is done where the data are.

One machine carries it out with threads of the tool itself, a cluster with the workers of the platform's Dask.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from lumihub.data.records import DataFile

if TYPE_CHECKING:
    import threading

    from lumihub.errors import LumiHubError

Verb = Literal["warm", "fetch", "verify"]
Advance = Callable[[float], None]


class WorkOrder(BaseModel):
    """What is to be done.

    Attributes:
        verb: `warm` reads files whole through a cache, `fetch` copies them to a target, `verify` reads and compares.
        source: URL or folder below which the files lie; of several caches with all their hosts, separated by commas.
        target: of `fetch`: a folder, or the URL of a bucket with a folder in it.
        files: the files.
        streams: files at once, over all workers.
        timeout: seconds without an answer after which a file is tried anew.
        request: the key of the order with all files that were asked for, where these are only those still missing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    verb: Verb
    source: str
    target: str = ""
    files: tuple[DataFile, ...] = Field(min_length=1)
    streams: int = 4
    timeout: float = 60
    request: str = ""

    def only(self, files: tuple[DataFile, ...]) -> WorkOrder:
        """The same request, of which these files are still to be done."""
        return self.model_copy(update={"files": files, "request": self.key})

    @property
    def largest_first(self) -> tuple[DataFile, ...]:
        """Its files in the order in which they are begun, so that the last minutes are not one long file alone."""
        return tuple(sorted(self.files, key=lambda file: -file.size))

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(file.size for file in self.files)

    @property
    def key(self) -> str:
        """The same for the same request, however much of it was done in between."""
        return self.request or hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    def pack(self) -> bytes:
        """As bytes, small enough for a Kubernetes object also with all files of a release."""
        return gzip.compress(self.model_dump_json().encode(), mtime=0)

    @classmethod
    def unpack(cls, packed: bytes) -> WorkOrder:
        """What `pack` made."""
        return cls.model_validate_json(gzip.decompress(packed))


@dataclass(frozen=True)
class Report:
    """What came of an order.

    Attributes:
        done: paths of files that are as they should be.
        bytes: bytes that were read for them from the source now.
        seconds: time it took.
        faults: why files are not, by path.
        damaged: paths of files whose bytes are wrong, which reading again can't mend; they are among the faults.
    """

    done: tuple[str, ...]
    bytes: int
    seconds: float
    faults: dict[str, LumiHubError]
    damaged: tuple[str, ...] = ()


def carry_out(order: WorkOrder, file: DataFile, advance: Advance, stop: threading.Event) -> int:
    """Do for one file what the order says; nothing is done where it is done already.

    Args:
        order: what to do.
        file: one of its files.
        advance: told the bytes that are done, and minus those that turned out to be worth nothing.
        stop: set to stop at the next block.

    Returns:
        bytes that were read from the source.

    Raises:
        LumiHubError: it could not be done; `DamagedError` where the bytes are wrong.
        Stopped: `stop` was set.
    """
    from lumihub.data.objects import ObjectTransfer
    from lumihub.data.origins import Origin
    from lumihub.data.reading import read_whole
    from lumihub.data.sharing import pick_host
    from lumihub.data.transfer import Transfer

    origin = Origin(pick_host(order.source, file.path), timeout=order.timeout)
    if order.verb in ("warm", "verify"):
        return read_whole(origin, file, advance, stop)
    if "://" in order.target:
        return ObjectTransfer(origin, order.target, advance, stop).fetch(file)
    return Transfer(origin, Path(order.target), advance, stop).fetch(file)
