"""How an environment is installed: a pinned uv from the package registry, and an interpreter to build on."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
import termios
import time
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from lumihub.environment.failures import AGAIN, explain_failure
from lumihub.errors import LumiHubError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

UV = "0.13.9"
# What a whole environment takes with its bytecode, in bytes.
ROOM = 1_500_000_000
# The variable that names a mirror of the package registry for uv.
INDEX = "UV_DEFAULT_INDEX"
# How uv lists a package that it installed, removed or replaced, with or without colours.
CHANGE = re.compile(rb" (\x1b\[[\d;]*m)*[-+~](\x1b\[[\d;]*m)* ")


def install_environment(folder: Path, selection: Sequence[str], *, anew: bool, held: int) -> None:
    """Make an environment exactly what the lock file says, showing progress on stderr.

    Args:
        folder: the environment, straight below the project folder.
        selection: the words for `uv sync`: how strict the lock file is, which extras and groups.
        anew: throw away what is there; otherwise only what differs is changed.
        held: a file descriptor (the lock) that the programs started here keep open.

    Raises:
        LumiHubError: says what is wrong and what to type.
    """
    begin = time.monotonic()
    free = shutil.disk_usage(folder.parent).free
    if anew and free < ROOM:
        raise LumiHubError(
            f"not enough disk: {folder.name} needs {ROOM / 1e9:.1f} GB, {free / 1e9:.1f} GB are free",
            where=str(folder.parent),
            fix=f"free some space, or move the project to a larger disk, {AGAIN}",
        )
    say(f"making {folder.name} from uv.lock" if anew else f"bringing {folder.name} to the changed uv.lock")
    uv = ensure_uv(held)
    if anew:
        _run([uv, "venv", "--quiet", "--clear", "--no-project", "--python", find_python(), folder], held)
    if INDEX in _build_variables():
        # `uv sync` brings files from the addresses in the lock file alone. A mirror's must have the same hashes.
        packages = folder / "packages.txt"
        _run([uv, "export", "--quiet", "--no-emit-project", "--output-file", packages, *selection], held, folder.parent)
        _run([uv, "pip", "sync", "--python", folder / "bin/python", packages], held)
    sync: list[str | Path] = [uv, "sync", "--compile-bytecode", "--no-python-downloads", *selection]
    _run(sync, held, folder.parent, UV_PROJECT_ENVIRONMENT=str(folder), UV_PYTHON=str(folder / "bin/python"))
    say(f"{folder.name} is ready after {time.monotonic() - begin:.0f} s")


def find_python() -> Path:
    """The interpreter to build on: this one; for root one that students' accounts can execute too, if there is one."""
    own = Path(sys.base_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}")
    own = own if own.exists() else Path(sys.executable)
    if os.geteuid() == 0 and not _is_open(own):
        for other in (Path("/usr/local/bin/python3"), Path("/usr/bin/python3")):
            if _is_open(other) and _is_recent(other):
                return other
    return own


def _is_open(program: Path) -> bool:
    """Whether accounts other than the owner's can execute it."""
    real = program.resolve()
    return real.exists() and all(part.stat().st_mode & 0o001 for part in (real, *real.parents))


def _is_recent(python: Path) -> bool:
    test = "import sys; sys.exit(sys.version_info < (3, 11))"
    return subprocess.run([python, "-I", "-c", test], check=False).returncode == 0


def ensure_uv(held: int) -> Path:
    """uv in the user's cache folder (machines of several kinds may share it): one file, there whole or not at all."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "lumihub")
    uv = cache / f"uv-{UV}-{os.uname().machine}"
    if uv.exists():
        return uv
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="making-uv-") as place:
        python = Path(sys.executable)
        if find_spec("pip") is None:
            if find_spec("ensurepip") is None:
                raise LumiHubError(
                    f"{sys.executable} has neither pip nor ensurepip, one of which installs the rest",
                    fix=f"apt install python3-venv (on Fedora and RHEL: dnf install python3-pip) {AGAIN}",
                )
            _run([python, "-m", "venv", place], held)
            python = Path(place, "bin/python")
        choice = ["--target", place, "--upgrade", "--no-deps", "--only-binary", ":all:", f"uv=={UV}"]
        _run([python, "-m", "pip", "install", "--retries", "2", *choice], held)
        Path(place, "bin/uv").replace(uv)
    return uv


def _run(arguments: Sequence[str | Path], held: int, cwd: Path | None = None, **variables: str) -> None:
    """Run a program with its progress on our stderr, keeping its words for the error."""
    terminal = sys.stderr.isatty()
    reader, writer = pty.openpty() if terminal else os.pipe()
    if terminal:
        termios.tcsetwinsize(writer, termios.tcgetwinsize(sys.stderr.fileno()))
    # A strict umask of root's would leave an environment that students' accounts cannot read.
    process = subprocess.Popen(
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=writer,
        stderr=writer,
        cwd=cwd,
        env=_build_variables() | variables,
        pass_fds=[held],
        umask=0o022,
    )
    os.close(writer)
    try:
        said = _relay(reader)
    finally:
        os.close(reader)
        process.wait()
    if process.returncode != 0:
        program = " ".join(str(word) for word in arguments)
        raise explain_failure(said) or LumiHubError(
            f"making the environment failed with exit code {process.returncode}; its own words are above", where=program
        )


def _relay(reader: int) -> str:
    """Show what a program says, but not its list of each package that it installed; returns the end of it."""
    said = held_back = b""
    while words := _read(reader):
        said = (said + words)[-20_000:]
        lines = (held_back + words).splitlines(keepends=True)
        held_back = lines.pop() if lines[-1].startswith(b" ") and not lines[-1].endswith(b"\n") else b""
        os.write(sys.stderr.fileno(), b"".join(line for line in lines if not CHANGE.match(line)))
    return said.decode(errors="replace")


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # how a pseudo-terminal says that its other end is closed
        return b""


def _build_variables() -> dict[str, str]:
    """Our variables, so that pip and uv ask the same index, trust the same certificates and mind no other Python."""
    variables = {
        "UV_SYSTEM_CERTS": "1",
        "UV_HTTP_TIMEOUT": "120",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        **os.environ,
        "PIP_REQUIRE_VIRTUALENV": "0",
        "PIP_USER": "0",
    }
    for name in ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME"):
        variables.pop(name, None)
    index = next((variables[name] for name in (INDEX, "UV_INDEX_URL", "PIP_INDEX_URL") if variables.get(name)), None)
    if index:
        variables = {INDEX: index, "PIP_INDEX_URL": index, **variables}
    names = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    bundle = next((variables[name] for name in names if variables.get(name)), None)
    if bundle:
        variables = {"SSL_CERT_FILE": bundle, "PIP_CERT": bundle, **variables}
    return variables


@contextmanager
def hold_lock(path: Path) -> Iterator[int]:
    """Hold the lock file; yields its descriptor, for children to hold it too while they outlive a killed parent."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another call is making {path.stem}; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def say(text: str) -> None:
    """One line of progress on stderr."""
    sys.stderr.write(f"… {text}\n")
    sys.stderr.flush()
