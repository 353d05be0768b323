"""What the platform needs from this machine, each thing tried and not guessed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from lumihub.backend import Finding
from lumihub.data.cache import find_cache_obstacle
from lumihub.data.origins import probe_origin
from lumihub.errors import LumiHubError
from lumihub.local import daemons
from lumihub.local.cgroups import find_hierarchy
from lumihub.local.environment import find_interpreter, find_unreachable, own_places
from lumihub.local.folder import NEEDED_BYTES, find_closed_parent
from lumihub.local.ports import check_port
from lumihub.process import find_program
from lumihub.settings.quantities import format_bytes, parse_memory

if TYPE_CHECKING:
    from lumihub.local.folder import StateFolder
    from lumihub.progress import Progress
    from lumihub.settings import Settings

# An idle server with one kernel, as measured by tests/bench; a class at work takes more, up to the limit.
SERVER_BYTES = 250_000_000
CLASS_SIZE = 30
_COMFORTABLE_DISK = 5_000_000_000


def examine(
    settings: Settings, folder: StateFolder, progress: Progress, *, separate_accounts: bool
) -> tuple[Finding, ...]:
    """Try everything; what is not well comes with its remedy."""
    with progress.task("Looking at this machine"):
        findings = [
            _accounts(separate_accounts=separate_accounts),
            _limits(folder),
            _disk(folder),
            _memory(settings),
            _proxy_port(settings, folder),
            _proxy_program(),
            _cache(settings),
            _origin(settings),
        ]
        if separate_accounts:
            findings += [_account_programs(), _interpreter(), _homes(folder)]
    return tuple(findings)


def _accounts(*, separate_accounts: bool) -> Finding:
    if separate_accounts:
        return Finding("accounts", True, "each student gets an account of this machine")
    return Finding(
        "accounts",
        False,
        "students share one account and can read each other's files",
        "run as root (sudo), unless they may trust each other",
    )


def _limits(folder: StateFolder) -> Finding:
    hierarchy = find_hierarchy(folder.identity)
    if hierarchy is None:
        return Finding(
            "limits",
            False,
            "no control groups that we may use: memory and processors of servers are not limited",
            "run as root on a machine (not in a container without them)",
        )
    return Finding("limits", True, f"control groups version {hierarchy.version}: {', '.join(hierarchy.parents)}")


def _disk(folder: StateFolder) -> Finding:
    existing = next(parent for parent in (folder.root, *folder.root.parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    detail = f"{format_bytes(free)} free at {existing}"
    if free < NEEDED_BYTES:
        return Finding(
            "disk", False, detail, "make room, or name a folder on a larger disk at local.folder", stops_up=True
        )
    if free < _COMFORTABLE_DISK:
        return Finding("disk", False, f"{detail}: little for a class", "name a folder on a larger disk at local.folder")
    return Finding("disk", True, detail)


def _memory(settings: Settings) -> Finding:
    words = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    available = int(words["MemAvailable"].split()[0]) * 1024
    idle = available // SERVER_BYTES
    limit = settings.singleuser.memory.limit
    busy = available // parse_memory(limit) if limit else 0
    detail = (
        f"{format_bytes(available)} available: about {idle} students, of whom {busy} may take all of {limit} at once"
    )
    if idle < CLASS_SIZE:
        return Finding("memory", False, detail, f"for a class of {CLASS_SIZE}, add memory or stop other programs")
    return Finding("memory", True, detail)


def _proxy_port(settings: Settings, folder: StateFolder) -> Finding:
    port = settings.proxy.port
    if daemons.find_running(folder, "proxy"):
        return Finding("proxy.port", True, f"port {port}: LumiHub's own proxy runs")
    try:
        check_port("proxy.port", settings.proxy.address, port)
    except LumiHubError as error:
        return Finding("proxy.port", False, error.faults[0].what, error.faults[0].fix, stops_up=True)
    return Finding("proxy.port", True, f"port {port} is free")


def _proxy_program() -> Finding:
    import sys

    path = Path(sys.prefix) / "bin" / "traefik"
    if os.access(path, os.X_OK):
        return Finding("proxy", True, f"traefik is installed ({path})")
    return Finding(
        "proxy", False, f"traefik is missing ({path})", "remove .venv and run python3 deploy.py up", stops_up=True
    )


def _cache(settings: Settings) -> Finding:
    if settings.data.mode != "cache":
        return Finding("cache", True, f"not needed: data.mode is {settings.data.mode}")
    obstacle = find_cache_obstacle(settings.data.origin.url)
    if obstacle:
        return Finding("cache", False, obstacle, "install it and type: ./deploy.py up; without it students stream")
    return Finding("cache", True, "xrootd is installed")


def _origin(settings: Settings) -> Finding:
    state = probe_origin(settings.data.origin.url, 5)
    fix = (
        ""
        if state.reachable
        else "check the network and data.origin.url; until then students read the simulated sample"
    )
    required = not state.reachable and settings.data.offline == "fail"
    return Finding("origin", state.reachable, state.detail, fix, stops_up=required)


def _account_programs() -> Finding:
    missing = [name for name in ("useradd", "userdel") if find_program(name) is None]
    if missing:
        return Finding("useradd", False, f"{' and '.join(missing)} missing", "apt install passwd", stops_up=True)
    return Finding("useradd", True, "accounts can be made and removed")


def _interpreter() -> Finding:
    closed = find_unreachable(own_places())
    if closed is None:
        return Finding("python", True, "students' accounts reach the Python of this installation")
    found = find_interpreter()
    if found:
        return Finding(
            "python", True, f"students' accounts can't enter {closed}; they get an environment made with {found}"
        )
    return Finding(
        "python",
        False,
        f"students' accounts can't enter {closed}, and find no Python 3.11 or newer elsewhere",
        "install one for the whole machine (apt install python3 python3-venv)",
        stops_up=True,
    )


def _homes(folder: StateFolder) -> Finding:
    closed = find_closed_parent(folder.root.parent)
    if closed:
        return Finding(
            "homes", False, f"students' accounts can't pass through {closed}", f"chmod o+x {closed}", stops_up=True
        )
    return Finding("homes", True, f"students' accounts reach {folder.homes}")
