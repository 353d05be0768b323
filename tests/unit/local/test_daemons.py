from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lumihub.local.daemons import Daemon, find_running, has_ended, start, stop
from lumihub.local.folder import StateFolder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SLEEP = (sys.executable, "-c", "import time; print('began', flush=True); time.sleep(60)")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[StateFolder]:
    one = StateFolder(tmp_path / "state", tmp_path / "state" / "data")
    one.ensure()
    yield one
    stop(one, "part", 0)


def test_fingerprint_changes_with_whatever_matters(tmp_path: Path) -> None:
    one = Daemon("part", ("a",), {"x": "1"}, {tmp_path / "f": "text"})
    others = [
        replace(one, command=("b",)),
        replace(one, environment={"x": "2"}),
        replace(one, files={tmp_path / "f": "other"}),
        replace(one, user="nobody"),
    ]
    assert len({daemon.fingerprint for daemon in (one, *others)}) == 5
    assert one.fingerprint == replace(one, stop_seconds=99).fingerprint


def test_life_of_a_daemon(folder: StateFolder) -> None:
    daemon = Daemon("part", SLEEP, dict(os.environ), {folder.hub / "settings": "text"})
    assert find_running(folder, "part") is None
    started = start(folder, daemon)
    assert (folder.hub / "settings").read_text() == "text"
    assert find_running(folder, "part") == started
    assert not has_ended(started)
    assert os.getsid(started.process.pid) == started.process.pid
    (folder.run / "part.json").unlink()
    deadline = time.monotonic() + 60
    while find_running(folder, "part") != started and time.monotonic() < deadline:
        time.sleep(0.05)
    assert find_running(folder, "part") == started
    assert stop(folder, "part", 5)
    assert has_ended(started)
    assert not stop(folder, "part", 5)


def test_daemon_that_ends_at_once_is_seen(folder: StateFolder) -> None:
    started = start(folder, Daemon("part", (sys.executable, "-c", "print('no')"), dict(os.environ)))
    deadline = time.monotonic() + 60
    while not has_ended(started) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert has_ended(started)
    assert (folder.logs / "part.log").read_text() == "no\n"
