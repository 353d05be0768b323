"""Events from files: only needed branches, in ranges that fit into memory; plain words when a file is not well."""

from __future__ import annotations

import difflib
from collections import OrderedDict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import uproot
from fsspec.core import url_to_fs

from lumihub.data import storage_options
from lumihub.data.outages import find_outage, require_answer
from lumihub.errors import Fault, InputError, LumiHubError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import awkward as ak

TREE = "mini"


# uproot keeps a range as it lies in the file, decompressed, and as arrays; a selection needs some columns more.
COPIES_IN_MEMORY = 6
LARGEST_STEP = 200_000
SMALLEST_STEP = 1_000
# Files kept open in one process between ranges: reading the description of a tree again costs tens of milliseconds.
_MOST_OPEN = 4


def use_decompressor(library: Literal["zlib", "isal"]) -> None:
    """Choose what reads the released files, which are compressed with zlib: isal understands the same, faster."""
    uproot.ZLIB.library = library
    # In uproot 5.7 the public setting does not reach the instance that reads.
    getattr(uproot.compression, "_decompress_ZLIB", uproot.ZLIB).library = library


use_decompressor("isal")


@dataclass(frozen=True, slots=True)
class EntryRange:
    """Events `start` to `stop` (not included) of one file."""

    path: str
    start: int
    stop: int

    @property
    def events(self) -> int:
        """How many."""
        return self.stop - self.start


class OpenFiles:
    """Files that one run has open in this process."""

    def __init__(self) -> None:
        self._run = ""
        self._open: OrderedDict[str, Any] = OrderedDict()
        self._told: dict[str, int] = {}

    def tree(self, path: str, run: str) -> Any:
        """The tree of a file, opened once in a run.

        Args:
            path: path or URL.
            run: name of the run; files of another are closed first, because they may have changed since.

        Raises:
            InputError: there is no such file.
            LumiHubError: it is not a whole ROOT file with the tree, or its server does not answer.
        """
        if run != self._run:
            self.close()
            self._run = run
        if path not in self._open:
            while len(self._open) >= _MOST_OPEN:
                self._close_oldest()
            self._open[path] = _open_tree(path)
        self._open.move_to_end(path)
        return self._open[path]

    def take_bytes(self, path: str) -> int:
        """Bytes asked of an open file's source since this was last called, its header and tree included."""
        asked = int(self._open[path].file.source.num_requested_bytes)
        new, self._told[path] = asked - self._told.get(path, 0), asked
        return new

    def close(self) -> None:
        """Close all."""
        while self._open:
            self._close_oldest()

    def _close_oldest(self) -> None:
        path, tree = self._open.popitem(last=False)
        self._told.pop(path, None)
        tree.file.close()


def check_branches(tree: Any, names: Sequence[str], path: str) -> None:
    """See that all branches are there.

    Raises:
        InputError: some are not; names them all, each with the nearest that is there.
    """
    present = set(tree.keys(recursive=False))
    faults = [
        Fault(
            f"the branch {name} is not in the tree {TREE}",
            where=path,
            hint=", ".join(difflib.get_close_matches(name, present, 3, 0.6)),
            fix="check the branch's name, and that the file is of the 2020 release",
        )
        for name in names
        if name not in present
    ]
    if faults:
        raise InputError.from_faults(faults)


def plan_ranges(tree: Any, names: Sequence[str], path: str, memory: int) -> list[EntryRange]:
    """Ranges of a file that fit into memory and begin where baskets begin, so that none is decompressed twice.

    Args:
        tree: as from `OpenFiles.tree`.
        names: branches that will be read.
        path: of the file.
        memory: bytes that one range may take with all its copies.
    """
    entries = int(tree.num_entries)
    size = sum(tree[name].uncompressed_bytes for name in names)
    per_event = max(1.0, size / max(1, entries))
    step = int(min(max(memory / (COPIES_IN_MEMORY * per_event), SMALLEST_STEP), LARGEST_STEP))
    edges = list(
        _range_edges([int(edge) for edge in tree.common_entry_offsets(filter_name=list(names))], entries, step)
    )
    return [EntryRange(path, start, stop) for start, stop in pairwise(edges)]


def load_events(tree: Any, names: Sequence[str], entries: EntryRange) -> ak.Array:
    """The branches of a range, as one awkward array of records; energies in MeV as in the file.

    Raises:
        InputError: a branch is not there.
        LumiHubError: the file ends too early or is broken.
    """
    check_branches(tree, names, entries.path)
    try:
        return tree.arrays(list(names), entry_start=entries.start, entry_stop=entries.stop)
    except (
        Exception
    ) as error:  # a broken file shows as almost anything: zlib.error, OSError, struct.error, ValueError...
        raise _broken(entries.path, error) from error


def read(path: str, *names: str, most: int | None = None) -> ak.Array:
    """Events of one file with the named branches alone, for a cell that looks at them itself.

    Args:
        path: path or URL, as from `lumihub.data.files`.
        names: branches; energies and momenta are in MeV.
        most: read no more than this many events.

    Raises:
        InputError: the file or a branch is not there; says which are near.
        LumiHubError: the file is damaged or cannot be reached.
    """
    files = OpenFiles()
    try:
        tree = files.tree(path, "read")
        stop = int(tree.num_entries) if most is None else min(most, int(tree.num_entries))
        return load_events(tree, names, EntryRange(path, 0, stop))
    finally:
        files.close()


def _range_edges(offsets: list[int], entries: int, step: int) -> Iterator[int]:
    start = 0
    yield start
    while start < entries:
        reachable = [edge for edge in offsets if start < edge <= start + step]
        start = max(reachable) if reachable else min(start + step, entries)
        yield start


def _open_tree(path: str) -> Any:
    require_answer(path)
    try:
        file = uproot.open({path: None}, array_cache=None, **storage_options(path))
    except FileNotFoundError as error:
        raise InputError(
            "the file is not there",
            where=path,
            fix="check the name, or see which there are with `./deploy.py data list`",
        ) from error
    except Exception as error:  # as above
        raise _broken(path, error) from error
    if TREE not in file.keys(cycle=False):
        raise InputError(
            f"the file has no tree {TREE}",
            where=path,
            hint=", ".join(difflib.get_close_matches(TREE, file.keys(cycle=False), 1, 0.3)),
            fix="give files of the 2020 release",
        )
    try:
        return file[TREE]
    except Exception as error:  # as above
        raise _broken(path, error) from error


def _let_go(path: str) -> None:
    """Close what this process has open where a file could not be read.

    fsspec keeps handles for half a minute after they were last used, and XRootD's never recover: who tries again sooner
    would be told the same for ever.
    """
    if "://" in path:
        filesystem, _ = url_to_fs(path, **storage_options(path))
        filesystem.invalidate_cache()


def _broken(path: str, error: Exception) -> LumiHubError:
    """Give up on a file, and say why."""
    _let_go(path)
    if outage := find_outage(path, error):
        return outage
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return LumiHubError(
        f"the file cannot be read, it may be cut short or damaged ({reason})",
        where=path,
        fix="compare it with its checksum (`./deploy.py data verify`) and fetch it again",
    )
