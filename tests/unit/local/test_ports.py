from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from lumihub.errors import LumiHubError
from lumihub.local.ports import check_port, ensure_ports

if TYPE_CHECKING:
    from pathlib import Path


def test_taken_port_names_the_key_and_who_holds_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(LumiHubError) as caught:
            check_port("proxy.port", "127.0.0.1", port)
    assert f"error: proxy.port: port {port} is taken by " in str(caught.value)
    assert f"(process {os.getpid()})\n  fix: stop it, or set proxy.port to another port" in str(caught.value)


def test_foreign_address() -> None:
    with pytest.raises(LumiHubError) as caught:
        check_port("proxy.port", "192.0.2.7", 8000)
    assert str(caught.value) == (
        "error: proxy.address: 192.0.2.7 is not an address of this machine (Cannot assign requested address)\n"
        "  fix: set proxy.address to 0.0.0.0 for the whole network, or 127.0.0.1 for this machine alone"
    )


def test_ports_are_kept_unless_somebody_took_them(tmp_path: Path) -> None:
    path = tmp_path / "ports.json"
    first = ensure_ports(path, hub_runs=False, proxy_runs=False)
    assert first.hub != first.proxy_api
    assert ensure_ports(path, hub_runs=False, proxy_runs=False) == first
    with socket.create_server(("127.0.0.1", first.hub)):
        assert ensure_ports(path, hub_runs=True, proxy_runs=True) == first
        moved = ensure_ports(path, hub_runs=False, proxy_runs=True)
    assert moved.hub != first.hub
    assert moved.proxy_api == first.proxy_api


@pytest.mark.parametrize(("uid", "ports"), [(0, range(600, 1024)), (1000, range(20000, 30000))])
def test_nothing_is_given_a_part_s_port_while_the_part_restarts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uid: int, ports: range
) -> None:
    if os.geteuid() > uid:
        pytest.skip("only root can listen there")
    monkeypatch.setattr("lumihub.local.ports.os.geteuid", lambda: uid)
    found = ensure_ports(tmp_path / "ports.json", hub_runs=False, proxy_runs=False)
    assert found.hub in ports
    assert found.proxy_api in ports


def test_broken_record_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "ports.json"
    path.write_text("{")
    assert ensure_ports(path, hub_runs=False, proxy_runs=False).hub > 0
