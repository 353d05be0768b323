"""`./deploy.py data`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.table import Table

from lumihub.cli import datawork
from lumihub.cli.datawork import (
    Collections,
    Everything,
    ReleaseOption,
    Samples,
    describe_rate,
    interruptible,
    require_choice,
)
from lumihub.cli.options import Json, ValuesFile, Yes
from lumihub.cli.output import output
from lumihub.errors import InputError
from lumihub.settings import load_settings
from lumihub.settings.quantities import format_bytes

if TYPE_CHECKING:
    from lumihub.data.cached import CacheCounters
    from lumihub.operations.data import FetchPlan, Place
    from lumihub.settings import Settings

_HELP = """List, fetch, verify and remove the open data.

Files are named by collection (events chosen alike, such as 4lep) and sample (a period of data, or a simulated process):

    ./deploy.py data list                         the collections
    ./deploy.py data list 4lep                    its samples, with sizes
    ./deploy.py data fetch 4lep                   bring a collection whole, for data.mode: mirror
    ./deploy.py data fetch 2lep -s 'data_*'       only the recorded collisions of another
    ./deploy.py data warm --analysis higgs-4l     fill the cache before a class
    ./deploy.py data fetch 4lep --to s3://b/atlas copy into storage of your own
    ./deploy.py data usage                        what is here
