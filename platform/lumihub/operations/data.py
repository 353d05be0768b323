"""`data`: what the releases hold, what of it is here, and bringing, checking and removing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lumihub.data.access import cache_folder, mirror_folder
from lumihub.data.cached import CacheCounters, count_cached, evict, find_damaged, read_cached
from lumihub.data.catalogue import load_catalogue
from lumihub.data.mirror import (
    Usage,
    count_missing_bytes,
    ensure_room,
    find_missing,
    find_present,
    measure_usage,
    remove_files,
    verify_files,
)
from lumihub.data.origins import Origin, OriginError, probe_origin
from lumihub.data.transfer import FetchReport, fetch_files, measure_rate
from lumihub.data.trust import trust_authority
from lumihub.errors import Fault, InputError, LumiHubError
from lumihub.local.folder import explained_write_errors, find_state_folder
from lumihub.operations.backends import require_one_machine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lumihub.data.catalogue import Catalogue, DataFile, Release
    from lumihub.progress import Progress
    from lumihub.settings import Settings

# One stream is timed for this many bytes or more; below, the wait is too short to be worth foretelling.
_WORTH_TIMING = 50_000_000
_SHOWN_FAULTS = 8


@dataclass(frozen=True)
class Place:
    """Where the data of one installation come from and lie.

    Attributes:
        catalogue: what the origin holds.
        origin: its URL.
        mirror: folder of fetched files.
        cached: folder of the cache below which the releases lie.
        mode: how students read, as `data.mode` says.
    """

    catalogue: Catalogue
    origin: str
    mirror: Path
    cached: Path
    mode: str


@dataclass(frozen=True)
class FetchPlan:
    """What a fetch would do.

    Attributes:
        files: all that was asked for; `missing` of them have to come, `bytes` in all.
        seconds: how long that takes at the rate measured just now, None where it was not measured.
        rate: bytes a second of one stream, None where it was not measured.
    """

    files: tuple[DataFile, ...]
    missing: tuple[DataFile, ...]
    bytes: int
    seconds: float | None
    rate: float | None


@dataclass(frozen=True)
class Verdict:
    """What reading files again showed.

    Attributes:
        right: mirrored files that are right.
        bytes: bytes of mirrored files that were read.
        wrong: mirrored files that are not, with the reason.
        cached: cached files that were compared; `damaged` of them are wrong, and `partial` more can't be compared.
        repaired: paths that were put right.
    """

    right: int
    bytes: int
    wrong: dict[str, str]
    cached: int
    damaged: tuple[str, ...]
    partial: int
    repaired: tuple[str, ...] = ()


def find_place(settings: Settings, release: Release | None = None, *, disk: str = "") -> Place:
    """Where the data of this installation are; `release` in place of the settings' own.

    Args:
        settings: the values file.
        release: in place of the settings' own.
        disk: the verb, where it works on what lies on this machine's disk.

    Raises:
        InputError: the origin's manifest is broken, or the settings name a cluster and the verb takes a disk.
    """
    if disk:
        require_one_machine(settings, f"data {disk}")
    trust_authority(settings)
    folder = find_state_folder(settings).data
    origin = settings.data.origin
    below = urlsplit(origin.url).path.strip("/") if "://" in origin.url else ""
    catalogue = load_catalogue(release or settings.data.release, origin.manifest)
    return Place(catalogue, origin.url, mirror_folder(folder), cache_folder(folder) / below, settings.data.mode)


def plan_fetch(place: Place, files: tuple[DataFile, ...], *, streams: int = 4) -> FetchPlan:
    """Find out what of these files has to come, whether it fits and about how long it takes.

    Raises:
        InputError: the release is the simulated sample.
        LumiHubError: the origin does not answer, or the disk is too small.
    """
    if place.catalogue.release == "simulated":
        raise InputError(
            "the simulated sample comes with LumiHub; there is nothing to fetch",
            fix="use it as it is, or name --release 2020",
        )
    missing = find_missing(files, place.mirror)
    size = count_missing_bytes(missing, place.mirror)
    if not missing:
        return FetchPlan(files, missing, 0, None, None)
    state = probe_origin(place.origin, timeout=10)
    if not state.reachable:
        raise LumiHubError(
            f"data.origin.url: {state.detail}",
            fix="try `doctor`; where port 1094 is closed, https://opendata.cern.ch/eos/opendata/atlas may pass",
        )
    with explained_write_errors(place.mirror):
        ensure_room(missing, place.mirror)
    if size < _WORTH_TIMING:
        return FetchPlan(files, missing, size, None, None)
    try:
        rate = measure_rate(Origin(place.origin), max(missing, key=lambda file: file.size))
    except OriginError:  # the fetch itself tries again and tells each file's reason
        return FetchPlan(files, missing, size, None, None)
    return FetchPlan(files, missing, size, size / (rate * min(streams, len(missing))), rate)


def fetch(place: Place, plan: FetchPlan, progress: Progress, *, streams: int = 4, timeout: float = 60) -> FetchReport:
    """Bring what the plan says is missing.

    Args:
        timeout: seconds without an answer after which a stream is given up and begun anew.

    Raises:
        LumiHubError: files did not arrive; names each and says why.
    """
    with explained_write_errors(place.mirror):
        report = fetch_files(
            plan.missing, Origin(place.origin, timeout=timeout), place.mirror, progress, streams=streams
        )
    if report.faults:
        raise _combine(report)
    return report


def verify(
    place: Place, collections: Sequence[str], samples: Sequence[str], progress: Progress, *, repair: bool
) -> Verdict:
    """Read the mirrored files, and those that are whole in the cache, and compare them with the manifest.

    Args:
        repair: fetch wrong mirrored files anew, and evict wrong cached ones.
    """
    files = place.catalogue.select(collections, samples)
    report = verify_files(find_present(files, place.mirror), place.mirror, progress)
    damaged: list[DataFile] = []
    compared = partial = 0
    if _readable(place.cached):
        damaged, compared, partial = find_damaged(place.cached, files, progress)
    repaired: list[str] = []
    if repair:
        bad = tuple(file for file in files if file.path in report.wrong)
        remove_files(bad, place.mirror)
        if bad:
            fetch(place, plan_fetch(place, bad), progress)
        repaired = [file.path for file in bad] + [file.path for file in damaged if evict(place.cached, file.path)]
    return Verdict(
        report.right,
        report.bytes,
        report.wrong,
        compared,
        tuple(file.path for file in damaged),
        partial,
        tuple(repaired),
    )


def check_verdict(verdict: Verdict) -> None:
    """Raise for what is wrong and was not repaired, each file by name.

    Raises:
        LumiHubError: there is such a file.
    """
    faults = [
        Fault(f"{path}: {reason}", where="the mirror", fix="data verify --repair")
        for path, reason in verdict.wrong.items()
        if path not in verdict.repaired
    ] + [
        Fault(f"{path}: its checksum is wrong", where="the cache", fix="data verify --repair")
        for path in verdict.damaged
        if path not in verdict.repaired
    ]
    if faults:
        raise _from_faults(faults)


def measure(place: Place) -> tuple[tuple[Usage, ...], CacheCounters | None]:
    """What of each collection is in the mirror, and the cache's counters (None where there is no cache to read)."""
    counters = count_cached(read_cached(place.cached)) if _readable(place.cached) else None
    return measure_usage(place.catalogue, place.mirror), counters


