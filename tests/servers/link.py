"""A TCP relay on loopback that counts bytes and can be slow, far away, or cut: the school's link to CERN."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from typing import TYPE_CHECKING

from servers.ports import find_free_port

if TYPE_CHECKING:
    from collections.abc import Iterator


class Link:
    """Relays connections to a port of this machine.

    Args:
        port: where the server listens.
        rate: bytes a second in each direction, None for no limit.
        delay: seconds that each byte is under way, in each direction.
        address: of this machine, where clients connect.
        target: of this machine, where the server listens.

    Attributes:
        port: where clients connect.
        rate: as above; may be changed.
        down: bytes that came from the server.
        up: bytes that went to it.
    """

    def __init__(
        self,
        port: int,
        *,
        rate: float | None = None,
        delay: float = 0,
        address: str = "127.0.0.1",
        target: str = "127.0.0.1",
    ) -> None:
        self._target = (target, port)
        self.rate = rate
        self._delay = delay
        self.down = 0
        self.up = 0
        self._free_at = {"down": 0.0, "up": 0.0}
        self._lock = threading.Lock()
        self._answering = threading.Event()
        self._answering.set()
        self._open: list[socket.socket] = []
        self.port = find_free_port()
        self._listener = socket.create_server((address, self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Link:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Break every connection; new ones are let in again."""
        with self._lock:
            broken, self._open = self._open, []
        for connection in broken:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    @contextlib.contextmanager
    def gone(self) -> Iterator[None]:
        """Nobody answers at the port while the block runs: every connection breaks, and new ones are refused."""
        address = self._listener.getsockname()
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes who waits for the next connection
        self._listener.close()
        self.cut()
        try:
            yield
        finally:
            self._listener = socket.create_server(address)
            threading.Thread(target=self._accept, daemon=True).start()

    @contextlib.contextmanager
    def silent(self) -> Iterator[None]:
        """Let nothing through while the block runs, and break nothing: a dead line, as those see it who wait."""
        self._answering.clear()
        try:
            yield
        finally:
            self._answering.set()

    def _accept(self) -> None:
        listener = self._listener
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._target, timeout=5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            with self._lock:
                self._open += [client, server]
            for source, sink, direction in ((server, client, "down"), (client, server, "up")):
                packets: queue.Queue[tuple[float, bytes]] = queue.Queue(maxsize=64)
                threading.Thread(target=self._receive, args=(source, packets, direction), daemon=True).start()
                threading.Thread(target=self._send, args=(sink, packets), daemon=True).start()

    def _receive(self, source: socket.socket, packets: queue.Queue[tuple[float, bytes]], direction: str) -> None:
        data = b"."
        while data:
            rate = self.rate
            block = 65536 if rate is None else max(1024, min(65536, int(rate / 20)))
            try:
                data = source.recv(block)
            except OSError:
                data = b""
            now = time.monotonic()
            with self._lock:
                setattr(self, direction, getattr(self, direction) + len(data))
                start = max(now, self._free_at[direction])
                self._free_at[direction] = start + (len(data) / rate if rate else 0)
                due = self._free_at[direction] + self._delay
            # A full queue or a late link keeps the sender waiting, as a real one would.
            time.sleep(max(0, start - now))
            packets.put((due, data))

    def _send(self, sink: socket.socket, packets: queue.Queue[tuple[float, bytes]]) -> None:
        while True:
            due, data = packets.get()
            time.sleep(max(0, due - time.monotonic()))
            self._answering.wait()
            with contextlib.suppress(OSError):
                if data:
                    sink.sendall(data)
                    continue
                sink.shutdown(socket.SHUT_WR)
            return
