"""Waits in tests for what comes about by itself."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def until(is_so: Callable[[], bool], seconds: float) -> None:
    """Wait until something is so; fails when it is not in time."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s"
        time.sleep(0.2)
