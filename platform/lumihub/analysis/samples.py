"""Which sample a file belongs to, told by the name under which it was published."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lumihub.analysis.weights import scale_to_luminosity
from lumihub.data.access import DataAccess
from lumihub.data.catalogue import load_catalogue
from lumihub.errors import Fault, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lumihub.data.catalogue import Catalogue, Release

# data_A.4lep.root, mc_345060.ggH125_ZZ4lep.4lep.root; the built-in sample's names begin with simulated_.
_NAME = re.compile(
    r"(?P<builtin>simulated_)?"
    r"(?:data_(?P<period>[A-D])|mc_(?P<dsid>\d+)\.(?P<short>[^/.]+))\.(?P<collection>[^/.]+)\.root"
)


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample: a period of data or a simulated process.

    Attributes:
        name: `data_A`, or a process as `ggH125_ZZ4lep`.
        collection: `4lep`, `GamGam`...
        period: letter of a data period; empty for a simulated process.
        dsid: dataset number of a simulated process; 0 for data.
        builtin: whether it is the platform's own simulated sample, in place of what ATLAS released.
    """

    name: str
    collection: str
    period: str = ""
    dsid: int = 0
    builtin: bool = False

    @property
    def is_data(self) -> bool:
        """Whether its events count as they are, without weights."""
        return bool(self.period)


def parse_sample(path: str) -> Sample:
    """The sample of one file.

    Raises:
        InputError: the name is not one of the release's.
    """
    name = path.rstrip("/").rsplit("/", 1)[-1]
    match = _NAME.fullmatch(name)
    if match is None:
        raise InputError(
            f"{name} does not say which sample it holds",
            where=path,
            fix="keep the published name, as in data_A.4lep.root or mc_345060.ggH125_ZZ4lep.4lep.root",
        )
    builtin, period = match["builtin"] is not None, match["period"] or ""
    sample = f"data_{period}" if period else match["short"]
    return Sample(sample, match["collection"], period, int(match["dsid"] or 0), builtin)


def parse_samples(paths: Sequence[str], collection: str) -> list[Sample]:
    """The samples of many files of one collection.

    Raises:
        InputError: all files of a wrong name or collection, at once; or the built-in sample mixed with released files.
    """
    samples: list[Sample] = []
    faults: list[Fault] = []
    for path in paths:
        try:
            sample = parse_sample(path)
        except InputError as error:
            faults += error.faults
            continue
        samples.append(sample)
        if sample.collection != collection:
            faults.append(
                Fault(
                    f"{sample.name} is of the collection {sample.collection}, this analysis reads {collection}",
                    where=path,
                    fix=f"give files whose names end in .{collection}.root",
                )
            )
    if faults:
        raise InputError.from_faults(faults)
    if len({sample.builtin for sample in samples}) > 1:
        raise InputError(
            "the simulated sample and files of ATLAS cannot be analysed together",
            where=next(path for path, sample in zip(paths, samples, strict=True) if sample.builtin),
            fix="give only files that begin with simulated_, or none of them",
        )
    return samples


def find_catalogue(samples: Sequence[Sample]) -> Catalogue:
    """The catalogue whose numbers weight these samples: the one in use where it fits, else the published one."""
    release: Release = "simulated" if any(sample.builtin for sample in samples) else "2020"
    access = DataAccess.current()
    return access.catalogue() if access.release == release else load_catalogue(release)


def find_luminosity(samples: Sequence[Sample], catalogue: Catalogue) -> float:
    """fb^-1 of the data among the samples; of all data of the release when there is none among them."""
    periods = {sample.name for sample in samples if sample.is_data}
    return sum(catalogue.luminosity_by_sample.get(name, 0.0) for name in periods) or catalogue.luminosity_fb


def find_scale(sample: Sample, catalogue: Catalogue) -> float | None:
    """Recorded events per fb^-1 that one unit of generator weight stands for; None where the file itself must say."""
    if sample.is_data or sample.name not in catalogue.samples:
        return None
    numbers = catalogue.normalisation(sample.name, sample.collection)
    if numbers is None:
        return None
    return scale_to_luminosity(numbers.cross_section_pb, numbers.efficiency, numbers.sum_of_weights)
