"""Brings the dashboard of a scheduler in another pod to the socket where the owner's own dashboard listens."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING

from lumihub.compute import dashboard

if TYPE_CHECKING:
    import socket
    from pathlib import Path
    from typing import Self

_CHUNK = 65536
_ANSWER_SECONDS = 10.0


class Relay:
    """Passes on what comes in at the owner's UNIX socket, from a thread of its own.

    Args:
        listener: the socket, listening.
        own: its path.
        host: of the scheduler.
        port: of its dashboard.
    """

    def __init__(self, listener: socket.socket, own: Path, host: str, port: int) -> None:
        self._own, self._host, self._port = own, host, port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, args=(listener,), name="dashboard-relay", daemon=True)
        self._thread.start()

    @classmethod
    def open(cls, host: str, port: int) -> Self | None:
        """Listen for this process; None where there is no place for a socket."""
        bound = dashboard.bind()
        return cls(*bound, host, port) if bound else None

    def close(self) -> None:
        """Stop, and give the dashboard's address back."""
        dashboard.release(self._own)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _serve(self, listener: socket.socket) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(asyncio.start_unix_server(self._pass_on, sock=listener))
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        listener.close()
        self._loop.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await pass_on(reader, writer, self._host, self._port)


async def pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int, instead: bytes = b""
) -> None:
    """Join a connection to one that is made to another place, until both are closed.

    Args:
        reader: of the connection that came in.
        writer: of the same.
        host: of the other place.
        port: of the other place.
        instead: what is answered when nobody is there.
    """
    with contextlib.suppress(OSError):
        try:
            there, back = await asyncio.wait_for(asyncio.open_connection(host, port), _ANSWER_SECONDS)
        except (OSError, TimeoutError):
            writer.write(instead)
            await writer.drain()
        else:
            await asyncio.gather(_pump(reader, back), _pump(there, writer))
    writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    writer.close()
