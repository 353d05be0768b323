"""The dashboard in JupyterLab: a real Jupyter server and its proxy; HTTP and a websocket play the browser."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import aiohttp
import pytest

from lumihub.compute.dashboard import PROXY_NAME
from lumihub.lab.environment import ensure_runtime_folder
from servers.ports import find_free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "a-token-of-this-test"
PREFIX = "/user/ada/"

KERNEL = """
import sys
from lumihub.compute import client
if __name__ == "__main__":
    print(client(1).dashboard_link, flush=True)
    sys.stdin.read()
"""

PROXY = f"""
from lumihub.compute.dashboard import socket_path
c.ServerProxy.servers = {{"{PROXY_NAME}": {{"unix_socket": str(socket_path()), "absolute_url": False}}}}
c.ServerApp.base_url = "{PREFIX}"
c.IdentityProvider.token = "{TOKEN}"
c.ServerApp.allow_root = True
c.ServerApp.open_browser = False
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def environment(home: Path) -> Iterator[dict[str, str]]:
    """What a student's server and kernels share."""
    runtime = ensure_runtime_folder(home)
    yield os.environ | {"HOME": str(home), "JUPYTER_RUNTIME_DIR": str(runtime)}
    shutil.rmtree(runtime)


@pytest.fixture
def kernel(environment: dict[str, str], tmp_path: Path) -> Iterator[str]:
    script = tmp_path / "kernel.py"
    script.write_text(KERNEL)
    with subprocess.Popen(
        [sys.executable, str(script)],
        env=environment | {"JUPYTERHUB_SERVICE_PREFIX": PREFIX},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdin
        yield process.stdout.readline().strip()
        process.stdin.close()
        process.wait(60)


@pytest.fixture
def server(home: Path, environment: dict[str, str], tmp_path: Path) -> Iterator[str]:
    config = tmp_path / "jupyter_server_config.py"
    config.write_text(PROXY)
    port = find_free_port()
    log = (tmp_path / "jupyter.log").open("w")
    with (
        log,
        subprocess.Popen(
            [sys.executable, "-m", "jupyter_server", f"--config={config}", "--ip=127.0.0.1", f"--port={port}"],
            env=environment,
            cwd=home,
            stdout=log,
            stderr=log,
        ) as process,
    ):
        yield f"http://127.0.0.1:{port}{PREFIX}"
        process.terminate()
        process.wait(30)


async def answers(url: str, headers: dict[str, str]) -> None:
    """Wait for the server, and for the first page: until bokeh is imported the proxy may answer 500."""
    deadline = time.monotonic() + 120
    async with aiohttp.ClientSession(headers=headers) as session:
        while True:
            try:
                async with session.get(f"{url}dask/status") as reply:
                    if reply.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                pass
            assert time.monotonic() < deadline, "the dashboard does not answer through the Jupyter server"
            await asyncio.sleep(0.2)


def test_owner_sees_pages_and_live_figures_below_the_prefix_and_others_do_not(kernel: str, server: str) -> None:
    assert kernel == f"{PREFIX}dask/status"

    async def look() -> None:
        owner = {"Authorization": f"token {TOKEN}"}
        await answers(server, owner)
        async with (
            aiohttp.ClientSession() as stranger,
            stranger.get(f"{server}dask/status", allow_redirects=False) as reply,
        ):
            assert reply.status in (302, 403)
            assert "bk-root" not in await reply.text()
        async with aiohttp.ClientSession(headers=owner) as session:
            async with session.get(f"{server}dask/") as reply:
                assert reply.status == 200
                assert reply.url.path == f"{PREFIX}dask/status"
                page = await reply.text()
            for link in re.findall(r'(?:src|href)="([^"]+\.(?:js|css))[^"]*"', page):
                assert not link.startswith("/"), f"{link} leaves the prefix"
                async with session.get(f"{server}dask/{link}") as reply:
                    assert reply.status == 200, link
            token = re.search(r'"token":"([^"]+)"', page)
            assert token
            async with session.ws_connect(
                f"{server}dask/status/ws".replace("http", "ws", 1), protocols=("bokeh", token[1])
            ) as figures:
                header = json.loads((await figures.receive(timeout=30)).data)
                assert header["msgtype"] == "ACK"
            async with session.get(f"{server}dask/individual-task-stream") as reply:
                assert reply.status == 200

    asyncio.run(look())
