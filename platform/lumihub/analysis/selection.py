"""The files that an analysis reads, and those that the settings want in the cache every night."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lumihub.analysis.registry import load_analysis
from lumihub.data.catalogue import load_catalogue
from lumihub.data.nightly import NightlyWork
from lumihub.data.sharing import find_largest_share
from lumihub.data.work import WorkOrder
from lumihub.errors import InputError
from lumihub.settings.quantities import format_bytes, parse_memory

if TYPE_CHECKING:
    from lumihub.data.catalogue import Catalogue
    from lumihub.data.records import DataFile
    from lumihub.settings import Settings

# Beyond this share of its size the cache may already clear up.
KEPT_SHARE = 0.7


def find_files(name: str, catalogue: Catalogue) -> tuple[DataFile, ...]:
    """What an analysis reads.

    Raises:
        InputError: there is no analysis of that name, or the release has not got its collection.
    """
    found = load_analysis(name)
    samples = [*found.data, *(sample for process in found.processes for sample in process.samples)]
    known = catalogue.in_collection(catalogue.collection(found.collection).name)
    return tuple(known[sample] for sample in samples if sample in known)


def check_size(files: tuple[DataFile, ...], settings: Settings) -> None:
    """Refuse what a cache would clear up as soon as it has come.

    Args:
        files: that are to be in the cache at once.
        settings: the values file.

    Raises:
        InputError: it keeps less.
    """
    size, caches = settings.data.cache.size, len(settings.cache_names)
    room = int(parse_memory(size) * KEPT_SHARE)
    wanted = find_largest_share({file.path: file.size for file in files}, caches)
    if wanted > room:
        most = f" in one of {caches} caches" if caches > 1 else ""
        raise InputError(
            f"data.cache.size: the files need {format_bytes(wanted)}{most}, and the cache keeps {format_bytes(room)}"
            f" of its {size} before it clears up",
            fix="choose fewer files, or set data.cache.size to more and type `./deploy.py up`",
        )


def find_nightly(settings: Settings, catalogue: Catalogue | None = None) -> tuple[DataFile, ...]:
    """The files that `data.nightly` names, each once.

    Args:
        settings: the values file.
        catalogue: of its release and origin, None to load it.

    Raises:
        InputError: a name is not known, or the cache is too small.
    """
    nightly = settings.data.nightly
    known = catalogue or load_catalogue(settings.data.release, settings.data.origin.manifest)
    files: dict[str, DataFile] = {}
    for key, names in (("collections", nightly.collections), ("analyses", nightly.analyses)):
        for name in names:
            try:
                found = known.select([name], []) if key == "collections" else find_files(name, known)
            except InputError as error:
                fault = error.faults[0]
                raise InputError(
                    f"data.nightly.{key}: {fault.what}", hint=fault.hint, fix=fault.fix, where=fault.where
                ) from error
            files |= {file.path: file for file in found}
    chosen = tuple(files.values())
    check_size(chosen, settings)
    return chosen


def plan_nightly(
    settings: Settings, source: str, *, streams: int = 4, time_zone: str | None = None
) -> NightlyWork | None:
    """What is done every night under these settings, None where there is nothing.

    Args:
        settings: the values file.
        source: what whoever does it calls the origin's folder as the cache shows it.
        streams: files at once.
        time_zone: where the settings name none.

    Raises:
        InputError: a name is not known, or the cache is too small.
    """
    nightly = settings.data.nightly
    if not nightly.wanted:
        return None
    order = WorkOrder(verb="warm", source=source, files=find_nightly(settings), streams=streams)
    return NightlyWork(order=order, at=nightly.at, hours=nightly.hours, time_zone=nightly.time_zone or time_zone)
