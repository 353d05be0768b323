"""What a catalogue is made of: collections, samples, files, branches, normalisation; and the ways to look in it."""

from __future__ import annotations

import difflib
import fnmatch
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from lumihub.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lumihub.data.manifest import Normalisation

Release = Literal["2020", "2025", "simulated"]


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file: where it lies below an origin, how big it is and its adler32 (eight hexadecimal digits)."""

    path: str
    size: int
    adler32: str
    collection: str
    sample: str
    entries: int | None = None


@dataclass(frozen=True, slots=True)
class Caveat:
    """A number of a sample that should be known to be doubtful, or what its published numbers leave out.

    Attributes:
        quantity: `cross_section_pb`, `sum_of_weights`, `normalisation` or `coverage`.
        published: the number as published, None where the caveat is about something else.
        corrected: the number used in its place, None where the published one is used.
        reason: why, in a sentence or two.
        status: `published`, `published elsewhere` (another official source has the corrected number) or `inferred`.
        collection: the one collection it is about, empty for all.
    """

    quantity: str
    published: float | None
    corrected: float | None
    reason: str
    status: str
    collection: str = ""


@dataclass(frozen=True)
class Sample:
    """A period of data or a simulated process; `published` has its numbers by collection, or under "default"."""

    name: str
    dsid: int | None
    description: str
    published: dict[str, Normalisation]
    caveats: tuple[Caveat, ...] = ()

    @property
    def is_data(self) -> bool:
        """Whether these are recorded collisions rather than simulated ones."""
        return self.dsid is None


@dataclass(frozen=True)
class Collection:
    """Events chosen by one selection, over all samples."""

    name: str
    description: str
    selection: str
    doi: str
    record: int


@dataclass(frozen=True, slots=True)
class Branch:
    """A variable of the tree: its name, type as uproot writes it, and meaning with unit."""

    name: str
    type: str
    description: str


@dataclass(frozen=True)
class Catalogue:
    """All that one release holds, or what an origin of it holds.

    Attributes:
        tree: name of the tree in each file.
        units: unit of energies and momenta in the files.
        note: which numbers weights are made of by default.
        luminosity_fb: fb^-1 of all data; `luminosity_by_sample` splits it where that is known.
        unknown: paths of the manifest that are no files of this release.
    """

    release: Release
    label: str
    licence: str
    sources: tuple[str, ...]
    note: str
    tree: str
    units: str
    luminosity_fb: float
    luminosity_by_sample: dict[str, float]
    collections: dict[str, Collection]
    samples: dict[str, Sample]
    branches: tuple[Branch, ...]
    files: tuple[DataFile, ...]
    unknown: tuple[str, ...] = ()

    @cached_property
    def _by_collection(self) -> dict[str, dict[str, DataFile]]:
        table: dict[str, dict[str, DataFile]] = {}
        for file in self.files:
            table.setdefault(file.collection, {})[file.sample] = file
        return table

    def collection(self, name: str) -> Collection:
        """The collection of that name.

        Raises:
            InputError: there is none; says which may have been meant.
        """
        if name in self.collections:
            return self.collections[name]
        raise InputError(
            f"{name!r} is not a collection of the release {self.release}",
            hint=_nearest(name, self.collections),
            fix=f"take one of {', '.join(self.collections)}",
        )

    def sample(self, name: str | int) -> Sample:
        """The sample of that name (`data_A`, `ggH125_ZZ4lep`) or data set number (345060).

        Raises:
            InputError: there is none; says which may have been meant.
        """
        text = str(name)
        if text in self.samples:
            return self.samples[text]
        if text.isdigit():
            for sample in self.samples.values():
                if sample.dsid == int(text):
                    return sample
        raise InputError(
            f"{text!r} is not a sample of the release {self.release}",
            hint=_nearest(text, self.samples),
            fix="see all of them with `data list --samples`",
        )

    def in_collection(self, collection: str) -> dict[str, DataFile]:
        """The files of a collection by sample name."""
        self.collection(collection)
        return self._by_collection.get(collection, {})

    def file(self, collection: str, sample: str | int) -> DataFile:
        """The one file of a sample in a collection.

        Raises:
            InputError: no such collection or sample, or the collection does not hold the sample.
        """
        files = self.in_collection(collection)
        name = self.sample(sample).name
        if name in files:
            return files[name]
        others = [other for other, held in self._by_collection.items() if name in held]
        raise InputError(
            f"the collection {collection} does not hold {name}",
            fix=f"{name} is in {', '.join(others)}" if others else f"this origin holds no file of {name}",
        )

    def select(self, collections: Iterable[str] = (), samples: Iterable[str] = ()) -> tuple[DataFile, ...]:
        """The files of these collections (all when empty) whose sample matches a pattern (`data_*`, `*ZZ4lep`).

        Raises:
            InputError: an unknown collection, or a pattern that matches nothing.
        """
        wanted = [self.collection(name).name for name in collections] or list(self.collections)
        patterns = [self._pattern(text) for text in samples]
        chosen = [
            file
            for name in wanted
            for file in self.in_collection(name).values()
            if not patterns or any(fnmatch.fnmatchcase(file.sample, pattern) for pattern in patterns)
        ]
        for pattern in patterns:
            if not any(fnmatch.fnmatchcase(file.sample, pattern) for file in chosen):
                raise InputError(
                    f"no sample of {', '.join(wanted)} matches {pattern!r}",
                    fix="see the samples with `data list --samples`",
                )
        return tuple(chosen)

    def _pattern(self, text: str) -> str:
        return text if set(text) & set("*?[") else self.sample(text).name

    def normalisation(self, sample: str | int, collection: str, *, published: bool = False) -> Normalisation | None:
        """What weights the events of a sample in a collection; None where the files' own branches have to say.

        Corrected numbers are used where a caveat carries one, unless `published` asks for them as published.
        """
        found = self.sample(sample)
        numbers = found.published.get(collection, found.published.get("default"))
        if numbers is None or published:
            return numbers
        corrections = {
            caveat.quantity: caveat.corrected
            for caveat in found.caveats
            if caveat.corrected is not None and caveat.collection in ("", collection)
        }
        return numbers.model_copy(update=corrections)


def _nearest(name: str, known: Iterable[str]) -> str:
    by_lower = {candidate.lower(): candidate for candidate in known}
    found = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.5)
    return by_lower[found[0]] if found else ""
