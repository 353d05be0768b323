"""Real XRootD servers on loopback: an origin laid out as at CERN, and LumiHub's own cache in front of one."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from lumihub.data.cache import (
    CACHE_ENVIRONMENT,
    CacheFolders,
    build_cache_command,
    build_cache_config,
    build_cache_rules,
    ensure_cache_folders,
    find_xrootd,
)
from lumihub.data.origins import speaks_xrootd
from servers.ports import find_free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

EXPORT = "/eos/opendata/atlas"
# XRootD refuses to run as root.
USER = "nobody" if os.geteuid() == 0 else None
CLIENT_ENVIRONMENT = {"XRD_CONNECTIONWINDOW": "3", "XRD_CONNECTIONRETRY": "2", "XRD_STREAMERRORWINDOW": "5"}


# Seconds until a server must answer; a busy machine needs more than a few.
PATIENCE = 60
# Seconds until the cache has closed a file and written in its record what readers got. That is a moment after the last
# reader has gone, but where blocks still wait for a busy disk then, XRootD looks at the file again only 30 s later.
RECORD_PATIENCE = 100


class _Server:
    """An xrootd process that can be stopped and started again on the same port.

    Attributes:
        environment: what its environment holds beside that of the tests.
    """

    environment: Mapping[str, str] = {}

    def __init__(self) -> None:
        self.port = find_free_port()
        # Short, because UNIX sockets lie below it.
        self.run = Path(tempfile.mkdtemp(prefix="lhx", dir="/tmp"))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> _Server:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.run, ignore_errors=True)

    def command(self) -> list[str]:
        """The argument list that runs the server."""
        raise NotImplementedError

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = subprocess.Popen(
            self.command(), stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT, env=os.environ | self.environment
        )
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if self._process.poll() is not None:
                break
            try:
                if speaks_xrootd("127.0.0.1", self.port, timeout=2):
                    return
            except OSError:
                pass
            time.sleep(0.05)
        words = self.log()[-3000:]
        self.__exit__()
        raise RuntimeError(f"xrootd did not start:\n{words}")

    def stop(self) -> None:
        """Stop it at once."""
        if self._process:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def log(self) -> str:
        """All that it wrote."""
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.run.rglob("log*")) if path.is_file())

    def _own(self, *folders: Path) -> None:
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
            if USER:
                shutil.chown(folder, USER)


class XRootDOrigin(_Server):
    """Stands in for root://eospublic.cern.ch: serves a folder at /eos/opendata/atlas, read-only.

    Args:
        folder: holds OutreachDatasets/; every file in it is copied, so that the server's account can read it.
        web: speak HTTP on the same port too, as CERN's storage does behind its portal.
    """

    def __init__(self, folder: Path, *, web: bool = False) -> None:
        super().__init__()
        self._web = web
        self.files = self.run / "files" / EXPORT.strip("/")
        shutil.copytree(folder, self.files)
        for path in (self.run, *self.run.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        self._own(self.run / "state")

    def command(self) -> list[str]:
        """The argument list that runs the server."""
        xrootd = find_xrootd()
        assert xrootd is not None
        config = self.run / "origin.cfg"
        config.write_text(
            f"all.role server\nxrd.port {self.port}\nxrd.allow host 127.0.0.1\nxrd.network nodnr\n"
            f"all.export {EXPORT} r/o\noss.localroot {self.run / 'files'}\n"
            f"all.adminpath {self.run / 'state'}\nall.pidpath {self.run / 'state'}\n"
            f"xrd.homepath {self.run / 'state'}\nxrootd.async off\n"
            + ("xrd.protocol XrdHttp libXrdHttp.so\n" if self._web else "")
        )
        switch = ["-R", USER] if USER else []
        return [
            str(xrootd),
            "-I",
            "v4",
            *switch,
            "-n",
            "origin",
            "-c",
            str(config),
            "-l",
            str(self.run / "state" / "log"),
        ]

    def url(self, port: int | None = None) -> str:
        """The URL of the served folder; `port` that of a relay in front."""
        return f"root://127.0.0.1:{port or self.port}/{EXPORT}"


class XRootDCache(_Server):
    """LumiHub's cache, from its own configuration, in front of an origin's URL."""

    environment = CACHE_ENVIRONMENT

    def __init__(self, origin: str, *, size: int = 10 * 1024**3, clients: tuple[str, ...] = ("127.0.0.1",)) -> None:
        super().__init__()
        self.run.chmod(0o755)
        self.folders = CacheFolders(self.run / "data", self.run / "state")
        self._origin, self._size, self._clients = origin, size, clients

    @property
    def url(self) -> str:
        """The address, as `DataAccess.cache` wants it."""
        return f"root://127.0.0.1:{self.port}"

    @property
    def data(self) -> Path:
        """The folder below which the releases lie in the cache."""
        return self.folders.data / EXPORT.strip("/")

    def wait_until_closed(self) -> None:
        """Wait until it has closed every file, and so has written its record."""
        assert self._process is not None
        wait_until_closed(self._process.pid)

    def command(self) -> list[str]:
        """The argument list that runs the cache."""
        xrootd = find_xrootd()
        assert xrootd is not None
        ensure_cache_folders(self.folders, user=USER)
        config, rules = self.run / "cache.cfg", self.run / "authdb"
        config.write_text(
            build_cache_config(
                origin=self._origin,
                folders=self.folders,
                rules=rules,
                port=self.port,
                size=self._size,
                clients=self._clients,
            )
        )
        rules.write_text(build_cache_rules(self._origin))
        return build_cache_command(xrootd, config, self.folders.run / "log", user=USER)


def wait_until_closed(cache: int) -> None:
    """Wait until the cache has closed every file, and so has written its record.

    Args:
        cache: its process id.
    """
    end = time.monotonic() + RECORD_PATIENCE
    while held := [name for name in _open_files(cache) if ".root" in name]:
        assert time.monotonic() < end, held
        time.sleep(0.2)


def _open_files(process: int) -> Iterator[str]:
    for link in Path(f"/proc/{process}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            yield str(link.readlink())
