"""The Python environment that students' servers run in: one that their accounts can reach.

An admin's own environment often lies where students may not look (a clone in /root, an interpreter in somebody's home).
Then the same one, by the lock file, is made once in a place that is open to all.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sys
import sysconfig
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import lumihub
from lumihub.environment.failures import explain_failure
from lumihub.environment.installation import ensure_uv
from lumihub.errors import LumiHubError
from lumihub.local.folder import explained_write_errors, find_closed_parent
from lumihub.local.processes import PROC, processes
from lumihub.process import run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lumihub.progress import Progress

CACHE = Path("/var/cache/lumihub/environments")
_INTERPRETER_FOLDERS = ("/usr/bin", "/usr/local/bin", "/opt/python/bin")
_OLDEST = (3, 11)
_WHOLE = ".whole"
_KEPT_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Environment:
    """A Python environment with LumiHub in it.

    Attributes:
        prefix: its folder.
        python: its interpreter.
        package: LumiHub's own folder in it.
        key: changes with LumiHub's code and with the packages that it runs on.
        built: whether this call made it.
    """

    prefix: Path
    python: Path
    package: Path
    key: str
    built: bool = False

    def lessons(self, language: str) -> Path:
        """The folder of lessons: in the package where it is installed, beside it in a checkout."""
        installed = self.package / "notebooks" / language
        return installed if installed.is_dir() else self.package.parents[1] / "notebooks" / language


def ensure_environment(progress: Progress, *, open_to_all: bool) -> Environment:
    """The environment to run the hub and students' servers from.

    Args:
        progress: told while one is being made, which takes about half a minute.
        open_to_all: other accounts must be able to reach it.

    Raises:
        LumiHubError: one has to be made, and something for that is missing.
    """
    if open_to_all and find_unreachable(own_places()) is not None:
        return _ensure_built(progress)
    prefix = Path(sys.prefix)
    return Environment(prefix, prefix / "bin" / "python", _package(), _own_key())


def _package() -> Path:
    return Path(lumihub.__file__).resolve().parent


def _own_key() -> str:
    """Of the environment that this process runs from: names and versions of its packages, and our own sources."""
    packages = sorted(path.name for path in Path(sysconfig.get_path("purelib")).glob("*.dist-info"))
    digest = hashlib.sha256("\n".join(packages).encode())
    for path in sorted(_package().rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def own_places() -> tuple[Path, ...]:
    """All that a process needs to reach in order to run this LumiHub from where it is."""
    executable = Path(sys.prefix) / "bin" / "python"
    return (Path(sys.prefix), executable, Path(sys.base_prefix), _package())


def find_unreachable(places: Iterable[Path]) -> Path | None:
    """The first folder that keeps other accounts from one of `places`, or None where all of them are open."""
    return next((closed for place in places if (closed := find_closed_parent(place))), None)


def find_interpreter() -> Path | None:
    """The newest Python, 3.11 or newer, that other accounts can reach; None where there is none."""
    own = ".".join(map(str, sys.version_info[:2]))
    names = (f"python{own}", "python3", "python3.14", "python3.13", "python3.12", "python3.11")
    for candidate in (Path(folder) / name for name in names for folder in _INTERPRETER_FOLDERS):
        if candidate.exists() and find_closed_parent(candidate) is None:
            program = "import sys, venv; print(*sys.version_info[:2])"
            answer = run([candidate, "-I", "-c", program], check=False, timeout=20)
            if answer.exit_code == 0 and tuple(map(int, answer.stdout.split())) >= _OLDEST:
                return candidate
    return None


def environment_key(project: Path, interpreter: Path) -> str:
    """`PACKAGES-SOURCES`: one half changes with locked packages and interpreter, the other with LumiHub's files."""
    packages = hashlib.sha256(f"{interpreter.resolve()}\n".encode())
    packages.update((project / "uv.lock").read_bytes())
    sources = hashlib.sha256((project / "pyproject.toml").read_bytes())
    files = [path for folder in ("platform", "notebooks") for path in (project / folder).rglob("*") if path.is_file()]
    for path in sorted(files):
        if not {"__pycache__", ".ipynb_checkpoints"} & set(path.parts):
            sources.update(f"{path.relative_to(project)}\n".encode())
            sources.update(path.read_bytes())
    return f"{packages.hexdigest()[:12]}-{sources.hexdigest()[:12]}"


