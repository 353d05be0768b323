"""What each release holds: collections, samples, files with sizes and checksums, branches, normalisation.

The records lie in `published/`, one JSON file a release, made from the public sources that each one names
(CC0-1.0). An origin of one's own, and the simulated sample, bring a manifest that says which of those files they hold.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from importlib import resources
from pathlib import Path

from lumihub.data.manifest import SIMULATED_LABEL, Normalisation, load_manifest
from lumihub.data.published import load_published
from lumihub.data.records import Branch, Catalogue, Caveat, Collection, DataFile, Release, Sample
from lumihub.errors import InputError

_NAME = re.compile(
    r"(?:simulated_)?(?:ODEO_FEB2025_v0_[^_]+_)?(data\w+|mc_\d+\.(?P<name>[\w.-]+))\.(?P<collection>\w+)\.root"
)


def load_catalogue(release: Release, manifest: Path | None = None) -> Catalogue:
    """What a release holds; with `manifest`, the part of it that an origin of one's own holds.

    Sizes, checksums and whatever else the manifest tells win over the published ones.

    Raises:
        InputError: the manifest cannot be read, or names no file of the release.
    """
    if release == "simulated":
        return _load(release, simulated_folder() / "manifest.json", None)
    return _load(release, manifest, manifest.stat().st_mtime_ns if manifest and manifest.is_file() else None)


def simulated_folder() -> Path:
    """The folder of the built-in simulated sample."""
    return Path(str(resources.files("lumihub.data"))) / "simulated"


@lru_cache(maxsize=8)
def _load(release: Release, manifest: Path | None, _changed: int | None) -> Catalogue:
    published = load_published("2020" if release == "simulated" else release)
    return published if manifest is None else _restrict(published, release, manifest)


def _restrict(published: Catalogue, release: Release, path: Path) -> Catalogue:
    """The published catalogue with the files of a manifest alone. A file is known by its name, wherever it lies."""
    manifest = load_manifest(path)
    files: list[DataFile] = []
    unknown: list[str] = []
    for entry in manifest.files:
        match = _NAME.fullmatch(entry.path.rsplit("/", 1)[-1])
        name = (match["name"] or match[1]) if match else ""
        if match is None or match["collection"] not in published.collections or name not in published.samples:
            unknown.append(entry.path)
            continue
        files.append(DataFile(entry.path, entry.size, entry.adler32, match["collection"], name, entry.entries))
    if not files:
        raise InputError(
            f"the manifest names no file of the release {release}",
            where=str(path),
            fix="make it of the folder that holds the release",
        )
    samples = {
        name: _with_own_numbers(published.samples[name], manifest.normalisation, simulated=release == "simulated")
        for name in published.samples
        if any(file.sample == name for file in files)
    }
    held = {file.collection for file in files}
    told = manifest.luminosity_fb or published.luminosity_by_sample
    luminosity = {name: amount for name, amount in told.items() if name in samples}
    return replace(
        published,
        release=release,
        label=SIMULATED_LABEL if release == "simulated" else manifest.label,
        collections={name: value for name, value in published.collections.items() if name in held},
        samples=samples,
        luminosity_by_sample=luminosity,
        luminosity_fb=sum(luminosity.values()) if told else published.luminosity_fb,
        files=tuple(files),
        unknown=tuple(unknown),
    )


def _with_own_numbers(sample: Sample, own: dict[str, dict[str, Normalisation]], *, simulated: bool) -> Sample:
    numbers = {collection: by_sample[sample.name] for collection, by_sample in own.items() if sample.name in by_sample}
    # The published sums of weights count ATLAS's events, so they never weight events that are not ATLAS's.
    if numbers or simulated:
        return replace(sample, published=numbers, caveats=())
    return sample


__all__ = [
    "Branch",
    "Catalogue",
    "Caveat",
    "Collection",
    "DataFile",
    "Normalisation",
    "Release",
    "Sample",
    "load_catalogue",
    "simulated_folder",
]
