"""Fixtures of the tests of Dask in a student's server."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def short_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A home that is not in pytest's own folder, whose path may be too long for a socket."""
    with tempfile.TemporaryDirectory(prefix="lumihub-", dir="/tmp") as home:
        monkeypatch.setenv("HOME", home)
        monkeypatch.delenv("JUPYTER_RUNTIME_DIR", raising=False)
        yield