def prune_environments(current: Path, folder: Path = CACHE) -> list[Path]:
    """Remove built environments that nobody asked for in the last day and no process runs from; return those.

    Args:
        current: the one in use; where it was not built, none are looked at.
        folder: where built ones lie.
    """
    if current.parent != folder:
        return []
    removed = []
    with _locked(folder):
        used = _running_from(folder)
        for old in folder.iterdir():
            if old.is_dir() and old not in (current, *used) and _age(old) > _KEPT_SECONDS:
                shutil.rmtree(old, ignore_errors=True)
                removed.append(old)
    return removed


def _age(prefix: Path) -> float:
    marker = prefix / _WHOLE
    return time.time() - (marker if marker.exists() else prefix).stat().st_mtime


@contextmanager
def _locked(folder: Path) -> Iterator[int]:
    """Several installations of one machine share environments: one at a time makes or removes them."""
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()


def _ensure_built(progress: Progress) -> Environment:
    project = _package().parents[1]
    closed = find_unreachable(own_places())
    if not (project / "uv.lock").exists():
        raise LumiHubError(
            f"students' accounts can't enter {closed}, where LumiHub is installed",
            fix="install it where every account can read it, as in /opt/lumihub, with a Python from /usr/bin",
        )
    interpreter = find_interpreter()
    if interpreter is None:
        raise LumiHubError(
            f"students' accounts can't enter {closed}, and no Python 3.11 or newer lies where they can",
            where=", ".join(_INTERPRETER_FOLDERS),
            fix="install one for the whole machine (apt install python3 python3-venv), or set local.accounts to shared",
        )
    key = environment_key(project, interpreter)
    prefix = CACHE / key
    with explained_write_errors(CACHE):
        CACHE.mkdir(parents=True, exist_ok=True)
    for folder in (CACHE.parent, CACHE):
        folder.chmod(0o755)
    with _locked(CACHE) as held:
        if (prefix / _WHOLE).exists():
            (prefix / _WHOLE).touch()  # asked for today
            return _built_environment(prefix, key)
        with progress.task("Preparing Python for students' accounts (once; about half a minute)"):
            _build(project, interpreter, prefix, held)
    return replace(_built_environment(prefix, key), built=True)


def _built_environment(prefix: Path, key: str) -> Environment:
    package = next(prefix.glob("lib/python3.*/site-packages/lumihub"))
    return Environment(prefix, prefix / "bin" / "python", package, key)


def _build(project: Path, interpreter: Path, prefix: Path, held: int) -> None:
    shutil.rmtree(prefix, ignore_errors=True)  # what an interrupted call left
    uv = ensure_uv(held)
    umask = os.umask(0o022)
    try:
        with explained_write_errors(CACHE):
            earlier = _find_whole(prefix.name.partition("-")[0])
            if earlier:
                # Same packages, compiled already: links cost a second, compiling half a minute.
                shutil.copytree(earlier, prefix, symlinks=True, copy_function=os.link)
                (prefix / _WHOLE).unlink()
            else:
                # Relocatable, so that it can be copied so.
                _run_uv(
                    uv, ["venv", "--relocatable", "--no-project", "--python", str(interpreter), str(prefix)], prefix
                )
            _run_uv(uv, _build_sync(project, interpreter), prefix)
            (prefix / _WHOLE).touch()
    finally:
        os.umask(umask)


def _build_sync(project: Path, interpreter: Path) -> list[str]:
    words = ["sync", "--frozen", "--no-editable", "--no-default-groups", "--all-extras", "--no-progress"]
    # uv would take its last build of a folder whose pyproject.toml did not change.
    words += ["--reinstall-package", "lumihub", "--project", str(project), "--python", str(interpreter)]
    words.append("--no-python-downloads")
    # Students can't write there, so without compiled files each of their servers would compile everything anew.
    return [*words, "--compile-bytecode"]


def _find_whole(packages: str) -> Path | None:
    return next((marker.parent for marker in CACHE.glob(f"{packages}-*/{_WHOLE}")), None)


def _run_uv(uv: Path, words: list[str], prefix: Path) -> None:
    environment = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(prefix), "UV_SYSTEM_CERTS": "1"}
    for name in ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME"):
        environment.pop(name, None)
    done = run([uv, *words], timeout=1800, env=environment, check=False)
    if done.exit_code != 0:
        said = (done.stderr or done.stdout).strip()
        raise explain_failure(said) or LumiHubError(
            f"making the environment for students' accounts failed: {said[-2000:]}", where=" ".join(done.arguments)
        )


def _running_from(folder: Path) -> set[Path]:
    used = set()
    for pid in processes():
        try:
            words = (PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        for word in words:
            path = Path(os.fsdecode(word))
            if folder in path.parents:
                used.add(folder / path.relative_to(folder).parts[0])
    return used
