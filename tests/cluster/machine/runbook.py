"""Up and down: how the test cluster is started, waited for, stopped and wiped."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cluster.machine.certificates import ensure_certificates
from cluster.machine.images import ensure_test_image
from cluster.machine.layout import KUBECONFIG, LOCK, LOGS, NODE, OBJECTS, PRESENCE, RUN, STATE, USE
from cluster.machine.objects import build_objects
from cluster.machine.parts import build_settings
from cluster.machine.processes import find_init, find_parts, start_node, stop_node
from cluster.machine.programs import ensure_programs, find_missing_packages
from lumihub.errors import LumiHubError
from lumihub.process import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# Seconds until a started cluster must be ready.
PATIENCE = 150
# What the node was started with: programs and settings.
RUNNING = RUN / "made-from"


def find_obstacle() -> str | None:
    """Why the test cluster cannot run here, in one sentence; None when it can."""
    if sys.platform != "linux":
        return "the test cluster needs Linux"
    if os.geteuid() != 0:
        return "the test cluster needs root: type sudo before the command, or name another cluster with --kubeconfig"
    missing = find_missing_packages()
    if missing:
        return f"the test cluster needs: apt-get install --yes --no-install-recommends {' '.join(missing)}"
    return None


def ensure_up(*, fresh: bool = False) -> Path:
    """Bring the test cluster up, or mend it, and wait until it is ready; returns the kubeconfig.

    Args:
        fresh: when it does not run, forget all objects and volumes of its earlier life first; images stay.
    """
    obstacle = find_obstacle()
    if obstacle:
        raise LumiHubError(obstacle)
    programs = ensure_programs()
    with _locked():
        if not _runs(programs):
            stop_node()
            if fresh:
                _forget(*OBJECTS)
            _start(programs)
        _wait(programs)
    return KUBECONFIG


def ensure_down(*, wipe: bool = False) -> None:
    """Stop the test cluster; nothing of it runs afterwards, and no rule, link, mount or control group is left.

    Args:
        wipe: also forget its objects, volumes and images.
    """
    with _locked():
        stop_node()
        shutil.rmtree(RUN, ignore_errors=True)
        if wipe:
            shutil.rmtree(STATE, ignore_errors=True)


@contextmanager
def in_use(*, patience: float) -> Iterator[None]:
    """Keep the test cluster for one run of tests.

    Args:
        patience: seconds to wait for another run to end.

    Raises:
        LumiHubError: the other run has not ended by then.
    """
    deadline, told = time.monotonic() + patience, False
    with USE.open("a+") as lock:
        while not _take(lock.fileno()):
            lock.seek(0)
            owner = lock.read().strip()
            if time.monotonic() > deadline:
                raise LumiHubError(f"the test cluster is used by {owner}", fix="wait until that run has ended")
            if not told:
                sys.stderr.write(f"… waiting for the test cluster, which is used by {owner}\n")
                told = True
            time.sleep(1)
        lock.truncate(0)
        lock.write(f"process {os.getpid()} ({' '.join(sys.argv)[:200]})")
        lock.flush()
        yield


@contextmanager
def present() -> Iterator[Callable[[], bool]]:
    """Work with the test cluster beside others; yields what says whether nobody else does.

    Raises:
        LumiHubError: others work with a cluster that is made otherwise, which this run would have to take away.
    """
    programs = ensure_programs()
    with PRESENCE.open("w") as lock:

        def is_alone() -> bool:
            try:
                return _take(lock.fileno())
            finally:
                fcntl.flock(lock, fcntl.LOCK_SH)

        with _locked():
            if not is_alone() and find_init() is not None and not _runs(programs):
                raise LumiHubError(
                    "another run of tests uses a test cluster that is made otherwise than this project folder's",
                    fix="wait until that run has ended",
                )
        yield is_alone


def _runs(programs: Path) -> bool:
    return find_init() is not None and RUNNING.exists() and RUNNING.read_text() == _describe(programs)


def _describe(programs: Path) -> str:
    settings = {str(path): text for path, text in build_settings().items()}
    return f"{programs} {hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()}"


@contextmanager
def _locked() -> Iterator[None]:
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _forget(*names: str) -> None:
    for name in names:
        shutil.rmtree(STATE / name, ignore_errors=True)


def _start(programs: Path) -> None:
    shutil.rmtree(RUN, ignore_errors=True)
    _forget("log")
    ensure_certificates()
    for path, text in build_settings().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    RUN.mkdir(parents=True)
    (RUN / "resolv.conf").write_text("")
    start_node(programs)
    RUNNING.write_text(_describe(programs))


def _wait(programs: Path) -> None:
    """Wait for the API server, the first objects, the test image and the node, in this order."""
    deadline = time.monotonic() + PATIENCE
    kubectl: list[str | Path] = [programs / "kubectl", f"--kubeconfig={KUBECONFIG}", "--request-timeout=10s"]
    objects = json.dumps(build_objects())
    healthy = f"/api/v1/nodes/{NODE}/proxy/healthz"
    ready = '{.status.conditions[?(@.type=="Ready")].status}'
    steps: tuple[tuple[str, Callable[[], bool]], ...] = (
        ("API server", lambda: run([*kubectl, "get", "--raw", "/readyz"], check=False).exit_code == 0),
        ("first objects", lambda: run([*kubectl, "apply", "-f", "-"], check=False, input_text=objects).exit_code == 0),
        ("image store", _image_is_there),
        # The node's own word may be old: whoever answers through the API server runs now.
        ("node agent", lambda: run([*kubectl, "get", "--raw", healthy], check=False).stdout == "ok"),
        ("node", lambda: run([*kubectl, "get", "node", NODE, f"-o=jsonpath={ready}"], check=False).stdout == "True"),
        (
            "service account",
            lambda: run([*kubectl, "get", "serviceaccount", "default"], check=False).exit_code == 0,
        ),
    )
    for name, is_ready in steps:
        while not is_ready():
            if find_init() is None:
                raise LumiHubError("the node's first process ended", where=str(LOGS / "node.log"))
            if time.monotonic() > deadline:
                running = ", ".join(part.name for part in find_parts())
                raise LumiHubError(
                    f"the {name} of the test cluster is not ready after {PATIENCE} s; these parts run: {running}",
                    where=str(LOGS),
                    fix="read the logs there; ./tests/cluster/run down --wipe begins anew",
                )
            time.sleep(0.3)


def _image_is_there() -> bool:
    try:
        ensure_test_image()
    except LumiHubError:
        return False
    return True