def choose_removal(
    place: Place, collections: Sequence[str], samples: Sequence[str]
) -> tuple[tuple[DataFile, ...], tuple[DataFile, ...]]:
    """The files that would be removed: those in the mirror (begun ones too), and those in the cache."""
    files = place.catalogue.select(collections, samples)
    partly = {file for file in files if count_missing_bytes([file], place.mirror) < file.size}
    present = set(find_present(files, place.mirror))
    held = {file.path for file in read_cached(place.cached)} if _readable(place.cached) else set()
    return tuple(f for f in files if f in partly | present), tuple(f for f in files if f.path in held)


def remove(place: Place, mirrored: Sequence[DataFile], cached: Sequence[DataFile]) -> int:
    """Remove files from the mirror and from the cache; returns the bytes that became free in the mirror."""
    for file in cached:
        evict(place.cached, file.path)
    return remove_files(mirrored, place.mirror)


def describe(place: Place, collections: Sequence[str], samples: Sequence[str]) -> list[dict[str, Any]]:
    """Each file with what is known of its sample: for `data list` and scripts."""
    known = place.catalogue
    here = {file.path for file in find_present(known.files, place.mirror)}
    found = []
    for file in known.select(collections, samples):
        sample = known.sample(file.sample)
        numbers = known.normalisation(file.sample, file.collection)
        found.append(
            {
                "collection": file.collection,
                "sample": file.sample,
                "dsid": sample.dsid,
                "description": sample.description,
                "path": file.path,
                "bytes": file.size,
                "adler32": file.adler32,
                "here": file.path in here,
                "normalisation": numbers.model_dump() if numbers else None,
                "caveats": [caveat.reason for caveat in sample.caveats if caveat.collection in ("", file.collection)],
            }
        )
    return found


def _readable(folder: Path) -> bool:
    """Whether there is a cache that this account may look into."""
    try:
        return folder.is_dir() and any(True for _ in folder.iterdir())
    except PermissionError:
        return False


def _combine(report: FetchReport) -> LumiHubError:
    return combine_faults(report.faults, len(report.faults) + len(report.arrived) + len(report.already))


def combine_faults(errors: Mapping[str, LumiHubError], total: int) -> LumiHubError:
    """One error that says why files did not arrive, by path, and how many of how many."""
    faults = [error.faults[0] for error in errors.values()]
    rest = len(faults) - _SHOWN_FAULTS
    more = f", {rest} of them not shown" if rest > 0 else ""
    summary = Fault(
        f"{len(faults)} of {total} files did not arrive{more}; what came in is kept",
        fix="type the same command again once the cause is gone",
    )
    return _from_faults([*faults[:_SHOWN_FAULTS], *([summary] if total > 1 else [])])


def _from_faults(faults: list[Fault]) -> LumiHubError:
    error = LumiHubError(faults[0].what)
    error.faults = tuple(faults)
    return error
