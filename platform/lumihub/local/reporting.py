"""What `status` and `logs` tell of this machine, without changing anything."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from lumihub import __version__
from lumihub.backend import Part, PartState, Status, Student
from lumihub.data.access import VARIABLE, DataAccess
from lumihub.errors import InputError, LumiHubError
from lumihub.hub.client import HubClient
from lumihub.local.accounts import safe_name
from lumihub.local.daemons import find_running
from lumihub.local.logs import follow as follow_logs
from lumihub.local.logs import last_lines
from lumihub.local.nightly import find_state
from lumihub.local.processes import resident_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from lumihub.backend import Access
    from lumihub.local.folder import StateFolder
    from lumihub.settings import Settings

PARTS = ("proxy", "hub", "cache", "warmer")
_PATIENCE = 5.0


def find_status(settings: Settings, folder: StateFolder, url: str, access: Access | None) -> Status:
    """How everything is.

    Args:
        settings: the values file.
        folder: where everything lives.
        url: the public address.
        access: how to reach the hub, None while it does not run.
    """
    data = _find_data(folder)
    answer: str | None = None
    students: tuple[Student, ...] = ()
    if access:
        client = HubClient(access, _PATIENCE)
        answer = client.version()
        try:
            students = tuple(
                Student(account["name"], account["running"], account["lastActivity"])
                for account in client.accounts()
                if not account["admin"] or account["running"]
            )
        except LumiHubError:
            answer = None
    parts = tuple(_find_part(settings, folder, name, data, answers=answer is not None) for name in PARTS)
    return Status(url, parts, students, _versions(answer), _describe(data), _describe_nightly(folder))


def read_logs(folder: StateFolder, parts: Sequence[str], *, follow: bool, lines: int) -> Iterator[str]:
    """The last lines of each log, then, with `follow`, new ones as they come.

    Raises:
        InputError: there is no such part, and no student's server of that name.
    """
    logs = {name: _find_log(folder, name) for name in parts or PARTS}
    several = len(logs) > 1
    for name, path in logs.items():
        yield from (f"{name}: {line}" if several else line for line in last_lines(path, lines))
    if follow:
        for line in follow_logs(logs):
            yield line if several else line.partition(": ")[2]


def _find_log(folder: StateFolder, name: str) -> Path:
    if name in PARTS:
        return folder.logs / f"{name}.log"
    path = folder.logs / "students" / f"{safe_name(name)}.log"
    if not path.exists():
        raise InputError(
            f"there is no part {name}, and no student of that name has had a server",
            fix=f"name one of {', '.join(PARTS)}, or a student",
        )
    return path


def _find_part(settings: Settings, folder: StateFolder, name: str, data: DataAccess | None, *, answers: bool) -> Part:
    running = find_running(folder, name)
    if running is None:
        if name == "cache" and (data is None or data.cache is None):
            return Part(name, PartState.OFF, "not in use")
        ended = (folder.run / f"{name}.json").exists()
        if name == "warmer" and not ended:
            return Part(name, PartState.OFF, "not in use")
        detail = "it ended by itself; type: ./deploy.py up" if ended else ""
        return Part(name, PartState.FAILED if ended else PartState.STOPPED, detail)
    detail = f"process {running.process.pid}"
    memory = resident_bytes(running.process)
    if name == "hub" and not answers:
        return Part(name, PartState.STARTING, f"{detail}, does not answer yet", memory)
    port = {"proxy": settings.proxy.port, "cache": settings.data.cache.port}.get(name)
    return Part(name, PartState.RUNNING, f"{detail}, port {port}" if port else detail, memory)


def _find_data(folder: StateFolder) -> DataAccess | None:
    try:
        configuration = json.loads((folder.hub / "configuration.json").read_text(encoding="utf-8"))
        return DataAccess.current({VARIABLE: configuration["environment"][VARIABLE]})
    except (OSError, ValueError, KeyError):
        return None


def _describe(data: DataAccess | None) -> str:
    if data is None:
        return ""
    if data.release == "simulated":
        return "simulated sample, not ATLAS data (the origin did not answer when `up` ran last)"
    ways = {"stream": "straight from", "cache": "through the cache from", "mirror": "from the mirror of"}
    return f"ATLAS Open Data, release {data.release}, {ways[data.mode]} {data.origin}"


def _describe_nightly(folder: StateFolder) -> str:
    state = find_state(folder)
    return state.describe() if state else ""


def _versions(hub: str | None) -> dict[str, str]:
    found = {"lumihub": __version__}
    if hub:
        found["jupyterhub"] = hub
    for package in ("jupyterlab", "dask", "uproot"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
