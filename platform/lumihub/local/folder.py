"""The state folder: everything that one installation keeps on this machine, and who may enter where."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lumihub.errors import LumiHubError
from lumihub.settings.quantities import format_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lumihub.settings import Settings

# The hub's database, logs and a handful of notebooks; far below it SQLite and students' servers fail in odd ways.
NEEDED_BYTES = 100_000_000


@dataclass(frozen=True, slots=True)
class StateFolder:
    """Where each thing lives. Students may pass through `root`, `homes` and `data`, and list none of them.

    Attributes:
        root: `local.folder` of the settings, or its default.
        data: `data.folder` of the settings, or `data` in `root`.
    """

    root: Path
    data: Path

    @property
    def secrets(self) -> Path:
        """Tokens and first passwords, each in a file of mode 0600."""
        return self.root / "secrets"

    @property
    def hub(self) -> Path:
        """The hub's database and rendered configuration."""
        return self.root / "hub"

    @property
    def proxy(self) -> Path:
        """The proxy's configuration and routes."""
        return self.root / "proxy"

    @property
    def cache(self) -> Path:
        """The data cache's configuration."""
        return self.root / "cache"

    @property
    def nightly_work(self) -> Path:
        """What the cache is filled with every night."""
        return self.cache / "nightly.json"

    @property
    def nightly_outcome(self) -> Path:
        """What came of it last; in a folder of the cache's account."""
        return self.cache / "run" / "nightly.json"

    @property
    def logs(self) -> Path:
        """One file a part; `logs/students` has one a student's server."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """Process records, ports and the lock."""
        return self.root / "run"

    @property
    def homes(self) -> Path:
        """One folder a student."""
        return self.root / "homes"

    @property
    def identity(self) -> str:
        """Eight characters that tell this installation's processes and control groups from another's."""
        return hashlib.sha256(str(self.root).encode()).hexdigest()[:8]

    def ensure(self) -> None:
        """Make what is missing, with the modes that keep secrets from students.

        Raises:
            LumiHubError: the folder can't be written.
        """
        with explained_write_errors(self.root):
            for folder in (self.root, self.homes, self.data):
                folder.mkdir(parents=True, exist_ok=True)
                folder.chmod(0o711)
            for folder in (self.secrets, self.hub, self.proxy, self.logs, self.logs / "students", self.run):
                folder.mkdir(exist_ok=True)
                folder.chmod(0o700)
            self.cache.mkdir(exist_ok=True)
            self.cache.chmod(0o711)

    def check_space(self, needed: int = NEEDED_BYTES) -> None:
        """Refuse to start what would soon fail for want of disk.

        Raises:
            LumiHubError: fewer than `needed` bytes are free.
        """
        free = shutil.disk_usage(self.root).free
        if free < needed:
            raise LumiHubError(
                f"local.folder: {self.root} has {format_bytes(free)} free, and {format_bytes(needed)} are needed",
                fix="make room there (./deploy.py data remove), or name a folder on a larger disk at local.folder",
            )


def find_state_folder(settings: Settings) -> StateFolder:
    """Where this installation lives, by the settings and by who asks."""
    default = Path("/var/lib/lumihub") if os.geteuid() == 0 else Path.home() / ".local/share/lumihub"
    root = (settings.local.folder or default).expanduser().absolute()
    data = settings.data.folder.expanduser().absolute() if settings.data.folder else root / "data"
    return StateFolder(root, data)


def find_closed_parent(path: Path) -> Path | None:
    """The first folder on the way to `path` that other accounts can't pass through, or None where all is open."""
    resolved = path.resolve()
    for folder in (*reversed(resolved.parents), *([resolved] if resolved.is_dir() else [])):
        if folder.exists() and not folder.stat().st_mode & 0o001:
            return folder
    return None


@contextmanager
def explained_write_errors(folder: Path) -> Iterator[None]:
    """Turn what the system says about a full disk or a closed folder into what to do about it.

    Raises:
        LumiHubError: something in the block could not be written.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise LumiHubError(
                f"local.folder: the disk that holds {folder} is full",
                fix="make room there (./deploy.py data remove), or name a folder on a larger disk at local.folder",
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR):
            raise LumiHubError(
                f"local.folder: {folder} can't be written ({error.strerror})",
                fix="run as the account that owns it, or name another folder at local.folder",
            ) from error
        raise


def write_private(path: Path, text: str) -> None:
    """Replace a file at once, readable by its owner alone; what was there stays whole if the disk is full."""
    unfinished = path.with_name(path.name + ".new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
