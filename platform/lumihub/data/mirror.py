"""The mirror: which files are here, whether there is room for more, whether they are right, and their removal."""

from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lumihub.data.checksums import compute_adler32
from lumihub.data.partial import is_whole, partial_path
from lumihub.errors import LumiHubError
from lumihub.settings.quantities import format_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from lumihub.data.records import Catalogue, DataFile
    from lumihub.progress import Progress

# Left free for everything else on the disk.
_HEADROOM = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Usage:
    """What of a collection is here.

    Attributes:
        files: files that are here whole, of `total_files`.
        bytes: their bytes, of `total_bytes`.
        partial_bytes: bytes of files that are still coming in.
    """

    collection: str
    files: int
    total_files: int
    bytes: int
    total_bytes: int
    partial_bytes: int


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What reading the files again showed: how many are right, and which are not (path: why)."""

    right: int
    bytes: int
    wrong: dict[str, str]


def find_missing(files: Iterable[DataFile], folder: Path) -> tuple[DataFile, ...]:
    """The files that are not here whole."""
    return tuple(file for file in files if not is_whole(folder / file.path, file.size))


def find_present(files: Iterable[DataFile], folder: Path) -> tuple[DataFile, ...]:
    """The files that are here under their names, whatever is in them."""
    return tuple(file for file in files if (folder / file.path).is_file())


def count_missing_bytes(files: Iterable[DataFile], folder: Path) -> int:
    """Bytes that still have to come: those of files that are here, whole or in part, are taken off."""
    return sum(
        file.size - min(file.size, _size(partial_path(folder / file.path))) for file in find_missing(files, folder)
    )


def ensure_open_folder(folder: Path) -> None:
    """Make a folder, and those it lies in, so that students can read it whatever umask the admin has."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    for place in reversed(missing):
        place.mkdir(exist_ok=True)
        place.chmod(0o755)


def ensure_room(files: Sequence[DataFile], folder: Path) -> None:
    """Make the folder, and see that the files fit onto its disk.

    Raises:
        LumiHubError: they do not; says how much room is missing.
    """
    ensure_open_folder(folder)
    usage = shutil.disk_usage(folder)
    headroom = min(_HEADROOM, usage.total // 20)
    needed = count_missing_bytes(files, folder)
    short = needed + headroom - usage.free
    if short > 0:
        raise LumiHubError(
            f"the files need {format_bytes(needed)} and {format_bytes(usage.free)} are free:"
            f" {format_bytes(short)} too little, {format_bytes(headroom)} kept free included",
            where=str(folder),
            fix="make room, choose fewer samples with --sample, or set data.folder to a bigger disk",
        )


def measure_usage(catalogue: Catalogue, folder: Path) -> tuple[Usage, ...]:
    """What of each collection is in the mirror."""
    found = []
    for name in catalogue.collections:
        files = list(catalogue.in_collection(name).values())
        here = [file for file in files if is_whole(folder / file.path, file.size)]
        coming = sum(_size(partial_path(folder / file.path)) for file in files)
        found.append(Usage(name, len(here), len(files), sum(f.size for f in here), sum(f.size for f in files), coming))
    return tuple(found)


def verify_files(files: Sequence[DataFile], folder: Path, progress: Progress, *, threads: int = 4) -> VerifyReport:
    """Read files that are here again and compare sizes and checksums."""
    stop = threading.Event()
    with progress.task("verifying", sum(file.size for file in files), "bytes") as task:

        def check(file: DataFile) -> str:
            path = folder / file.path
            size = path.stat().st_size
            if size != file.size:
                task.advance(file.size)
                return f"{size} bytes in place of {file.size}"

            def advance(amount: float) -> None:
                task.advance(amount)
                if stop.is_set():
                    raise InterruptedError

            found = compute_adler32(path, advance)
            return "" if found == file.adler32 else f"adler32 {found} in place of {file.adler32}"

        with ThreadPoolExecutor(threads, thread_name_prefix="verify") as pool:
            try:
                verdicts = dict(zip(files, pool.map(check, files), strict=True))
            finally:
                stop.set()
    wrong = {file.path: verdict for file, verdict in verdicts.items() if verdict}
    return VerifyReport(len(files) - len(wrong), sum(file.size for file in files), wrong)


def remove_files(files: Iterable[DataFile], folder: Path) -> int:
    """Remove files and what is there of them in part; folders left empty go too. Returns the bytes that became free."""
    freed = 0
    for file in files:
        target = folder / file.path
        for path in (target, partial_path(target)):
            freed += _size(path)
            path.unlink(missing_ok=True)
        for parent in target.parents:
            if parent == folder or not parent.is_dir() or any(parent.iterdir()):
                break
            parent.rmdir()
    return freed


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
