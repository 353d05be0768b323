"""The parts as daemons of their own: each outlives the terminal, and the others."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lumihub.local.folder import explained_write_errors, write_private
from lumihub.local.logs import open_log
from lumihub.local.processes import PROC, ProcessId, end_processes, find_by_environment, find_process

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lumihub.local.folder import StateFolder

_MARK = "LUMIHUB_PART"
_FINGERPRINT = "LUMIHUB_FINGERPRINT"


@dataclass(frozen=True, slots=True)
class Daemon:
    """A part as it should run.

    Attributes:
        name: the name that `logs PART` takes.
        command: program and arguments.
        environment: its whole environment.
        files: configuration files and their text, written before each start.
        user: account to run as, None for the caller's own.
        stop_seconds: how long it may take to end by itself.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    files: Mapping[Path, str] = field(default_factory=dict)
    user: str | None = None
    stop_seconds: float = 10

    @property
    def fingerprint(self) -> str:
        """Changes with anything that would make it run otherwise; what it takes to know whether a restart is due."""
        wanted = [
            list(self.command),
            sorted(self.environment.items()),
            sorted((str(path), text) for path, text in self.files.items()),
            self.user,
        ]
        return hashlib.sha256(json.dumps(wanted).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Running:
    """A part as it runs."""

    process: ProcessId
    fingerprint: str


def find_running(folder: StateFolder, name: str) -> Running | None:
    """The part's process, by its record or, where that is missing or stale, by the mark in its environment.

    The second way finds a daemon whose starter was killed before it wrote the record.
    """
    try:
        record = json.loads(_record(folder, name).read_text(encoding="utf-8"))
        recorded = Running(ProcessId(record["pid"], record["started"]), record["fingerprint"])
    except (FileNotFoundError, ValueError, KeyError):
        recorded = None
    if recorded and recorded.process.alive():
        return recorded
    for process in find_by_environment(f"{_MARK}={name}@{folder.root}".encode()):
        fingerprint = _fingerprint_of(process)
        _write_record(folder, name, Running(process, fingerprint))
        return Running(process, fingerprint)
    return None


def start(folder: StateFolder, daemon: Daemon) -> Running:
    """Start a part that does not run.

    Raises:
        LumiHubError: its files can't be written.
    """
    with explained_write_errors(folder.root):
        for path, text in daemon.files.items():
            write_private(path, text)
            if daemon.user:
                _give(path, daemon.user)
        environment = {
            **daemon.environment,
            _MARK: f"{daemon.name}@{folder.root}",
            _FINGERPRINT: daemon.fingerprint,
        }
        with open_log(folder.logs / f"{daemon.name}.log") as log:
            started = subprocess.Popen(
                daemon.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder.hub if daemon.user is None else "/",
                env=environment,
                start_new_session=True,
                user=daemon.user,
                group=daemon.user,
                extra_groups=[] if daemon.user else None,
                umask=0o077,
            )
        process = find_process(started.pid)
        # It will outlive us, so nobody is to wait for it or to warn that nobody did.
        started.returncode = 0
        running = Running(process or ProcessId(started.pid, 0), daemon.fingerprint)
        _write_record(folder, daemon.name, running)
    return running


def stop(folder: StateFolder, name: str, patience: float = 10) -> bool:
    """End a part; True when it ran."""
    running = find_running(folder, name)
    if running:
        end_processes(lambda: [running.process] if running.process.alive() else [], patience)
    _record(folder, name).unlink(missing_ok=True)
    return running is not None


def has_ended(running: Running) -> bool:
    """Whether a part that was started has ended since; collects it where it is our own child."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(running.process.pid, os.WNOHANG)
    return not running.process.alive()


def _record(folder: StateFolder, name: str) -> Path:
    return folder.run / f"{name}.json"


def _write_record(folder: StateFolder, name: str, running: Running) -> None:
    record = {"pid": running.process.pid, "started": running.process.started, "fingerprint": running.fingerprint}
    write_private(_record(folder, name), json.dumps(record) + "\n")


def _fingerprint_of(process: ProcessId) -> str:
    words = (PROC / str(process.pid) / "environ").read_bytes().split(b"\0")
    prefix = f"{_FINGERPRINT}=".encode()
    return next((word[len(prefix) :].decode() for word in words if word.startswith(prefix)), "")


def _give(path: Path, user: str) -> None:
    shutil.chown(path, user, user)
