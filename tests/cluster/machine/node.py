"""The first process of the node: in namespaces of its own, it starts the parts and starts them again when they end.

Being process 1 of its process namespace, its death ends everything on the node at once; with the last process go the
node's network, with all rules and links, and its mounts. So there is one way to stop, and it cannot half work.

    python -m cluster.machine.node PROGRAMS

forks it and exits.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from cluster.machine.layout import (
    BRIDGE,
    HOST_ADDRESS,
    LOGS,
    METADATA_ADDRESS,
    NODE_ADDRESS,
    NODE_LINK,
    QUEUE,
    RUN,
    STATE,
    WIRE,
)
from cluster.machine.parts import Part, build_parts
from lumihub.process import run

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWPID, CLONE_NEWNET = 0x20000000, 0x40000000
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PARTS = RUN / "parts.json"
# Folders that programs write to by name, and what lies there for the node's own processes.
PRIVATE = {
    Path("/var/log"): STATE / "log",
    Path("/var/lib/cni"): RUN / "cni",
    Path("/var/lib/kubelet"): STATE / "kubelet",
    Path("/run"): RUN / "run",
}
# Seconds between the end of a part and its next start.
PAUSE = 1.0


def main(programs: Path) -> None:
    """Enter new namespaces, and leave the node's first process behind there."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    if os.fork():
        return
    os.setsid()
    os.chdir("/")
    os.environ["PATH"] = PATH
    enter_mounts()
    enter_network()
    keep_running(build_parts(programs))


def enter_mounts() -> None:
    """Let mounts made here stay here, and put private folders where programs insist on a name."""
    run(["mount", "--make-rprivate", "/"])
    # Between containers of the node they spread as Kubernetes promises.
    run(["mount", "--make-rshared", "/"])
    run(["mount", "-t", "proc", "proc", "/proc"])
    for place, private in PRIVATE.items():
        place.mkdir(parents=True, exist_ok=True)
        private.mkdir(parents=True, exist_ok=True)
        if RUN.is_relative_to(place):
            inner = private / RUN.relative_to(place)
            inner.mkdir(parents=True, exist_ok=True)
            run(["mount", "--bind", RUN, inner])
        run(["mount", "--rbind", private, place])


def enter_network() -> None:
    """Bring up the node's end of the wire and send new connections of pods to the keeper of NetworkPolicies."""
    while run(["ip", "link", "show", NODE_LINK], check=False).exit_code:
        time.sleep(0.05)
    for words in (
        ["link", "set", "lo", "up"],
        ["address", "add", f"{METADATA_ADDRESS}/32", "dev", "lo"],
        ["address", "add", f"{NODE_ADDRESS}/{WIRE}", "dev", NODE_LINK],
        ["link", "set", NODE_LINK, "up"],
        ["route", "add", "default", "via", HOST_ADDRESS],
    ):
        run(["ip", *words])
    for key in ("ipv4/ip_forward", "bridge/bridge-nf-call-iptables"):
        Path("/proc/sys/net", key).write_text("1")
    # What pods send to the node itself (API server, kubelet) passes INPUT, all else FORWARD.
    new = ["-m", "conntrack", "--ctstate", "NEW", "-j", "NFQUEUE", "--queue-num", str(QUEUE)]
    run(["iptables", "-I", "FORWARD", *new])
    run(["iptables", "-I", "INPUT", "-i", BRIDGE, *new])


def keep_running(parts: list[Part]) -> None:
    """Start all parts; reap what ends here; start again a part that ended. Never returns."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    running: dict[int, Part] = {}
    due = dict.fromkeys(parts, 0.0)
    while True:
        for part in [part for part, when in due.items() if when <= time.monotonic()]:
            del due[part]
            running[_start(part)] = part
            _note(running)
        while ended := _reap():
            pid, status = ended
            if pid in running:
                part = running.pop(pid)
                print(f"{part.name} ended with {os.waitstatus_to_exitcode(status)}", flush=True)
                due[part] = time.monotonic() + PAUSE
                _note(running)
        time.sleep(0.1)


def _start(part: Part) -> int:
    log = os.open(part.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    process = subprocess.Popen(
        part.command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env={"PATH": PATH, "HOME": "/root", **dict(part.environment)},
        start_new_session=True,
    )
    os.close(log)
    process.returncode = 0  # it is reaped below with all others, not by its own object
    return process.pid


def _reap() -> tuple[int, int] | None:
    try:
        pid, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    return (pid, status) if pid else None


def _note(running: dict[int, Part]) -> None:
    making = PARTS.with_suffix(".making")
    making.write_text(json.dumps({part.name: pid for pid, part in running.items()}))
    making.replace(PARTS)


if __name__ == "__main__":
    LOGS.mkdir(parents=True, exist_ok=True)
    main(Path(sys.argv[1]))
