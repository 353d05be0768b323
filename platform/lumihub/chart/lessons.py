"""The institution's own lessons, as the chart takes them: in a ConfigMap, which every student's pod mounts."""

from __future__ import annotations

import base64
import gzip
import json
from typing import TYPE_CHECKING

from lumihub.errors import InputError
from lumihub.lab.lessons import find_files

if TYPE_CHECKING:
    from pathlib import Path

    from lumihub.settings import Settings

_KEY = "lessons.folder"
# Kubernetes takes a megabyte in one object. Helm keeps a release in one too, packed, and each lesson twice in it; what
# is left is for the chart.
_MOST = 1_000_000
_MOST_PACKED = 600_000


def load_lessons(settings: Settings) -> dict[str, dict[str, str]]:
    """The files of `lessons.folder`; none where it is not set.

    Returns:
        By the path below the folder, `{"text": ...}`, or `{"base64": ...}` of what is no text.

    Raises:
        InputError: the folder or a file can't be read, there is nothing in it, or more than a cluster takes.
    """
    folder = settings.lessons.folder
    if folder is None:
        return {}
    paths = find_files(folder)
    if not paths:
        raise InputError(f"{_KEY}: there is nothing in {folder}", fix="put notebooks there, or leave the key out")
    try:
        contents = {name: path.read_bytes() for name, path in paths.items()}
    except OSError as error:
        raise InputError(f"{_KEY}: {error.filename} can't be read: {error.strerror}", fix="make it readable") from error
    files = {name: _write(content) for name, content in contents.items()}
    text = json.dumps(files).encode()
    if len(text) > _MOST or len(base64.b64encode(gzip.compress(text))) * 2 > _MOST_PACKED:
        raise _build_refusal(folder, contents)
    return files


def _write(content: bytes) -> dict[str, str]:
    try:
        return {"text": content.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode()}


def _build_refusal(folder: Path, contents: dict[str, bytes]) -> InputError:
    sizes = {name: len(content) / 1e6 for name, content in contents.items()}
    largest = max(sizes, key=lambda name: sizes[name])
    return InputError(
        f"{_KEY}: {folder} holds {sum(sizes.values()):.1f} MB, more than a cluster takes;"
        f" {largest} alone has {sizes[largest]:.1f} MB",
        fix="clear the outputs of notebooks, and mount large files by singleuser.storage.extraVolumes",
    )
