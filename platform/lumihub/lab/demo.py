"""Part of a student's server: the dashboard of a class's demonstration, where the platform has any.

Whoever may look may not do anything: what is passed on goes to the scheduler's pages alone, from the server itself.
"""

from __future__ import annotations

import asyncio
import os
import socket
from typing import TYPE_CHECKING

from lumihub.compute.dashboard import ensure_own_folder
from lumihub.compute.limits import DaskLimits
from lumihub.compute.relay import pass_on
from lumihub.labels import DASHBOARD_PORT

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_server.serverapp import ServerApp

_PAGE = """<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>No demonstration</title>
<meta http-equiv="refresh" content="10">
<body style="font-family: sans-serif; margin: 4em auto; max-width: 34em; line-height: 1.5">
<h1>No demonstration now</h1>
<p>When your instructor shows work on many Dask workers, you see here what they do. This page looks again by itself.</p>
</body></html>
"""


def socket_path() -> Path:
    """Where this server offers the dashboard to its own proxy."""
    return ensure_own_folder() / "demo.sock"


async def offer_dashboard(host: str) -> asyncio.Server:
    """Bring the dashboard to that socket, as long as the server's process lives.

    Args:
        host: of the scheduler, which comes and goes.
    """
    path = socket_path()
    path.unlink(missing_ok=True)  # of a server that was killed
    body = _PAGE.encode()
    head = f"HTTP/1.1 503 No demonstration\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n"
    instead = f"{head}Connection: close\r\n\r\n".encode() + body

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await pass_on(reader, writer, host, DASHBOARD_PORT, instead)

    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.setblocking(False)
    listener.bind(os.fspath(path))
    path.chmod(0o600)
    return await asyncio.start_unix_server(serve, sock=listener)


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(server: ServerApp) -> None:
    host = DaskLimits.current().demo
    if host:
        server.io_loop.add_callback(offer_dashboard, host)
