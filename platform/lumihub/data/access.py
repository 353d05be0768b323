"""How this process gets at the data: where it comes from, through which cache, or from which mirror.

The admin's tool decides it once; every student's server finds it in one environment variable.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError

from lumihub.data.cache import find_cache_obstacle
from lumihub.data.catalogue import Catalogue, DataFile, Release, load_catalogue, simulated_folder
from lumihub.data.manifest import load_manifest, write_manifest
from lumihub.data.origins import CLIENT_ENVIRONMENT, join_url
from lumihub.data.sharing import pick_host
from lumihub.errors import InputError, LumiHubError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lumihub.settings import Settings

VARIABLE = "LUMIHUB_DATA"


class DataAccess(BaseModel):
    """Everything that turns a file of the catalogue into something that opens.

    Attributes:
        release: which release, or the built-in simulated sample.
        mode: `stream` opens files at the origin, `cache` through the cache, `mirror` in the mirror's folder.
        origin: URL or folder that holds OutreachDatasets/ and rucio/.
        cache: address of the cache, as in `root://127.0.0.1:11094`; of several, their hosts separated by commas.
        mirror: folder of the mirror.
        manifest: the origin's own manifest.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    release: Release = "simulated"
    mode: Literal["stream", "cache", "mirror"] = "stream"
    origin: str = ""
    cache: str | None = None
    mirror: Path | None = None
    manifest: Path | None = None

    @classmethod
    def current(cls, environment: Mapping[str, str] | None = None) -> DataAccess:
        """What the environment says; the simulated sample where it says nothing.

        Raises:
            InputError: the variable is broken.
        """
        text = (os.environ if environment is None else environment).get(VARIABLE)
        if not text:
            return cls()
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise InputError(
                f"the environment variable {VARIABLE} cannot be read: {error.errors()[0]['msg']}",
                fix=f"restart your server, or unset {VARIABLE} to read the simulated sample",
            ) from error

    def environment(self) -> dict[str, str]:
        """What a student's server needs to find the data in the same way, and not to hang when it is gone."""
        own = {VARIABLE: self.model_dump_json(exclude_none=True)}
        if self.release == "simulated":
            return own
        # Notebooks that nobody wrote for this platform open files without options.
        return own | CLIENT_ENVIRONMENT | {"FSSPEC_ROOT": json.dumps(storage_options("root://"))}

    def catalogue(self) -> Catalogue:
        """The files that can be had this way."""
        return load_catalogue(self.release, self.manifest)

    def locate(self, file: DataFile) -> str:
        """The URL or path that opens a file.

        Raises:
            LumiHubError: `mirror` mode, and the file has not been fetched.
        """
        if self.release == "simulated":
            return str(simulated_folder() / file.path)
        if self.mode != "mirror":
            return self.locate_path(file.path)
        if self.mirror is None:
            raise LumiHubError(
                "mirror mode names no folder", fix="set data.folder in the values file and type `up` again"
            )
        path = self.mirror / file.path
        if not path.is_file():
            raise LumiHubError(
                f"{file.sample} of {file.collection} has not been fetched into the mirror",
                where=str(path),
                fix=f"python3 deploy.py data fetch {file.collection} --sample '{file.sample}'",
            )
        return str(path)

    def locate_path(self, path: str) -> str:
        """What opens a path below the origin's folder: the mirror's file where there is one, or else a URL."""
        if self.mode == "mirror" and self.mirror and (self.mirror / path).is_file():
            return str(self.mirror / path)
        return join_url(pick_host(self._streamed, path), path)

    def is_cached(self, url: str) -> bool:
        """Whether a URL leads to the cache, or to one of several."""
        parts, cache = urlsplit(url), urlsplit(self.cache or "")
        return parts.scheme == cache.scheme and parts.netloc in cache.netloc.split(",")

    @property
    def place(self) -> str:
        """The folder or URL below which the files are that this process opens."""
        if self.release == "simulated":
            return str(simulated_folder())
        return str(self.mirror) if self.mode == "mirror" else self._streamed

    @property
    def _streamed(self) -> str:
        if self.mode == "cache" and self.cache:
            return f"{self.cache}/{urlsplit(self.origin).path.replace('//', '/')}"
        return self.origin


def mirror_folder(folder: Path) -> Path:
    """Where fetched files lie, below the data folder."""
    return folder / "mirror"


def cache_folder(folder: Path) -> Path:
    """Where the cache keeps its files, below the data folder."""
    return folder / "cache"


def build_access(settings: Settings, folder: Path, *, simulated: bool) -> DataAccess:
    """How students get at the data under these settings.

    An origin's own manifest is copied into the data folder, because the admin's folder may be closed to students.
    Where this machine cannot run a cache, mode `cache` becomes `stream`; `find_cache_obstacle` says why.

    Args:
        settings: the values file.
        folder: the data folder, which holds mirror and cache.
        simulated: read the built-in sample in place of the release (the origin does not answer).
    """
    if simulated:
        return DataAccess()
    data = settings.data
    mode = "stream" if data.mode == "cache" and find_cache_obstacle(data.origin.url) else data.mode
    return DataAccess(
        release=data.release,
        mode=mode,
        origin=data.origin.url,
        cache=f"root://127.0.0.1:{data.cache.port}" if mode == "cache" else None,
        mirror=mirror_folder(folder).absolute() if mode == "mirror" else None,
        manifest=_ensure_manifest(data.origin.manifest, folder) if data.origin.manifest else None,
    )


def _ensure_manifest(manifest: Path, folder: Path) -> Path:
    copy = (folder / "manifest.json").absolute()
    write_manifest(load_manifest(manifest), copy)
    copy.chmod(0o644)
    return copy


def storage_options(url: str) -> dict[str, Any]:
    """What fsspec (and `uproot.open(url, **options)`) should be told, so that nothing waits for ever."""
    from lumihub.data.origins import build_options

    return build_options(url, timeout=60)
