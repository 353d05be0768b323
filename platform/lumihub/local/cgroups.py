"""Control groups: memory, processor and process limits of one student's server, and its end as a whole.

Version 2 where its controllers can be delegated, else version 1 (separate hierarchies), else none: then nothing is
limited, and `up` and `doctor` say so.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

MOUNT = Path("/sys/fs/cgroup")
CONTROLLERS = ("memory", "cpu", "pids")
# Threads count too, and Dask workers with numerical libraries have many.
MOST_TASKS = 1024
_CPU_PERIOD = 100_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What one server may take.

    Attributes:
        memory: bytes, None for no limit.
        cpu: cores, None for no limit.
        tasks: processes and threads.
    """

    memory: int | None
    cpu: float | None
    tasks: int = MOST_TASKS


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """Control groups as this machine offers them.

    Attributes:
        version: 1 or 2.
        parents: folder in which servers' groups are made, by controller (the same one for all in version 2).
    """

    version: int
    parents: dict[str, Path]

    @property
    def limits_memory(self) -> bool:
        """Whether a kernel that takes too much memory is ended before the machine suffers."""
        return "memory" in self.parents

    def groups(self) -> list[Group]:
        """The groups that there are."""
        names = {
            folder.name
            for parent in self.parents.values()
            if parent.is_dir()
            for folder in parent.iterdir()
            if folder.is_dir()
        }
        return [self.group(name) for name in sorted(names)]

    def processes(self) -> set[int]:
        """Ids of the processes in all of them."""
        return {pid for group in self.groups() for pid in group.processes()}

    def group(self, name: str) -> Group:
        """The group of one server; made by `Group.ensure`."""
        return Group(self.version, {controller: parent / name for controller, parent in self.parents.items()})


@dataclass(frozen=True, slots=True)
class Group:
    """The control group of one server."""

    version: int
    folders: dict[str, Path]

    @property
    def entrances(self) -> tuple[Path, ...]:
        """The files that a process writes "0" into to join."""
        return tuple(folder / "cgroup.procs" for folder in dict.fromkeys(self.folders.values()))

    def ensure(self, limits: Limits) -> None:
        """Make the group, or set its limits anew."""
        for controller, folder in self.folders.items():
            folder.mkdir(exist_ok=True)
            for name, value in build_limits(self.version, controller, limits):
                # A kernel without swap accounting has no file for it.
                with contextlib.suppress(FileNotFoundError):
                    (folder / name).write_text(value)

    def processes(self) -> set[int]:
        """Ids of the processes in it."""
        found: set[int] = set()
        for entrance in self.entrances:
            with contextlib.suppress(OSError):
                found |= {int(line) for line in entrance.read_text().split()}
        return found

    def kill(self, patience: float = 10) -> bool:
        """End all that runs in it and remove it; False when something is still there after `patience` seconds."""
        deadline = time.monotonic() + patience
        while self.processes():
            self._kill_once()
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        for folder in dict.fromkeys(self.folders.values()):
            with contextlib.suppress(OSError):
                folder.rmdir()
        return True

    def _kill_once(self) -> None:
        if self.version == 2:
            folder = next(iter(self.folders.values()))
            with contextlib.suppress(FileNotFoundError):  # cgroup.kill came with Linux 5.14
                (folder / "cgroup.kill").write_text("1")
                return
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)


def build_limits(version: int, controller: str, limits: Limits) -> list[tuple[str, str]]:
    """What to write into which file of a group, in order."""
    if controller == "pids":
        return [("pids.max", str(limits.tasks))]
    if controller == "memory":
        if version == 2:
            return [("memory.max", str(limits.memory or "max")), ("memory.swap.max", "0")]
        amount = str(limits.memory or -1)
        with_swap = "memory.memsw.limit_in_bytes"
        # Memory with swap may never be below memory alone: so it is opened first and closed last.
        return [(with_swap, "-1"), ("memory.limit_in_bytes", amount), (with_swap, amount)]
    quota = int(limits.cpu * _CPU_PERIOD) if limits.cpu else None
    if version == 2:
        return [("cpu.max", f"{quota or 'max'} {_CPU_PERIOD}")]
    return [("cpu.cfs_period_us", str(_CPU_PERIOD)), ("cpu.cfs_quota_us", str(quota or -1))]


def find_hierarchy(identity: str, mount: Path = MOUNT) -> Hierarchy | None:
    """Control groups that this process may make below a folder of its own, or None.

    Args:
        identity: tells this installation's groups from another's.
        mount: where the system mounts control groups.
    """
    return _find_version_2(identity, mount) or _find_version_1(identity, mount)


def remove_hierarchy(hierarchy: Hierarchy) -> None:
    """End everything below the installation's folders, and remove them."""
    for group in hierarchy.groups():
        group.kill()
    for parent in dict.fromkeys(hierarchy.parents.values()):
        for folder in (parent, parent.parent):
            with contextlib.suppress(OSError):
                folder.rmdir()


def _find_version_2(identity: str, mount: Path) -> Hierarchy | None:
    try:
        offered = (mount / "cgroup.controllers").read_text().split()
        if not set(CONTROLLERS) <= set(offered):
            return None
        enable = " ".join(f"+{controller}" for controller in CONTROLLERS)
        parent = mount / "lumihub" / identity
        (mount / "cgroup.subtree_control").write_text(enable)
        parent.mkdir(parents=True, exist_ok=True)
        for folder in (parent.parent, parent):
            (folder / "cgroup.subtree_control").write_text(enable)
    except OSError:
        return None
    return Hierarchy(2, dict.fromkeys(CONTROLLERS, parent))


def _find_version_1(identity: str, mount: Path) -> Hierarchy | None:
    parents = {}
    for controller in CONTROLLERS:
        parent = mount / controller / "lumihub" / identity
        if not (mount / controller / "cgroup.procs").exists():
            continue
        try:
            parent.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        parents[controller] = parent
    return Hierarchy(1, parents) if "memory" in parents else None
