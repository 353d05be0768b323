"""The verbs of `./deploy.py data` about a cache and work on it: warm, fetch --to, evict, pin, stop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer
from rich.table import Table

from lumihub.cli.options import Json, ValuesFile
from lumihub.cli.output import output
from lumihub.errors import Fault, InputError, LumiHubError
from lumihub.settings import load_settings
from lumihub.settings.quantities import format_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lumihub.data.catalogue import Catalogue
    from lumihub.data.nightly import NightlyState
    from lumihub.data.records import DataFile
    from lumihub.operations.datawork import DataWorkshop
    from lumihub.settings import Settings

Done = TypeVar("Done")
Release = Literal["2020", "2025"]
Collections = Annotated[list[str] | None, typer.Argument(metavar="[COLLECTION]...", help="Collections, such as 4lep.")]
Samples = Annotated[
    list[str] | None,
    typer.Option(
        "--sample",
        "-s",
        metavar="SAMPLE",
        help="Only these samples: a name, a number or a pattern as '*ZZ4lep'. Repeatable.",
    ),
]
ReleaseOption = Annotated[
    Release | None, typer.Option("--release", help="Another release than data.release of the values file.")
]
Everything = Annotated[bool, typer.Option("--all", help="Every collection of the release.")]
Streams = Annotated[
    int,
    typer.Option(
        "--streams",
        min=1,
        max=32,
        help="Files that come in at once; in a cluster its own settings say it (dask.platform).",
    ),
]
OfAnalysis = Annotated[
    str, typer.Option("--analysis", metavar="NAME", help="The files that an analysis reads, such as higgs-4l.")
]
OfNight = Annotated[bool, typer.Option("--nightly", help="The files that data.nightly of the values file names.")]
Listed = Annotated[
    Path | None, typer.Option("--list", metavar="FILE", help="The files named in a text file, one a line.")
]


def register(data: typer.Typer) -> None:
    """Add the verbs to `data`."""
    data.command("warm")(_warm)
    data.command("evict")(_evict)
    data.command("pin")(_pin)
    data.command("unpin")(_unpin)
    data.command("stop")(_stop)


def _choose(
    shop: DataWorkshop,
    collections: list[str] | None,
    samples: list[str] | None,
    analysis: str,
    listed: Path | None,
    *,
    everything: bool,
    nightly: bool = False,
) -> tuple[DataFile, ...]:
    """The files that were named one way or another; naming none at all is refused."""
    named = everything or nightly or bool(analysis) or listed is not None
    require_choice(shop.catalogue, collections, samples, everything=named)
    return shop.choose(collections or [], samples or [], analysis=analysis, listed=listed, nightly=nightly)


def _warm(
    collections: Collections = None,
    samples: Samples = None,
    everything: Everything = False,
    analysis: OfAnalysis = "",
    listed: Listed = None,
    nightly: OfNight = False,
    streams: Streams = 4,
    release: ReleaseOption = None,
    values: ValuesFile = None,
    as_json: Json = False,
) -> None:
    """Bring files whole into the cache before a class, so that nobody waits for the link.

    Each is read to its end through the cache and held against its checksum. Interrupted or broken off, the same command
    goes on where it stopped. `data.nightly` has the platform do it every night by itself.
    """
    shop = open_workshop(load_settings(values), release)
    files = _choose(shop, collections, samples, analysis, listed, everything=everything, nightly=nightly)
    plan = shop.plan_warm(files)
    whole = len(plan.files) - len(plan.missing)
    if plan.missing:
        output.step(f"{len(plan.missing)} of {len(plan.files)} files to warm, {format_bytes(plan.bytes)}")
    else:
        output.step(f"all {whole} files are in the cache already ({_sum(plan.files)})")
    report = interruptible(lambda: shop.warm(plan, output, streams=streams)) if plan.missing else None
    if as_json:
        done = sorted(report.done) if report else []
        seconds = round(report.seconds, 3) if report else 0.0
        output.json({"files": len(plan.files), "warmed": done, "bytes": plan.bytes, "seconds": seconds})
    elif report:
        output.step(f"{len(report.done)} files warmed, {describe_rate(plan.bytes, report.seconds)}")


def fetch_to(
    settings: Settings,
    release: Release | None,
    target: str,
    collections: Sequence[str],
    samples: Sequence[str],
    *,
    everything: bool,
    streams: int,
    timeout: int,
    as_json: bool,
) -> None:
    """`data fetch --to`."""
    if not target.startswith(("s3://", "pvc:", "/")):
        raise InputError(
            f"--to: {target} is no place that files are copied to", fix="name s3://BUCKET/FOLDER, pvc:NAME or /FOLDER"
        )
    if target.startswith("pvc:") and settings.kubernetes.context is None:
        raise InputError(
            f"--to: {target} is a volume of a cluster, and kubernetes.context is null",
            fix="name s3://BUCKET/FOLDER or /FOLDER, or a values file with a cluster (-f FILE)",
        )
    shop = open_workshop(settings, release)
    require_choice(shop.catalogue, collections, samples, everything=everything)
    files = shop.choose(collections, samples)
    output.step(f"{len(files)} files to have in {target}, {_sum(files)}")
    report = interruptible(lambda: shop.fetch(files, target, output, streams=streams, timeout=timeout))
    if as_json:
        output.json(
            {
                "files": len(files),
                "there": sorted(report.done),
                "bytes": report.bytes,
                "seconds": round(report.seconds, 3),
                "target": target,
            }
        )
    else:
        output.step(f"{len(report.done)} files are in {target}; {describe_rate(report.bytes, report.seconds)}")


def verify_cache(
    settings: Settings,
    release: Release | None,
    collections: Sequence[str],
    samples: Sequence[str],
    *,
    repair: bool,
    as_json: bool,
) -> None:
    """`data verify` in a cluster."""
    shop = open_workshop(settings, release)
    verdict = interruptible(lambda: shop.verify(shop.choose(collections, samples), output, repair=repair))
    if as_json:
        output.json(
            {
                "right": verdict.right,
                "damaged": list(verdict.damaged),
                "partial": verdict.partial,
                "repaired": list(verdict.repaired),
            }
        )
    else:
        output.step(f"cache: {verdict.right} files right, {len(verdict.damaged)} wrong")
        if verdict.partial:
            output.warn(f"cache: {verdict.partial} files are here in part, and have no checksum to compare with")
        for path in verdict.repaired:
            output.step(f"repaired {path}")
    left = [path for path in verdict.damaged if path not in verdict.repaired]
    if left:
        error = LumiHubError("")
        error.faults = tuple(
            Fault(f"{path}: its checksum is wrong", where="the cache", fix="./deploy.py data verify --repair")
            for path in left
        )
        raise error


def show_usage(settings: Settings, release: Release | None, *, as_json: bool) -> None:
    """`data usage` in a cluster."""
    from dataclasses import asdict

    shop = open_workshop(settings, release)
    rows, counters = shop.measure()
    nightly = shop.nightly()
    if as_json:
        cache = asdict(counters) | {"hit_rate": counters.hit_rate, "saved": counters.saved}
        output.json({"collections": [asdict(row) for row in rows], "cache": cache, "nightly": nightly_as_json(nightly)})
        return
    table = Table("Collection", "Files whole", "Pinned", "Bytes here", "Read", "Saved", box=None, header_style="bold")
    for row in rows:
        size = f"{format_bytes(row.bytes)} of {format_bytes(row.total_bytes)}"
        read, saved = (format_bytes(one) if one is not None else "" for one in (row.served, row.saved))
        table.add_row(row.collection, f"{row.files} of {row.total_files}", str(row.pinned or ""), size, read, saved)
    output.table(table)
    served, hit = (sum(getattr(row, name) or 0 for row in rows) for name in ("served", "saved"))
    rate = f"{hit / served:.1%} of the bytes read were here already" if served else "nothing read yet"
    output.result(f"cache: {counters.files} files ({counters.complete} whole), {format_bytes(counters.held)}; {rate}")
    if nightly:
        output.result(nightly.describe())


def nightly_as_json(state: NightlyState | None) -> dict[str, Any] | None:
    """What is done every night, for scripts."""
    from dataclasses import asdict

    if state is None:
        return None
    return asdict(state) | {"last": state.last and state.last.model_dump(mode="json")}


def _evict(
    collections: Collections = None,
    samples: Samples = None,
    everything: Everything = False,
    analysis: OfAnalysis = "",
    listed: Listed = None,
    release: ReleaseOption = None,
    values: ValuesFile = None,
    as_json: Json = False,
) -> None:
    """Throw files out of the cache, so that they come from the origin anew: when those there have changed."""
    shop = open_workshop(load_settings(values), release)
    gone = shop.evict(_choose(shop, collections, samples, analysis, listed, everything=everything))
    if as_json:
        output.json(sorted(gone))
    else:
        output.step(f"threw {len(gone)} files out of the cache" if gone else "none of these files is in the cache")


def _pin(
    collections: Collections = None,
    samples: Samples = None,
    everything: Everything = False,
    analysis: OfAnalysis = "",
    listed: Listed = None,
    release: ReleaseOption = None,
    values: ValuesFile = None,
    as_json: Json = False,
) -> None:
    """Keep files in a cluster's cache when it clears up. `data usage` shows how many are pinned, and half of the cache
    may be.

    A pin brings nothing: what is not in the cache yet stays once `data warm` or a reader has brought it.
    """
    shop = open_workshop(load_settings(values), release)
    files = _choose(shop, collections, samples, analysis, listed, everything=everything)
    missing = shop.pin(files)
    if as_json:
        output.json({"pinned": sorted(file.path for file in files), "missing": sorted(file.path for file in missing)})
        return
    output.step(f"{len(files)} files are pinned, {_sum(files)}")
    if missing:
        output.step(f"{len(missing)} of them are not whole in the cache yet: bring them with ./deploy.py data warm")


def _unpin(
    collections: Collections = None,
    samples: Samples = None,
    everything: Everything = False,
    analysis: OfAnalysis = "",
    listed: Listed = None,
    release: ReleaseOption = None,
    values: ValuesFile = None,
    as_json: Json = False,
) -> None:
    """Let the cache clear up files again that were pinned."""
    shop = open_workshop(load_settings(values), release)
    count = shop.unpin(_choose(shop, collections, samples, analysis, listed, everything=everything))
    if as_json:
        output.json({"unpinned": count})
    else:
        output.step(f"{count} files are no longer pinned" if count else "none of these files is pinned")


def _stop(values: ValuesFile = None) -> None:
    """End data work that goes on in the cluster after the command that began it is gone, or that a night began. What is
    whole stays.
    """
    stopped = open_workshop(load_settings(values), None).stop()
    output.step("stopped the work; the same command goes on with it" if stopped else "no data work is under way")


def open_workshop(settings: Settings, release: Release | None) -> DataWorkshop:
    """The verbs' operations under these settings."""
    from lumihub.operations.datawork import DataWorkshop

    return DataWorkshop(settings, release)


def require_choice(
    catalogue: Catalogue, collections: Sequence[str] | None, samples: Sequence[str] | None, *, everything: bool
) -> None:
    """Refuse what would mean all files by saying nothing."""
    if not collections and not samples and not everything:
        raise InputError(
            "no collection is named",
            fix=f"name one of {', '.join(catalogue.collections)}, or --all for the whole release",
        )


def interruptible(work: Callable[[], Done]) -> Done:
    """Do work that goes on where it was when its verb is typed again; Ctrl-C says so."""
    try:
        return work()
    except KeyboardInterrupt:
        output.warn("interrupted; type the same command again to go on")
        raise typer.Exit(130) from None


def _sum(files: Sequence[DataFile]) -> str:
    return format_bytes(sum(file.size for file in files))


def describe_rate(amount: int, seconds: float) -> str:
    """What came, and how fast."""
    return f"{format_bytes(amount)} in {seconds:.1f} s ({format_bytes(amount / max(seconds, 1e-3))}/s)"