"""
_ASK_ABOVE = 5_000_000_000


def register(app: typer.Typer) -> None:
    """Add the verb with its own verbs."""
    data = typer.Typer(help=_HELP, no_args_is_help=True, rich_markup_mode="rich")
    data.command("list")(_list)
    data.command("fetch")(_fetch)
    datawork.register(data)
    data.command("verify")(_verify)
    data.command("usage")(_usage)
    data.command("remove")(_remove)
    data.command("manifest")(_manifest)
    app.add_typer(data, name="data")


def _list(
    collections: Collections = None,
    samples: Samples = None,
    all_samples: Annotated[bool, typer.Option("--samples", help="The samples of all collections.")] = False,
    branches: Annotated[bool, typer.Option("--branches", help="The variables of each event instead.")] = False,
    release: ReleaseOption = None,
    values: ValuesFile = None,
    as_json: Json = False,
) -> None:
    """Show the collections; of named ones, the samples with sizes; or the branches."""
    from lumihub.operations.data import describe

    place = _find_place(load_settings(values), release)
    if branches:
        _show_branches(place, as_json=as_json)
    elif as_json:
        output.json(describe(place, collections or [], samples or []))
    elif collections or samples or all_samples:
        table = Table("Collection", "Sample", "Number", "Size", "Here", "What it is", box=None, header_style="bold")
        for row in describe(place, collections or [], samples or []):
            doubt = " (!)" if row["caveats"] else ""
            number, here = str(row["dsid"] or ""), "yes" if row["here"] else ""
            size = format_bytes(row["bytes"])
            table.add_row(row["collection"], row["sample"], number, size, here, row["description"] + doubt)
        output.table(table)
    else:
        _show_collections(place)


def _fetch(
    collections: Collections = None,
    samples: Samples = None,
    everything: Everything = False,
    streams: Annotated[int, typer.Option("--streams", min=1, max=32, help="Files that come in at once.")] = 4,
    timeout: Annotated[
        int, typer.Option("--timeout", min=1, help="Seconds without an answer until a file is tried anew.")
    ] = 60,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="PLACE",
            help="Copy to s3://BUCKET/FOLDER, to a volume of the cluster (pvc:NAME) or to another folder instead.",
        ),
    ] = "",
    release: ReleaseOption = None,
    yes: Yes = False,
    values: ValuesFile = None,
    as_json: Json = False,
) -> None:
    """Bring files into the mirror, where they are read without the origin; with --to, copy them elsewhere.

    Interrupted or broken off, the same command goes on where it stopped. A file gets its name only once its size and
    checksum are right.
    """
    from lumihub.operations.data import fetch, plan_fetch

    settings = load_settings(values)
    if to:
        datawork.fetch_to(
            settings,
            release,
            to,
            collections or [],
            samples or [],
            everything=everything,
            streams=streams,
            timeout=timeout,
            as_json=as_json,
        )
        return
    place = _find_place(settings, release, disk="fetch")
    require_choice(place.catalogue, collections, samples, everything=everything)
    plan = plan_fetch(place, place.catalogue.select(collections or [], samples or []), streams=streams)
    if plan.missing:
        output.step(_describe_plan(plan))
    else:
        output.step(f"all {len(plan.files)} files are here already ({format_bytes(sum(f.size for f in plan.files))})")
    if plan.bytes > _ASK_ABOVE:
        _confirm(f"Bring {format_bytes(plan.bytes)} into {place.mirror}?", yes=yes)
    report = interruptible(lambda: fetch(place, plan, output, streams=streams, timeout=timeout))
    if as_json:
        output.json(
            {
                "files": len(plan.files),
                "arrived": sorted(report.arrived),
                "bytes": report.bytes,
                "seconds": round(report.seconds, 3),
                "mirror": str(place.mirror),
            }
        )
    elif report.arrived:
        came = describe_rate(report.bytes, report.seconds)
        output.step(f"{len(report.arrived)} files, {came}, into {place.mirror}")
    if place.mode != "mirror":
        output.warn(f"data.mode is {place.mode}: students read these files once it is mirror and `up` has run")


def _verify(
    collections: Collections = None,
    samples: Samples = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Fetch wrong files anew, and throw them out of the cache.")
    ] = False,
    release: ReleaseOption = None,
    values: ValuesFile = None,
    as_json: Json = False,
) -> None:
    """Read the files that are here again, in the mirror and in the cache, and compare them with their checksums.

    In a cluster those that are whole in its cache, through the cache.
    """
    from lumihub.operations.data import check_verdict, verify

    settings = load_settings(values)
    if settings.kubernetes.context is not None:
        datawork.verify_cache(settings, release, collections or [], samples or [], repair=repair, as_json=as_json)
        return
    verdict = verify(
        _find_place(settings, release, disk="verify"), collections or [], samples or [], output, repair=repair
    )
    if as_json:
        output.json(
            {
                "right": verdict.right,
                "bytes": verdict.bytes,
                "wrong": verdict.wrong,
                "cached": {
                    "compared": verdict.cached,
                    "damaged": list(verdict.damaged),
                    "partial": verdict.partial,
                },
                "repaired": list(verdict.repaired),
            }
        )
    else:
        output.step(
            f"mirror: {verdict.right} files right ({format_bytes(verdict.bytes)} read), {len(verdict.wrong)} wrong"
        )
        if verdict.cached or verdict.partial:
            output.step(f"cache: {verdict.cached - len(verdict.damaged)} files right, {len(verdict.damaged)} wrong")
        if verdict.partial:
            output.warn(f"cache: {verdict.partial} files are here in part, and have no checksum to compare with")
        for path in verdict.repaired:
            output.step(f"repaired {path}")
    check_verdict(verdict)


def _usage(release: ReleaseOption = None, values: ValuesFile = None, as_json: Json = False) -> None:
    """Show what is here of each collection, and how well the cache works."""
    from lumihub.operations.data import measure

    settings = load_settings(values)
    if settings.kubernetes.context is not None:
        datawork.show_usage(settings, release, as_json=as_json)
        return
    place = _find_place(settings, release, disk="usage")
    usage, counters = measure(place)
    nightly = datawork.open_workshop(settings, release).nightly()
    if as_json:
        output.json(_usage_as_json(usage, counters) | {"nightly": datawork.nightly_as_json(nightly)})
        return
    table = Table("Collection", "Files here", "Bytes here", "Coming in", box=None, header_style="bold")
    for row in usage:
        size = f"{format_bytes(row.bytes)} of {format_bytes(row.total_bytes)}"
        coming = format_bytes(row.partial_bytes) if row.partial_bytes else ""
        table.add_row(row.collection, f"{row.files} of {row.total_files}", size, coming)
    output.table(table)
    _show_counters(place, counters)
    if nightly:
        output.result(nightly.describe())


def _show_counters(place: Place, counters: CacheCounters | None) -> None:
    if counters is None:
        output.result(f"cache: nothing to read in {place.cached}")
        return
    rate = (
        "nothing read yet"
        if counters.hit_rate is None
        else f"{counters.hit_rate:.1%} of the bytes read were here already"
    )
    output.result(
        f"cache: {counters.files} files ({counters.complete} whole), {format_bytes(counters.held)}; {rate};"
        f" readers got {format_bytes(counters.served)}, {format_bytes(counters.from_origin)} came from the origin,"
        f" {format_bytes(counters.saved)} saved"
    )


def _remove(
    collections: Collections = None,
    samples: Samples = None,
    everything: Everything = False,
    release: ReleaseOption = None,
    yes: Yes = False,
    values: ValuesFile = None,
) -> None:
    """Remove files from the mirror and from the cache. `data fetch` brings them back."""
    from lumihub.operations.data import choose_removal, remove

    place = _find_place(load_settings(values), release, disk="remove")
    require_choice(place.catalogue, collections, samples, everything=everything)
    mirrored, cached = choose_removal(place, collections or [], samples or [])
    if not mirrored and not cached:
        output.step("none of these files is here")
        return
    size = format_bytes(sum(file.size for file in mirrored))
    _confirm(f"Remove {len(mirrored)} files ({size}) from the mirror and {len(cached)} from the cache?", yes=yes)
    freed = remove(place, mirrored, cached)
    again = " ".join([*(collections or ["--all"]), *(f"-s '{sample}'" for sample in samples or [])])
    output.step(f"removed; {format_bytes(freed)} are free again")
    if mirrored:
        output.step(f"to have them back: ./deploy.py data fetch {again}")


def _manifest(
    url: Annotated[str, typer.Argument(metavar="URL", help="Folder or URL that holds OutreachDatasets/ or rucio/.")],
    to: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where to write the manifest.")],
    entries: Annotated[bool, typer.Option("--entries", help="Count the events of each file too.")] = False,
    label: Annotated[str, typer.Option("--label", help="What plots call these data.")] = "ATLAS Open Data",
) -> None:
    """Read an origin of your own and write its manifest, for data.origin.manifest.

    Needed where files differ from the published ones, such as copies of another year: the published checksums would
    refuse them.
    """
    from lumihub.data.listing import build_manifest
    from lumihub.data.manifest import write_manifest

    if not to.absolute().parent.is_dir():
        raise InputError(
            f"--output: the folder {to.absolute().parent} is not there", fix="make it, or name another file"
        )
    manifest = build_manifest(url, output, entries=entries, label=label)
    write_manifest(manifest, to)
    output.step(
        f"{len(manifest.files)} files, {format_bytes(sum(file.size for file in manifest.files))}, written to {to}"
    )


def _find_place(settings: Settings, release: Literal["2020", "2025"] | None, *, disk: str = "") -> Place:
    from lumihub.operations.data import find_place

    return find_place(settings, release, disk=disk)


def _confirm(question: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise InputError(f"{question[:-1]}: nobody is there to ask", fix="add --yes")
    typer.confirm(question, abort=True, err=True)


def _describe_plan(plan: FetchPlan) -> str:
    from lumihub.data.pace import describe_time

    text = f"{len(plan.missing)} of {len(plan.files)} files to fetch, {format_bytes(plan.bytes)}"
    if plan.seconds is None or plan.rate is None:
        return text
    return f"{text}; about {describe_time(plan.seconds)} (one stream brings {format_bytes(plan.rate)}/s just now)"


def _show_collections(place: Place) -> None:
    known = place.catalogue
    table = Table("Collection", "Files", "Size", "What it holds", box=None, header_style="bold")
    for collection in known.collections.values():
        files = known.in_collection(collection.name).values()
        size = format_bytes(sum(file.size for file in files))
        table.add_row(collection.name, str(len(files)), size, collection.description)
    output.table(table)
    output.result(f"{known.label}, release {known.release}: {len(known.files)} files, {len(known.samples)} samples")
    if known.unknown:
        output.warn(
            f"{len(known.unknown)} files of the manifest are no files of this release, such as {known.unknown[0]}"
        )


def _show_branches(place: Place, *, as_json: bool) -> None:
    known = place.catalogue.branches
    if as_json:
        output.json([{"name": branch.name, "type": branch.type, "description": branch.description} for branch in known])
        return
    table = Table("Branch", "Type", "Meaning", box=None, header_style="bold")
    for branch in known:
        table.add_row(branch.name, branch.type, branch.description)
    output.table(table)


def _usage_as_json(usage: Any, counters: Any) -> dict[str, Any]:
    from dataclasses import asdict

    cache = None if counters is None else asdict(counters) | {"hit_rate": counters.hit_rate, "saved": counters.saved}
    return {"collections": [asdict(row) for row in usage], "cache": cache}
