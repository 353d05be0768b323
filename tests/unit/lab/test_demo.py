from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from lumihub.lab import demo

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def runtime(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("run")
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(folder))
    return folder


async def ask() -> bytes:
    """The page, as the server's proxy asks for it."""
    reader, writer = await asyncio.open_unix_connection(demo.socket_path())
    writer.write(b"GET /status HTTP/1.0\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return answer


def test_while_there_is_none_the_page_says_so_and_looks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        monkeypatch.setattr(demo, "DASHBOARD_PORT", closed.getsockname()[1])

    async def look() -> bytes:
        async with await demo.offer_dashboard("127.0.0.1"):
            return await ask()

    head, _, page = asyncio.run(look()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert f"Content-Length: {len(page)}".encode() in head
    assert b"No demonstration now" in page
    assert b'http-equiv="refresh"' in page


def test_the_dashboard_is_passed_on_to_the_owner_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\n\r\ntasks")
        writer.close()

    async def look() -> bytes:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as pages:
            monkeypatch.setattr(demo, "DASHBOARD_PORT", pages.sockets[0].getsockname()[1])
            demo.socket_path().touch()  # of a server that was killed
            async with await demo.offer_dashboard("127.0.0.1"):
                assert demo.socket_path().stat().st_mode & 0o777 == 0o600
                return await ask()

    assert asyncio.run(look()).endswith(b"tasks")
