"""Fixtures that several rooms' tests share."""

from __future__ import annotations

import shutil
import signal
from typing import TYPE_CHECKING

import pytest

from lumihub.data.cache import find_cache_obstacle
from opendata import find_opendata, lay_out_opendata
from servers.hub import running_hub
from servers.xrootd import XRootDOrigin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers.hub import Installation

# A shell that runs the tests in the background lets them, and every program that they start, ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup(
        "cluster", "the cluster that tests/cluster uses (default: the project's own, on this machine)"
    )
    group.addoption(
        "--kubeconfig", help="use the cluster of this file's current context; only what tests make is touched"
    )
    group.addoption(
        "--image-registry", help="where tests push images for that cluster, such as registry.example.org/test"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("browser") and not shutil.which("chromium"):
        pytest.skip("no chromium here: apt-get install chromium")


@pytest.fixture(scope="module")
def hub() -> Iterator[Installation]:
    """A hub of this machine with the settings as they come, for all tests of a file."""
    with running_hub() as one:
        yield one


@pytest.fixture(scope="session")
def opendata(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the three real files as they lie at CERN."""
    source = find_opendata()
    if source is None:
        pytest.skip(
            "the real ATLAS files are not here: set LUMIHUB_OPENDATA to the folder that holds data_A.4lep.root..."
        )
    return lay_out_opendata(source, tmp_path_factory.mktemp("opendata"))


@pytest.fixture
def xrootd_origin(opendata: Path) -> Iterator[XRootDOrigin]:
    """A real XRootD server that serves the real files."""
    obstacle = find_cache_obstacle("root://127.0.0.1")
    if obstacle:
        pytest.skip(obstacle)
    with XRootDOrigin(opendata) as server:
        yield server
