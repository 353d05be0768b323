"""What an image is built from: the files that its Containerfile copies, their hash, and a folder with nothing else."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import lumihub
from lumihub.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = ("hub", "lab", "cache", "proxy", "gateway", "data")

_BASE = re.compile(r"^ARG BASE=(\S+)$", re.MULTILINE)
_CONTINUED = re.compile(r"\\\n\s*")


def find_project() -> Path:
    """The project's folder.

    Raises:
        InputError: LumiHub was installed without it, so that there is nothing to build images from.
    """
    project = Path(lumihub.__file__).resolve().parents[2]
    if not (project / "images").is_dir():
        raise InputError(
            "the images' sources are not here: LumiHub was installed without its project folder",
            where=str(project),
            fix="run ./deploy.py of the project's folder, or set images.registry and images.tag to images that exist",
        )
    return project


def find_sources(name: str, project: Path) -> list[Path]:
    """The files that an image is built from, its Containerfile first, all below the project's folder.

    Raises:
        InputError: the project's folder is not complete.
    """
    containerfile = project / "images" / name / "Containerfile"
    found: set[Path] = set()
    for pattern in _read_copies(containerfile.read_text(encoding="utf-8")):
        matches = [file for path in project.glob(pattern) for file in _walk(path)]
        if not matches:
            raise InputError(
                f"{pattern} is missing, which the image {name} is built from",
                where=str(project),
                fix="download or clone the whole project again",
            )
        found.update(matches)
    return [containerfile, *sorted(found)]


def find_base(name: str) -> str:
    """The image that an image starts from, such as docker.io/library/debian:bookworm-slim."""
    text = (find_project() / "images" / name / "Containerfile").read_text(encoding="utf-8")
    match = _BASE.search(text)
    if match is None:
        raise AssertionError(f"images/{name}/Containerfile does not name its base")
    return match[1]


def hash_sources(name: str, project: Path | None = None) -> str:
    """SHA-256 of what an image is built from: names and contents, but neither times nor owners.

    Args:
        project: another folder than the project's that holds the files.
    """
    project, digest = project or find_project(), hashlib.sha256()
    for file in find_sources(name, project):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(project).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def copy_sources(name: str, folder: Path) -> None:
    """Put what an image is built from into a folder, and nothing else of the project.

    Everybody may read the copies, and their times are the same each time: whoever has a strict umask gets the same
    image, and the builder's cache knows what it has seen.
    """
    project = find_project()
    for file in find_sources(name, project):
        copy = folder / file.relative_to(project)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
        copy.chmod(0o644)
        os.utime(copy, (0, 0))
    for path in folder.rglob("*"):
        if path.is_dir():
            path.chmod(0o755)
            os.utime(path, (0, 0))


def _read_copies(text: str) -> Iterator[str]:
    """The sources of every COPY that takes from the project, not from another stage."""
    for line in _CONTINUED.sub(" ", text).splitlines():
        words = line.split()
        if words[:1] == ["COPY"] and not any(word.startswith("--from=") for word in words):
            yield from (word for word in words[1:-1] if not word.startswith("--"))


def _walk(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    elif path.name != "__pycache__" and not path.name.startswith("."):
        for below in path.iterdir():
            if not below.name.startswith("."):
                yield from _walk(below)
