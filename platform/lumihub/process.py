"""Programs that LumiHub starts: by argument list, with their words kept for the error."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lumihub.errors import LumiHubError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Completed:
    """What a program left behind."""

    arguments: tuple[str, ...]
    exit_code: int
    stdout: str
    stderr: str


def find_program(name: str) -> Path | None:
    """The program's path, or None where it is not installed. Looks in sbin folders too, which PATH may lack."""
    path = os.environ.get("PATH", os.defpath) + os.pathsep + "/usr/local/sbin:/usr/sbin:/sbin"
    found = shutil.which(name, path=path)
    return Path(found) if found else None


def run(
    arguments: Sequence[str | Path],
    *,
    timeout: float = 120,
    check: bool = True,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    input_text: str | None = None,
) -> Completed:
    """Run a program to its end.

    Args:
        arguments: the program and its arguments; never a shell line.
        timeout: seconds until it is killed.
        check: raise when it fails.
        env: the whole environment; the caller's own when None.

    Raises:
        LumiHubError: the program is missing, took too long, or failed (with the end of its stderr).
    """
    words = tuple(str(argument) for argument in arguments)
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=timeout, check=False, env=env, cwd=cwd, input=input_text
        )
    except FileNotFoundError as error:
        raise LumiHubError(f"{words[0]} is not installed", fix=f"install {words[0]} and try again") from error
    except subprocess.TimeoutExpired as error:
        raise LumiHubError(f"{words[0]} did not finish within {timeout:.0f} s", where=" ".join(words)) from error
    if check and done.returncode != 0:
        last_words = (done.stderr.strip() or done.stdout.strip())[-2000:]
        raise LumiHubError(f"{words[0]} failed with exit code {done.returncode}: {last_words}", where=" ".join(words))
    return Completed(words, done.returncode, done.stdout, done.stderr)
