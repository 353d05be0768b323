"""Memory of processes, with what they share counted once: the sum over a machine's processes is what they take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lumihub.local.processes import find_by_environment, resident_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lumihub.local.processes import ProcessId

MIB = 2**20


def sum_memory(processes: Iterable[ProcessId]) -> float:
    """MiB of these processes together: each one's own pages, and its share of those that others map too (PSS)."""
    return sum(resident_bytes(process) or 0 for process in processes) / MIB


def find_part(mark: str) -> list[ProcessId]:
    """Processes with `NAME=VALUE` in their environment."""
    return find_by_environment(mark.encode())


def sort_processes(processes: Iterable[ProcessId]) -> dict[str, list[ProcessId]]:
    """A student's processes: `server`, `kernel` (with what Dask adds for itself) and Dask `workers`."""
    found: dict[str, list[ProcessId]] = {"server": [], "kernel": [], "workers": []}
    for process in processes:
        words = Path(f"/proc/{process.pid}/cmdline").read_text().replace("\0", " ")
        kernel = "ipykernel" in words or "resource_tracker" in words
        found["workers" if "spawn_main" in words else "kernel" if kernel else "server"].append(process)
    return found
