"""Processes as the kernel shows them in /proc: which one is it really, what does it take, who listens where."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

PROC = Path("/proc")
_LISTEN = "0A"


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process beyond doubt: process ids are used again, the pair with the time of start is not.

    Attributes:
        pid: process id.
        started: clock ticks between the machine's start and the process's.
    """

    pid: int
    started: int

    def alive(self) -> bool:
        """Whether this very process still runs; a zombie does not, once all its threads have ended."""
        return find_process(self.pid) == self

    def send(self, number: signal.Signals) -> None:
        """Send a signal, unless the process has ended and another one got its id."""
        if self.alive():
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return


def find_process(pid: int) -> ProcessId | None:
    """The process that has this id now, or None where there is none but perhaps a zombie."""
    try:
        # The name in brackets may itself hold spaces and brackets.
        state, *fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # A killed process of several threads is called a zombie as soon as the first of them has ended. Until the last has,
    # which a busy machine lets wait, its files are open and its ports taken.
    if state in ("Z", "X") and int(fields[16]) <= 1:
        return None
    return ProcessId(pid, int(fields[18]))


def processes() -> Iterator[int]:
    """Ids of all processes."""
    return (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())


def find_by_environment(word: bytes, *, whole: bool = True) -> list[ProcessId]:
    """Processes that were started with `word` (as in b"NAME=value") in their environment, oldest first.

    Args:
        word: the variable and its value.
        whole: without it, the value need only begin so.
    """
    found = []
    for pid in processes():
        try:
            environment = (PROC / str(pid) / "environ").read_bytes()
        except OSError:
            continue
        words = environment.split(b"\0")
        if (word in words if whole else any(w.startswith(word) for w in words)) and (process := find_process(pid)):
            found.append(process)
    return sorted(found, key=lambda process: process.started)


def find_by_user(uid: int) -> list[ProcessId]:
    """Processes of one account."""
    found = []
    for pid in processes():
        try:
            owner = (PROC / str(pid)).stat().st_uid
        except OSError:
            continue
        if owner == uid and (process := find_process(pid)):
            found.append(process)
    return found


def resident_bytes(process: ProcessId) -> int | None:
    """Memory of the process, with its share of what it has in common with others; None where it can't be read."""
    try:
        for line in (PROC / str(process.pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        return None
    return None


def end_processes(find: Callable[[], Iterable[ProcessId]], patience: float) -> int:
    """Ask processes to end, and end those that have not after `patience` seconds.

    Args:
        find: looks for them anew each time, since they may start others meanwhile.
        patience: seconds between asking and killing.

    Returns:
        How many there were at first.
    """
    first = list(find())
    for process in first:
        process.send(signal.SIGTERM)
    deadline = time.monotonic() + patience
    while (left := list(find())) and time.monotonic() < deadline:
        time.sleep(0.05)
    while left:
        for process in left:
            process.send(signal.SIGKILL)
        time.sleep(0.02)
        left = list(find())
    return len(first)


def find_listener(port: int) -> str | None:
    """Who listens on a TCP port, as in "nginx (process 812)"; None where that can't be seen.

    The owners of other accounts' sockets are shown to root alone.
    """
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    if not sockets:
        return None
    for pid in processes():
        if sockets & _open_files(pid):
            name = (PROC / str(pid) / "comm").read_text().strip()
            return f"{name} (process {pid})"
    return None


def _open_files(pid: int) -> set[str]:
    found = set()
    with contextlib.suppress(OSError):
        for link in (PROC / str(pid) / "fd").iterdir():
            with contextlib.suppress(OSError):  # closed meanwhile
                found.add(str(link.readlink()))
    return found


def _listening_inodes(port: int) -> set[str]:
    inodes = set()
    for table in ("tcp", "tcp6"):
        try:
            lines = (PROC / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            _, local, _, state, *rest = line.split()
            if state == _LISTEN and int(local.rpartition(":")[2], 16) == port:
                inodes.add(rest[5])
    return inodes
