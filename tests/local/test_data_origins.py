"""Origins that answer, hang, refuse or lie, on loopback."""

from __future__ import annotations

import socket
import threading
import time
import zlib
from typing import TYPE_CHECKING

import pytest

from lumihub.data.origins import Origin, OriginError, probe_origin
from lumihub.data.records import DataFile
from lumihub.data.transfer import Transfer, fetch_files
from lumihub.progress import Silent
from servers.ports import find_free_port
from servers.web import WebOrigin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers.xrootd import XRootDOrigin

CONTENT = bytes(range(256)) * 10_000


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebOrigin]:
    folder = tmp_path / "web"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "one.root").write_bytes(CONTENT)
    with WebOrigin(folder) as server:
        yield server


@pytest.fixture
def file() -> DataFile:
    return DataFile("a/one.root", len(CONTENT), f"{zlib.adler32(CONTENT):08x}", "4lep", "data_A")


def test_a_web_server_is_resumed_by_ranges(web: WebOrigin, tmp_path: Path, file: DataFile) -> None:
    assert probe_origin(web.url).reachable
    assert probe_origin(f"{web.url}/hidden").reachable
    partial = tmp_path / "mirror" / "a" / "one.root.part"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(CONTENT[:2_000_000])

    report = fetch_files([file], Origin(web.url, timeout=5), tmp_path / "mirror", Silent())

    assert (report.bytes, report.faults) == (len(CONTENT) - 2_000_000, {})
    assert web.served == len(CONTENT) - 2_000_000
    assert (tmp_path / "mirror" / file.path).read_bytes() == CONTENT


def test_a_web_server_that_hangs_is_given_up_and_tried_again(web: WebOrigin, tmp_path: Path, file: DataFile) -> None:
    web.hang.set()
    threading.Timer(1.5, web.hang.clear).start()
    began = time.monotonic()
    transfer = Transfer(Origin(web.url, timeout=1), tmp_path / "mirror", lambda _: None, pauses=(0.5, 0.5, 0.5, 0.5))
    assert transfer.fetch(file) == len(CONTENT)
    assert 1 < time.monotonic() - began < 10


def test_a_web_server_without_the_file(web: WebOrigin, tmp_path: Path) -> None:
    gone = DataFile("a/none.root", 5, "00000001", "4lep", "data_B")
    report = fetch_files([gone], Origin(web.url, timeout=5), tmp_path / "mirror", Silent())
    assert str(report.faults["a/none.root"]) == (
        f"error: a/none.root did not arrive: the origin does not have {web.url}/a/none.root\n"
        "  fix: see whether the origin holds it"
    )


def test_a_web_server_without_ranges_is_told(web: WebOrigin, tmp_path: Path, file: DataFile) -> None:
    web.ranges = False
    with Origin(web.url, timeout=5).open(file.path, file.size) as source, pytest.raises(OriginError):
        source.read(1_000_000, 1000)


@pytest.mark.parametrize("scheme", ["root", "http"])
def test_nobody_listens(scheme: str) -> None:
    port = find_free_port()
    state = probe_origin(f"{scheme}://127.0.0.1:{port}//eos/opendata/atlas", 5)
    assert (state.reachable, state.detail) == (False, f"127.0.0.1 refuses connections on port {port}")


@pytest.mark.parametrize("scheme", ["root", "http"])
def test_a_filtered_port_takes_no_longer_than_was_given(scheme: str) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        # A full queue drops what comes after it, as a firewall does.
        waiting = []
        for _ in range(8):
            caller = socket.socket()
            caller.setblocking(False)
            caller.connect_ex(("127.0.0.1", port))
            waiting.append(caller)
        time.sleep(0.2)
        began = time.monotonic()
        state = probe_origin(f"{scheme}://127.0.0.1:{port}//eos/opendata/atlas", 2)
        took = time.monotonic() - began
        for caller in waiting:
            caller.close()
    assert not state.reachable
    assert "did not answer" in state.detail
    assert took < 2.5


def test_a_server_that_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        began = time.monotonic()
        state = probe_origin(f"root://127.0.0.1:{port}//eos/opendata/atlas", 1.5)
        assert not state.reachable
        assert time.monotonic() - began < 2


def test_a_web_server_where_xrootd_is_meant(web: WebOrigin) -> None:
    state = probe_origin(f"root://127.0.0.1:{web.port}//eos", 5)
    assert not state.reachable
    assert "127.0.0.1" in state.detail


@pytest.mark.xrootd
@pytest.mark.opendata
def test_an_xrootd_server_answers_and_a_wrong_folder_is_told(xrootd_origin: XRootDOrigin) -> None:
    assert probe_origin(xrootd_origin.url(), 10).reachable
    state = probe_origin(f"{xrootd_origin.url()}/none", 10)
    assert not state.reachable
    assert "is not there" in state.detail or "did not answer" in state.detail
