"""The open data: catalogue, origins, cache, mirror, verification.

In a notebook::

    from lumihub import data

    data.files("4lep", "data_A")  # URLs or paths that open wherever the notebook runs
    data.label()                  # what to write on a plot
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lumihub.data.access import DataAccess, storage_options
from lumihub.errors import InputError

if TYPE_CHECKING:
    from lumihub.data.catalogue import Catalogue

__all__ = ["DataAccess", "catalogue", "files", "label", "luminosity", "storage_options"]


def catalogue() -> Catalogue:
    """Collections, samples, branches and numbers of the data in use."""
    return DataAccess.current().catalogue()


def files(collection: str, *samples: str | int) -> list[str]:
    """URLs or paths of the files of a collection, in every mode the same call.

    Args:
        collection: its name, such as `4lep`.
        samples: `data_A`, a process such as `ggH125_ZZ4lep`, or its number (345060). None: all of the collection.

    Raises:
        InputError: no such collection or sample; says which may have been meant.
        LumiHubError: `mirror` mode, and a file has not been fetched.
    """
    access = DataAccess.current()
    known = access.catalogue()
    wanted = [known.file(collection, name) for name in samples] or list(known.in_collection(collection).values())
    return [access.locate(file) for file in wanted]


def label() -> str:
    """What every plot and page must call the data in use: "ATLAS Open Data", or that it is simulated."""
    return catalogue().label


def luminosity(*samples: str) -> float:
    """fb^-1 of the data in use: of these data samples, or of all where none is named.

    Raises:
        InputError: the release does not tell the luminosity of a part.
    """
    known = catalogue()
    if not samples:
        return known.luminosity_fb
    names = [known.sample(name).name for name in samples]
    untold = [name for name in names if name not in known.luminosity_by_sample]
    if untold:
        raise InputError(
            f"the luminosity of {', '.join(untold)} alone is not known",
            fix="call luminosity() for all of the data, or name data samples that have one: "
            + (", ".join(known.luminosity_by_sample) or "this release has none"),
        )
    return sum(known.luminosity_by_sample[name] for name in names)
