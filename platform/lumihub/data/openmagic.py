"""atlasopenmagic, as ATLAS's own notebooks use it, with each file from where this platform has it.

Its documented ways (`local_path`, its variables) can't do this alone: `protocol="https"`, which most notebooks ask for,
copies each file whole into every kernel, and a release can't be set without the internet.
"""

from __future__ import annotations

import functools
import importlib.metadata
import json
import logging
import re
import tempfile
import warnings
from typing import TYPE_CHECKING, Any

from lumihub.data.catalogue import load_catalogue

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from lumihub.data.access import DataAccess
    from lumihub.data.catalogue import Catalogue, DataFile, Release

_FOLDER = "root://eospublic.cern.ch:1094//eos/opendata/atlas/"
# As atlasopenmagic writes it for its protocols root, https and eos.
_PUBLISHED = re.compile(
    r"(?:simplecache::)?(?:root://eospublic\.cern\.ch(?::\d+)?/|https://opendata\.cern\.ch)?/+eos/opendata/atlas/+(.+)"
)
_RELEASES: dict[str, Release] = {"2020e-13tev": "2020", "2025e-13tev-beta": "2025"}
# Seconds to connect, and to the answer's first byte.
_PATIENCE = (4, 20)
# Its own, so that `set_verbosity` rules what is said here too.
log = logging.getLogger("atlasopenmagic")


def adapt(package: ModuleType, access: DataAccess) -> None:
    """Have the package name the platform's files, set a release without the internet, and install nothing.

    Where the platform has only the simulated sample, the files that the package names stay CERN's.

    Args:
        package: `atlasopenmagic`, just imported.
        access: how this process gets at the data.
    """
    _replace(package, "install_from_environment", lambda _: _install_nothing)
    if access.release != "simulated":
        files = _Files(access)
        _replace(package, "get_urls", lambda published: _name_files(published, files))
        _replace(package, "set_release", lambda published: _set_offline(published, package.metadata, access))


def _replace(package: ModuleType, name: str, build: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Put another function in the place of one, in every module of the package that imported it."""
    published = getattr(package, name)
    replacement = functools.wraps(published)(build(published))
    for module in (package, package.metadata, package.utils):
        if getattr(module, name, None) is published:
            setattr(module, name, replacement)


class _Files:
    """Where the files that CERN publishes are read from here."""

    def __init__(self, access: DataAccess) -> None:
        self._access = access
        self._known: dict[str, DataFile] = {_name_of(file.path): file for file in access.catalogue().files}

    def find(self, url: str) -> str | None:
        """What opens a file; None where the origin is the institution's own and does not hold it.

        URLs of anything that is not in CERN's folder of ATLAS's open data come back as they are.

        Raises:
            LumiHubError: `mirror` mode, and the file has not been fetched.
        """
        match = _PUBLISHED.fullmatch(url)
        if match is None:
            return url
        # An origin's own manifest knows a file by its name, wherever it lies.
        if file := self._known.get(_name_of(url)):
            return self._access.locate(file)
        return None if self._access.manifest else self._access.locate_path(match[1])


def _name_of(path: str) -> str:
    return path.rpartition("/")[2]


def _name_files(published: Callable[..., list[str]], files: _Files) -> Callable[..., list[str]]:
    def get_urls(*args: Any, **options: Any) -> list[str]:
        named = published(*args, **options)
        found = [files.find(url) for url in named]
        if missing := found.count(None):
            warnings.warn(
                f"{missing} of {len(found)} files are not at this platform's origin: they are read from CERN",
                stacklevel=2,
            )
        return [here or url for here, url in zip(found, named, strict=True)]

    return get_urls


def _set_offline(published: Callable[..., None], metadata: ModuleType, access: DataAccess) -> Callable[..., None]:
    def set_release(release: str, *args: Any, **options: Any) -> None:
        known = _RELEASES.get(release)
        if known and not _answers(metadata.API_BASE_URL, release):
            log.warning(
                "%s does not answer: files are found without it, cross-sections and keywords are not",
                metadata.API_BASE_URL,
            )
            catalogue = access.catalogue() if known == access.release else load_catalogue(known)
            with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
                json.dump(build_metadata(catalogue), file)
                file.flush()
                metadata.read_metadata(file.name, release)
        published(release, *args, **options)
        if metadata.current_local_path is None:
            log.info("Files are read from %s", access.place)

    return set_release


def _answers(api: str, release: str) -> bool:
    """Whether the service with ATLAS's metadata can be asked; a network's own login page is none."""
    import requests

    try:
        answer = requests.get(f"{api}/datasets/count", params={"release_name": release}, timeout=_PATIENCE)
        return bool(answer.json()["count"])
    except (requests.RequestException, KeyError, TypeError):
        return False


def build_metadata(catalogue: Catalogue) -> dict[str, dict[str, Any]]:
    """What `atlasopenmagic.read_metadata` reads: data sets by number and by name, with the URLs of their files at CERN.

    Cross-sections and the like are left out: the released numbers are not what the service would say of them.
    """
    sets: dict[str, dict[str, Any]] = {}
    skims: dict[tuple[str, str], list[str]] = {}
    for file in catalogue.files:
        sample = catalogue.samples[file.sample]
        key = "data" if sample.is_data else str(sample.dsid)
        if key not in sets:
            sets[key] = {"dataset_number": key, "physics_short": sample.name, "file_list": [], "skims": []}
            if sample.is_data:
                sets[key]["physics_short"] = None
            else:
                sets[sample.name.lower()] = sets[key]
        if file.collection == "noskim":
            urls = sets[key]["file_list"]
        elif (key, file.collection) in skims:
            urls = skims[key, file.collection]
        else:
            urls = skims[key, file.collection] = []
            sets[key]["skims"].append({"skim_type": file.collection, "file_list": urls})
        urls.append(_FOLDER + file.path)
    return sets


def _install_nothing(*packages: str, environment_file: str | None = None) -> None:
    """Say that everybody has the same packages here, and which of the named ones are not among them."""
    del environment_file
    missing = [name for name in packages if not _is_installed(name)]
    log.info("Nothing is installed: everybody has the same packages here.")
    if missing:
        log.warning("Not among them: %s. Ask your instructor.", ", ".join(missing))


def _is_installed(package: str) -> bool:
    try:
        importlib.metadata.distribution(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
