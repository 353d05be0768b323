"""`data warm`, `fetch --to`, `verify` of a cache, `evict` and `pin`: alike on one machine and on a cluster."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lumihub.analysis.selection import check_size, find_files, find_nightly
from lumihub.data.cached import CacheCounters, count_cached
from lumihub.data.catalogue import load_catalogue
from lumihub.data.pins import SHARE as PINNED_SHARE
from lumihub.data.sharing import find_largest_share
from lumihub.data.work import Report, WorkOrder
from lumihub.errors import InputError, LumiHubError
from lumihub.operations.backends import pick_store
from lumihub.operations.data import combine_faults
from lumihub.settings.quantities import format_bytes, parse_memory

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lumihub.data.catalogue import Catalogue, DataFile, Release
    from lumihub.data.nightly import NightlyState
    from lumihub.data.store import DataStore
    from lumihub.progress import Progress
    from lumihub.settings import Settings

# The cache's record of a file tells what has reached the disk. A gigabyte may wait for that when the last reader has
# closed the file, and XRootD looks at such a file again every 30 s.
_RECORD_SECONDS = 90.0
# A file that it keeps has a record from when it was opened, if not yet of what it holds.
_NO_RECORD_SECONDS = 10.0


@dataclass(frozen=True)
class WarmPlan:
    """What warming would do.

    Attributes:
        files: all that was asked for; `missing` of them are not whole in the cache.
        bytes: that have to come over the link.
    """

    files: tuple[DataFile, ...]
    missing: tuple[DataFile, ...]
    bytes: int


@dataclass(frozen=True)
class CacheVerdict:
    """What reading cached files again showed.

    Attributes:
        right: files whose bytes are right.
        damaged: paths of those whose bytes are not.
        partial: files that are here in part, which nothing can check.
        repaired: paths that were thrown out and came anew with the right bytes.
    """

    right: int
    damaged: tuple[str, ...]
    partial: int
    repaired: tuple[str, ...] = ()


@dataclass(frozen=True)
class CollectionUsage:
    """What of a collection is in the cache, and what readers got of it.

    Attributes:
        files: that are whole, of `total_files`.
        bytes: that are here, of `total_bytes`.
        served: bytes that readers got since the cache was made; None where they are not counted.
        saved: bytes of those that did not cross the link.
        pinned: files that stay when others are cleared up.
    """

    collection: str
    files: int
    total_files: int
    bytes: int
    total_bytes: int
    served: int | None
    saved: int | None
    pinned: int = 0


class DataWorkshop:
    """The data verbs of one installation.

    Args:
        settings: the values file.
        release: in place of the settings' own.
        store: in place of the one that the settings name.
    """

    def __init__(self, settings: Settings, release: Release | None = None, store: DataStore | None = None) -> None:
        self._settings = settings
        self.catalogue: Catalogue = load_catalogue(release or settings.data.release, settings.data.origin.manifest)
        self._store = store or pick_store(settings)

    def choose(
        self,
        collections: Sequence[str],
        samples: Sequence[str],
        *,
        analysis: str = "",
        listed: Path | None = None,
        nightly: bool = False,
    ) -> tuple[DataFile, ...]:
        """The files that are meant: of collections and samples, of an analysis, of a list of paths, or of every night.

        Raises:
            InputError: a name is not known, or the list cannot be read.
        """
        if analysis:
            return find_files(analysis, self.catalogue)
        if nightly:
            return self._find_nightly()
        if listed is not None:
            return self._read_list(listed)
        return self.catalogue.select(collections, samples)

    def plan_warm(self, files: tuple[DataFile, ...]) -> WarmPlan:
        """Find out what of these files is missing in the cache, and whether it fits.

        Raises:
            LumiHubError: there is no cache, or it is too small for the files.
        """
        self._require_cache()
        held = {file.path: file.held for file in self._store.contents().files}
        missing = tuple(file for file in files if held.get(file.path, 0) < file.size)
        check_size(files, self._settings)
        return WarmPlan(files, missing, sum(file.size - held.get(file.path, 0) for file in missing))

    def warm(self, plan: WarmPlan, progress: Progress, *, streams: int) -> Report:
        """Read what is missing through the cache.

        Raises:
            LumiHubError: files did not arrive; names each and says why.
        """
        order = WorkOrder(verb="warm", source=self._store.cache_url, files=plan.files, streams=streams)
        report = self._store.work(order.only(plan.missing), progress)
        if report.damaged:
            self._store.evict(report.damaged)
        return _checked(self._find_unkept(report))

    def fetch(
        self, files: tuple[DataFile, ...], target: str, progress: Progress, *, streams: int, timeout: float
    ) -> Report:
        """Copy files to a bucket, a volume or a folder; what is there with the right sum is not sent again.

        Raises:
            LumiHubError: files did not arrive; names each and says why.
        """
        source = self._settings.data.origin.url
        order = WorkOrder(verb="fetch", source=source, target=target, files=files, streams=streams, timeout=timeout)
        return _checked(self._store.work(order, progress))

    def verify(
        self, files: tuple[DataFile, ...], progress: Progress, *, repair: bool, streams: int = 4
    ) -> CacheVerdict:
        """Read the files that are whole in the cache through it, and compare them with the manifest.

        Args:
            repair: throw wrong ones out, and bring them anew.

        Raises:
            LumiHubError: the cache or the work failed.
        """
        self._require_cache()
        here = {file.path: file for file in self._store.contents().files}
        whole = tuple(file for file in files if file.path in here and here[file.path].complete)
        partial = sum(file.path in here and not here[file.path].complete for file in files)
        if not whole:
            return CacheVerdict(0, (), partial)
        source = self._store.cache_url
        order = WorkOrder(verb="verify", source=source, files=files, streams=streams)
        report = self._store.work(order.only(whole), progress)
        broken = {path: error for path, error in report.faults.items() if path not in report.damaged}
        if broken:
            raise combine_faults(broken, len(whole))
        repaired: tuple[str, ...] = ()
        if repair and report.damaged:
            self._store.evict(report.damaged)
            again = tuple(file for file in whole if file.path in report.damaged)
            anew = self._store.work(WorkOrder(verb="warm", source=source, files=again, streams=streams), progress)
            repaired = _checked(self._find_unkept(anew)).done
        return CacheVerdict(len(report.done), report.damaged, partial, repaired)

    def evict(self, files: tuple[DataFile, ...]) -> tuple[str, ...]:
        """Throw files out of the cache; the paths of those that were there."""
        self._require_cache()
        return self._store.evict([file.path for file in files])

    def pin(self, files: tuple[DataFile, ...]) -> tuple[DataFile, ...]:
        """Hold files in the cache when others are cleared up; those of them that are not whole in it yet.

        Raises:
            InputError: more would be pinned than leaves room for other files.
        """
        self._require_cache()
        contents = self._store.contents()
        pinned = contents.pinned | {file.path: file.size for file in files}
        wanted = find_largest_share(pinned, len(self._settings.cache_names))
        room = int(self._cache_size * PINNED_SHARE)
        if wanted > room:
            raise InputError(
                f"data.cache.size: {format_bytes(wanted)} would be pinned, and at most {format_bytes(room)} of the"
                f" cache's {self._settings.data.cache.size} may be",
                fix="pin fewer files, let go of others with `./deploy.py data unpin`, or set data.cache.size to more"
                " and type `./deploy.py up`",
            )
        self._store.pin(files)
        whole = {file.path for file in contents.files if file.complete}
        return tuple(file for file in files if file.path not in whole)

    def unpin(self, files: tuple[DataFile, ...]) -> int:
        """Hold files no longer; how many of them were held."""
        self._require_cache()
        held = [file.path for file in files if file.path in self._store.contents().pinned]
        self._store.unpin(held)
        return len(held)

    def measure(self) -> tuple[tuple[CollectionUsage, ...], CacheCounters]:
        """What of each collection is in the cache, what readers got of it, and the sums of what is in it now."""
        self._require_cache()
        contents = self._store.contents()
        here = {file.path: file for file in contents.files}
        rows = []
        for name in self.catalogue.collections:
            files = list(self.catalogue.in_collection(name).values())
            held = [here[file.path] for file in files if file.path in here]
            served = saved = None
            if contents.consumption is not None:
                counts = [contents.consumption[file.path] for file in files if file.path in contents.consumption]
                served = sum(sum(one.values()) for one in counts)
                saved = sum(one["hit"] for one in counts)
            whole = sum(file.complete for file in held)
            size = sum(file.held for file in held)
            pinned = sum(file.path in contents.pinned for file in files)
            total = sum(file.size for file in files)
            rows.append(CollectionUsage(name, whole, len(files), size, total, served, saved, pinned))
        return tuple(rows), count_cached(contents.files)

    def nightly(self) -> NightlyState | None:
        """What `up` set for every night, and how it went last; None where there is nothing."""
        return self._store.nightly()

    def stop(self) -> bool:
        """End work that goes on in the cluster; False where there is none."""
        return self._store.stop()

    def _find_unkept(self, report: Report) -> Report:
        """The report, with a fault for each file that was read through the cache and is not whole in it.

        XRootD goes on with a file that somebody has open when it is thrown out: whoever reads it then reads bytes
        that have no name on the disk any more, and are gone with the last reader.
        """
        began = time.monotonic()
        while True:
            here = {file.path: file.complete for file in self._store.contents().files}
            unkept = [path for path in report.done if not here.get(path)]
            patience = _RECORD_SECONDS if any(path in here for path in unkept) else _NO_RECORD_SECONDS
            if not unkept or time.monotonic() - began > patience:
                break
            time.sleep(0.5)
        faults = {
            path: LumiHubError(
                f"{path} was read, but the cache keeps nothing of it: it was thrown out while a reader had it open",
                fix="close the notebooks that read it, or restart their kernels",
            )
            for path in unkept
        }
        return replace(
            report, done=tuple(path for path in report.done if path not in faults), faults=report.faults | faults
        )

    @property
    def _cache_size(self) -> int:
        return parse_memory(self._settings.data.cache.size)

    def _find_nightly(self) -> tuple[DataFile, ...]:
        if not self._settings.data.nightly.wanted:
            raise InputError(
                "--nightly: data.nightly names nothing",
                fix="name collections or analyses there, or here: ./deploy.py data warm 4lep",
            )
        return find_nightly(self._settings, self.catalogue)

    def _require_cache(self) -> None:
        settings = self._settings
        cluster = settings.kubernetes.context is not None
        if settings.data.mode != "cache" or (cluster and not settings.cache.enabled):
            key = "data.mode" if settings.data.mode != "cache" else "cache.enabled"
            raise InputError(
                f"{key}: there is no cache under these settings",
                fix="set data.mode to cache and cache.enabled to true, and type `./deploy.py up`",
            )
        if urlsplit(settings.data.origin.url).scheme not in ("root", "http", "https"):
            raise InputError(
                f"data.origin.url: the cache does not read from {settings.data.origin.url}",
                fix="name a root:// or https:// origin, and type `./deploy.py up`",
            )

    def _read_list(self, listed: Path) -> tuple[DataFile, ...]:
        try:
            names = [line.strip() for line in listed.read_text("utf-8").splitlines()]
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"--list: {listed} cannot be read: {error}", fix="name a text file of paths") from error
        wanted = [name for name in names if name and not name.startswith("#")]
        known = {file.path: file for file in self.catalogue.files}
        known |= {file.path.rsplit("/", 1)[-1]: file for file in self.catalogue.files}
        unknown = [name for name in wanted if name not in known]
        if unknown or not wanted:
            raise InputError(
                f"--list: {unknown[0]} is no file of the release" if unknown else f"--list: {listed} names no file",
                where=str(listed),
                fix="one path or file name a line, as `./deploy.py data list --samples --json` tells them",
            )
        return tuple(dict.fromkeys(known[name] for name in wanted))


def _checked(report: Report) -> Report:
    if report.faults:
        raise combine_faults(report.faults, len(report.faults) + len(report.done))
    return report
