"""Who did not answer: real servers on loopback, or nobody."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from lumihub.data import outages
from lumihub.data.access import VARIABLE, DataAccess
from lumihub.data.outages import find_outage, require_answer
from servers.ports import find_free_port
from servers.xrootd import EXPORT

if TYPE_CHECKING:
    from servers.xrootd import XRootDOrigin

FILE = f"{EXPORT}/a.root"


def use_cache(monkeypatch: pytest.MonkeyPatch, port: int) -> str:
    access = DataAccess(
        release="2020", mode="cache", origin=f"root://origin.example.org/{EXPORT}", cache=f"root://127.0.0.1:{port}"
    )
    monkeypatch.setenv(VARIABLE, access.model_dump_json())
    return f"{access.cache}/{FILE}"


@pytest.mark.parametrize(
    "error",
    [
        OSError("[ERROR] Operation expired"),
        OSError("[FATAL] Connection error"),
        OSError("[FATAL] Socket error: No route to host"),
        TimeoutError(),
        ConnectionResetError("104"),
    ],
)
def test_an_origin_that_is_read_directly(error: Exception) -> None:
    outage = find_outage(f"root://origin.example.org/{FILE}", error)
    assert str(outage) == (
        "error: origin.example.org does not answer\n"
        f"  in root://origin.example.org/{FILE}\n"
        "  fix: run the cell again in some minutes; if it lasts, `./deploy.py doctor` tells your teacher whether the "
        "origin can be reached"
    )


@pytest.mark.parametrize("error", [ValueError("not a ROOT file"), OSError("[ERROR] Server responded with 3011")])
def test_what_is_no_silence(error: Exception) -> None:
    assert find_outage(f"root://origin.example.org/{FILE}", error) is None


def test_a_path_has_nobody_to_answer() -> None:
    assert find_outage("/srv/a.root", TimeoutError()) is None
    require_answer("/srv/none.root")


def test_a_cache_that_nobody_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    url = use_cache(monkeypatch, find_free_port())
    assert str(find_outage(url, TimeoutError())) == (
        "error: the data cache does not answer\n"
        f"  in {url}\n"
        "  fix: run the cell again in a minute; if it lasts, `./deploy.py status` tells your teacher what is wrong"
    )


@pytest.mark.xrootd
@pytest.mark.opendata
def test_a_cache_that_answers_blames_the_origin(monkeypatch: pytest.MonkeyPatch, xrootd_origin: XRootDOrigin) -> None:
    url = use_cache(monkeypatch, xrootd_origin.port)
    assert str(find_outage(url, TimeoutError())) == (
        "error: the origin origin.example.org does not answer, and the cache does not hold all of this file\n"
        f"  in {url}\n"
        "  fix: go on with files that were read before, and run the cell again in some minutes; if it lasts, "
        "`./deploy.py doctor` tells your teacher whether the origin can be reached"
    )


@pytest.mark.xrootd
@pytest.mark.opendata
def test_a_server_that_answers_is_no_outage_whether_it_has_the_file_or_not(xrootd_origin: XRootDOrigin) -> None:
    for name in ("OutreachDatasets/none.root", "none.root"):
        require_answer(f"{xrootd_origin.url()}/{name}")


def test_a_server_that_is_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outages, "PATIENCE", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(Exception, match="does not answer"):
        require_answer(f"root://127.0.0.1:{silent.getsockname()[1]}/{FILE}")
