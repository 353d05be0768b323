"""The published records of each release, and their reading."""

from __future__ import annotations

import json
import re
from importlib import resources
from typing import Any, Literal

from lumihub.data.manifest import Normalisation
from lumihub.data.records import Branch, Catalogue, Caveat, Collection, DataFile, Sample

_PORTAL_NUMBERS = ("cross_section_pb", "efficiency", "sum_of_weights")


def load_published(release: Literal["2020", "2025"]) -> Catalogue:
    """The catalogue of a release as published."""
    text = resources.files(__name__).joinpath(f"{release}.json").read_text(encoding="utf-8")
    record: dict[str, Any] = json.loads(text)
    samples, files = (_read_2020 if release == "2020" else _read_2025)(record)
    return Catalogue(
        release=release,
        label=record["label"],
        licence=record["licence"],
        sources=tuple(record["sources"]),
        note=record["note"],
        tree=record["tree"],
        units=record["units"],
        luminosity_fb=record["luminosity_fb"],
        luminosity_by_sample=record["luminosity_fb_by_sample"],
        collections={
            name: Collection(name, value["description"], value["selection"], value["doi"], value["record"])
            for name, value in record["collections"].items()
        },
        samples=samples,
        branches=tuple(Branch(*row) for row in record["branches"]),
        files=files,
    )


def _read_2020(record: dict[str, Any]) -> tuple[dict[str, Sample], tuple[DataFile, ...]]:
    collections = record["collections"]
    base = record["folder"]
    samples: dict[str, Sample] = {}
    files: list[DataFile] = []
    for collection, value in collections.items():
        for name, (size, adler32) in value["data"].items():
            samples.setdefault(name, Sample(name, None, _describe_period(name, "2016"), {}))
            path = f"{base}/{value['folders'][0]}/{name}.{collection}.root"
            files.append(DataFile(path, size, adler32, collection, name))
    for row in record["samples"]:
        name, dsid = row["name"], row["dsid"]
        numbers = {
            collection: Normalisation(**dict(zip(_PORTAL_NUMBERS, values, strict=True)))
            for collection, values in row["normalisation"].items()
        }
        caveats = tuple(Caveat(**caveat) for caveat in row.get("caveats", ()))
        samples[name] = Sample(name, dsid, row["description"], numbers, caveats)
        # The third number, where there is one, tells in which of the collection's folders the file lies.
        for collection, (size, adler32, *folder) in row["files"].items():
            place = collections[collection]["folders"][folder[0] if folder else 1]
            files.append(
                DataFile(f"{base}/{place}/mc_{dsid}.{name}.{collection}.root", size, adler32, collection, name)
            )
    return samples, tuple(files)


def _read_2025(record: dict[str, Any]) -> tuple[dict[str, Sample], tuple[DataFile, ...]]:
    collections = record["collections"]
    samples: dict[str, Sample] = {}
    files: list[DataFile] = []
    for stem, sizes in record["samples"]:
        simulated = re.fullmatch(r"mc_(\d+)\.(.+)", stem)
        name = simulated[2] if simulated else stem
        dsid = int(simulated[1]) if simulated else None
        samples[name] = Sample(name, dsid, "" if simulated else _describe_period(name[-1], f"20{name[4:6]}"), {})
        for (collection, value), file in zip(collections.items(), sizes, strict=True):
            if file:
                path = f"{value['folder']}/{value['prefix']}{stem}.{collection}.root"
                files.append(DataFile(path, file[0], file[1], collection, name))
    return samples, tuple(files)


def _describe_period(name: str, year: str) -> str:
    return f"Collisions recorded in {year}, part {name[-1]}"
