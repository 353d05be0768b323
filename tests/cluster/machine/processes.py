"""The node seen from outside: whether it runs, its processes, and its end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from cluster.machine.layout import (
    CGROUP,
    HOST_ADDRESS,
    HOST_LINK,
    LOGS,
    MACHINE,
    NODE_ADDRESS,
    NODE_LINK,
    POD_NETWORK,
    PROJECT,
    RUN,
    SERVICE_NETWORK,
    WIRE,
)
from cluster.machine.node import PARTS
from lumihub.errors import LumiHubError
from lumihub.process import run

NODE_MODULE = "cluster.machine.node"
CGROUPS = Path("/sys/fs/cgroup")
# Seconds that the kernel may take to end all processes of the node.
PATIENCE = 30


@dataclass(frozen=True, slots=True)
class Usage:
    """A part as it runs: its process id on this machine, and its memory in bytes without what it shares."""

    name: str
    pid: int
    memory: int


def find_init() -> int | None:
    """The process id of the node's first process; None when the node does not run.

    It is looked for among all processes, so that whoever was killed while starting it leaves nothing unknown behind.
    """
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if NODE_MODULE.encode() in words and _read_status(folder)["NSpid"].split()[1:] == ["1"]:
                return int(folder.name)
        except (FileNotFoundError, ProcessLookupError, KeyError):
            continue
    return None


def find_parts() -> list[Usage]:
    """The parts that run now."""
    init = find_init()
    if init is None:
        return []
    names = {pid: name for name, pid in json.loads(PARTS.read_text()).items()} if PARTS.exists() else {}
    parts = []
    for child in Path(f"/proc/{init}/task/{init}/children").read_text().split():
        try:
            status = _read_status(Path("/proc", child))
        except (FileNotFoundError, ProcessLookupError):
            continue
        inside = int(status["NSpid"].split()[-1])
        if inside in names:
            memory = int(status.get("RssAnon", "0").split()[0]) * 1024
            parts.append(Usage(names[inside], int(child), memory))
    return sorted(parts, key=lambda part: part.name)


def _read_status(folder: Path) -> dict[str, str]:
    return dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())


def build_entry() -> list[str]:
    """The words before a command that let it run on the node, as one of its processes.

    Raises:
        LumiHubError: the node does not run.
    """
    init = find_init()
    if init is None:
        raise LumiHubError("the test cluster does not run", fix="./tests/cluster/run up")
    return ["nsenter", "--target", str(init), "--mount", "--net", "--pid", "--ipc", "--uts"]


def start_node(programs: Path) -> None:
    """Start the node's first process and connect it to this machine."""
    for folder in (RUN, LOGS):
        folder.mkdir(parents=True, exist_ok=True)
    _make_cgroups()
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(PROJECT / "platform"), str(MACHINE.parents[1])]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    with (LOGS / "node.log").open("a") as log:
        command = [sys.executable, "-m", NODE_MODULE, str(programs)]
        code = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, check=False
        ).returncode
    init = find_init()
    if code or init is None:
        raise LumiHubError(
            "the node's namespaces could not be made", where=str(LOGS / "node.log"), fix="run this as root on Linux"
        )
    for words in (
        ["link", "add", HOST_LINK, "type", "veth", "peer", "name", NODE_LINK, "netns", str(init)],
        ["address", "add", f"{HOST_ADDRESS}/{WIRE}", "dev", HOST_LINK],
        ["link", "set", HOST_LINK, "up"],
        ["route", "add", POD_NETWORK, "via", NODE_ADDRESS],
        ["route", "add", SERVICE_NETWORK, "via", NODE_ADDRESS],
    ):
        run(["ip", *words])


def stop_node() -> None:
    """End the node and all its processes, and remove what it leaves on this machine. Does nothing when it is gone."""
    init = find_init()
    if init is not None:
        os.kill(init, signal.SIGKILL)
        deadline = time.monotonic() + PATIENCE
        while find_init() is not None:
            if time.monotonic() > deadline:
                raise LumiHubError(
                    f"process {init} does not end within {PATIENCE} s",
                    where="the test cluster's node",
                    fix=f"see what it waits for with: cat /proc/{init}/stack",
                )
            time.sleep(0.05)
    PARTS.unlink(missing_ok=True)
    # The link goes with the node's network, but some moments later.
    run(["ip", "link", "delete", HOST_LINK], check=False)
    _remove_cgroups()


def _cgroup_folders() -> list[Path]:
    if (CGROUPS / "cgroup.controllers").exists():
        return [CGROUPS / CGROUP]
    return [folder / CGROUP for folder in CGROUPS.iterdir() if folder.is_dir() and not folder.is_symlink()]


def _make_cgroups() -> None:
    for folder in _cgroup_folders():
        folder.mkdir(exist_ok=True)
    controllers = CGROUPS / "cgroup.controllers"
    if controllers.exists():
        for name in controllers.read_text().split():
            (CGROUPS / "cgroup.subtree_control").write_text(f"+{name}")


def _remove_cgroups() -> None:
    deadline = time.monotonic() + PATIENCE
    while left := [folder for top in _cgroup_folders() for folder in [top, *top.rglob("*/")] if folder.is_dir()]:
        for folder in sorted(left, reverse=True):
            try:
                folder.rmdir()
            except OSError:
                continue
        if time.monotonic() > deadline:
            raise LumiHubError("control groups of the test cluster are still in use", where=str(left[0]))
        time.sleep(0.05)
