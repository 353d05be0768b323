from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from lumihub.errors import LumiHubError
from lumihub.local.lock import exclusive
from lumihub.progress import Silent

if TYPE_CHECKING:
    from pathlib import Path


class Listener(Silent):
    def __init__(self) -> None:
        self.said: list[str] = []

    def step(self, text: str) -> None:
        self.said.append(text)


def test_second_one_waits_and_says_for_whom(tmp_path: Path) -> None:
    order: list[str] = []
    listener = Listener()

    def second() -> None:
        with exclusive(tmp_path / "lock", "./deploy.py down", listener):
            order.append("second")

    with exclusive(tmp_path / "lock", "./deploy.py up", Silent()):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.5)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]
    assert listener.said == [f"waiting for ./deploy.py up (process {os.getpid()}) to finish"]


def test_patience_ends(tmp_path: Path) -> None:
    with (
        exclusive(tmp_path / "lock", "./deploy.py up", Silent()),
        pytest.raises(LumiHubError) as caught,
        exclusive(tmp_path / "lock", "./deploy.py up", Silent(), patience=0.2),
    ):
        pass
    assert str(caught.value) == (
        f"error: ./deploy.py up (process {os.getpid()}) has been changing this installation for more than 0 s\n"
        "  fix: wait until it ends, or end that process and type the same command again"
    )
