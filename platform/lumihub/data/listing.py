"""Manifests of origins of one's own: walk, read, sum."""

from __future__ import annotations

import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from lumihub.data.checksums import BLOCK, EMPTY, format_adler32
from lumihub.data.manifest import ATLAS_LABEL, Manifest, ManifestFile
from lumihub.data.origins import Origin, OriginError, join_url
from lumihub.errors import LumiHubError

if TYPE_CHECKING:
    from lumihub.progress import Progress

_TREES = ("mini", "analysis")


def build_manifest(
    url: str, progress: Progress, *, entries: bool = False, label: str = ATLAS_LABEL, streams: int = 4
) -> Manifest:
    """Read every ROOT file below a URL or folder, and note its size and adler32.

    Args:
        url: the folder that holds OutreachDatasets/ or rucio/.
        progress: told the bytes read.
        entries: count the events of each file too, which opens each once more.
        label: what plots call the data.
        streams: files read at once.

    Raises:
        LumiHubError: it cannot be walked or read, or holds no ROOT file.
    """
    origin = Origin(url)
    try:
        found = [(path, size) for path, size in origin.walk() if path.endswith(".root")]
    except OriginError as error:
        raise LumiHubError(f"the origin cannot be walked: {error}", fix="see whether the URL names a folder") from error
    if not found:
        raise LumiHubError(
            "there is no .root file below the origin", where=url, fix="name the folder that holds OutreachDatasets/"
        )
    with progress.task("reading", sum(size for _, size in found), "bytes") as task:

        def read(item: tuple[str, int]) -> ManifestFile:
            path, size = item
            checksum = EMPTY
            with origin.open(path, size) as source:
                for offset in range(0, size, BLOCK):
                    block = source.read(offset, min(BLOCK, size - offset))
                    checksum = zlib.adler32(block, checksum)
                    task.advance(len(block))
            counted = _count_entries(join_url(url, path)) if entries else None
            return ManifestFile(path=path, size=size, adler32=format_adler32(checksum), entries=counted)

        try:
            with ThreadPoolExecutor(streams) as pool:
                files = tuple(pool.map(read, found))
        except OriginError as error:
            raise LumiHubError(
                f"a file could not be read: {error}", fix="try again, or take the file out of the folder"
            ) from error
    return Manifest(label=label, source=url, files=files)


def _count_entries(url: str) -> int | None:
    """Events of the file's tree; None where it has none (the 2025 release has such files)."""
    import uproot

    from lumihub.data.access import storage_options

    with uproot.open(url, **storage_options(url)) as file:
        tree = next((name for name in _TREES if name in file), None)
        return int(file[tree].num_entries) if tree else None
