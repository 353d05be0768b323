"""What this process may take of the machine: cores, memory and Dask workers.

A kernel's limits are its control group's and its server's, never the node's: a pool sized from the node's 64 cores is
killed in a 2 GB server.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from lumihub.errors import InputError
from lumihub.threads import build_thread_variables

# Version 1 writes a number near 2**63 for "no limit".
_NO_LIMIT = 1 << 60

KERNEL_MEMORY = 400 * 1024**2
"""Bytes kept for the notebook's own process before workers are counted; a kernel with plots takes about 300 MiB."""

WORKER_MEMORY = 500 * 1024**2
"""Bytes that one worker needs: about 190 MiB for Python and its libraries, the rest for a chunk of events."""


class DaskLimits(BaseModel):
    """What the administrator allows, from the variable `LUMIHUB_DASK` that the hub sets; without it, the defaults.

    Attributes:
        enabled: whether there may be workers.
        max_workers: how many, at most.
        gateway: address of the gateway that gives workers in pods; empty where there is none.
        demo: host of the scheduler of a class's demonstration, which is not always there; empty where there never is.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=to_camel, populate_by_name=True)

    enabled: bool = True
    max_workers: int = 4
    gateway: str = ""
    demo: str = ""

    @classmethod
    def current(cls) -> DaskLimits:
        """The limits of this process.

        Raises:
            InputError: the variable does not hold what the hub writes.
        """
        text = os.environ.get("LUMIHUB_DASK", "")
        try:
            return cls.model_validate_json(text) if text else cls()
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
            raise InputError(
                f"LUMIHUB_DASK cannot be read: {reason}",
                where=f"the environment variable, {text!r}",
                fix='unset it, or give it as {"enabled": true, "maxWorkers": 4}',
            ) from error


def cpu_limit(root: Path = Path("/")) -> float:
    """Cores this process may use at once: the least of the server's limit, its control groups' and its affinity.

    Args:
        root: the folder that holds `proc` and `sys`.
    """
    found = [float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)]
    found += [value for value in [_environment_number("CPU_LIMIT")] if value]
    for folder in _control_groups(root, "cpu"):
        words = _words(folder / "cpu.max") or [
            *_words(folder / "cpu.cfs_quota_us"),
            *_words(folder / "cpu.cfs_period_us"),
        ]
        if len(words) == 2 and words[0] not in ("max", "-1") and float(words[1]) > 0:
            found.append(float(words[0]) / float(words[1]))
    return min(found)


def memory_limit(root: Path = Path("/")) -> int:
    """Bytes this process may use: the least of the server's limit, its control groups' and the machine's memory.

    Args:
        root: the folder that holds `proc` and `sys`.
    """
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    found += [int(value) for value in [_environment_number("MEM_LIMIT")] if value]
    for folder in _control_groups(root, "memory"):
        words = _words(folder / "memory.max") or _words(folder / "memory.limit_in_bytes")
        if words and words[0] != "max" and int(words[0]) < _NO_LIMIT:
            found.append(int(words[0]))
    return min(found)


def worker_count(cores: float, memory: int, most: int) -> int:
    """How many one-core workers fit beside the notebook's own process; 0 when not even one does.

    Args:
        cores: as from `cpu_limit`.
        memory: bytes, as from `memory_limit`.
        most: the administrator's limit.
    """
    by_memory = (memory - KERNEL_MEMORY) // WORKER_MEMORY
    return max(0, min(math.ceil(cores), by_memory, most))


def thread_environment(cores: float | None = None) -> dict[str, str]:
    """Variables that keep numerical libraries to the cores of this process.

    They count the node's cores otherwise; in a server of 2 cores on a big node scikit-learn was ten times slower.

    Args:
        cores: how many to use; `cpu_limit()` when None.
    """
    return build_thread_variables(max(1, math.floor(cpu_limit() if cores is None else cores)))


def _environment_number(name: str) -> float | None:
    try:
        return float(os.environ.get(name, ""))
    except ValueError:
        return None


def _control_groups(root: Path, controller: str) -> list[Path]:
    """This process's group and those above it, of both versions: a limit of any of them holds."""
    folders: list[Path] = []
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            mounts = [root / "sys/fs/cgroup", root / "sys/fs/cgroup/unified"]
        elif controller in controllers.split(","):
            mounts = [root / "sys/fs/cgroup" / controllers, root / "sys/fs/cgroup" / controller]
        else:
            continue
        relative = Path(path.lstrip("/"))
        folders += [mount / part for mount in mounts for part in (relative, *relative.parents)]
    return folders


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


def _words(path: Path) -> list[str]:
    return " ".join(_lines(path)).split()
