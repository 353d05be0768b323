"""Whether an environment is what the lock file says: a stamp in it tells, and what differs is mended."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

STAMP = "lumihub.stamp"


def ensure_environment(folder: Path, selection: Sequence[str]) -> Path:
    """Bring a virtual environment to what `uv.lock` beside it says; at once when it is so already.

    Several calls at a time wait for each other. An environment that was left half made is made anew; so is one whose
    project folder was moved or whose interpreter is gone.

    Args:
        folder: the environment, straight below the project folder.
        selection: the words for `uv sync`: how strict the lock file is, which extras and groups.

    Returns:
        The environment's interpreter.

    Raises:
        LumiHubError: it could not be made; says why and what to type.
    """
    wanted = _build_stamp(folder, selection)
    if _read_stamp(folder) != wanted:
        from lumihub.environment.installation import hold_lock, install_environment

        with hold_lock(folder.with_name(f"{folder.name}.lock")) as lock:
            left = _read_stamp(folder)
            if left != _build_stamp(folder, selection):
                # Without the stamp nobody takes what comes now for a whole environment until it is one.
                (folder / STAMP).unlink(missing_ok=True)
                same_place = left is not None and left.splitlines()[1:] == wanted.splitlines()[1:]
                install_environment(folder, selection, anew=not same_place, held=lock)
                (folder / STAMP).write_text(_build_stamp(folder, selection), encoding="utf-8")
    return folder / "bin/python"


def _build_stamp(folder: Path, selection: Sequence[str]) -> str:
    """What the environment depends on: its contents in the first line, its place and interpreter in the others."""
    from hashlib import sha256

    digest = sha256(" ".join(selection).encode())
    for name in ("uv.lock", "pyproject.toml"):
        digest.update((folder.parent / name).read_bytes())
    return f"{digest.hexdigest()}\n{folder}\n{os.path.realpath(folder / 'bin/python')}\n"


def _read_stamp(folder: Path) -> str | None:
    try:
        return (folder / STAMP).read_text(encoding="utf-8") if (folder / "bin/python").exists() else None
    except FileNotFoundError:
        return None
