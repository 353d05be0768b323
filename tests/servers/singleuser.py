"""Answers at port 8888 of every address of this network namespace, in the place of students' servers that don't exist.

An address plays a server that is starting: it refuses until the seconds are over that are given, from the first
connection to it. Then it answers every request as JupyterLab answers its `api/status`, whoever asks.

    python tests/servers/singleuser.py SECONDS

writes a line to standard output when it listens.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import time
from typing import TYPE_CHECKING

from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.web import Application, RequestHandler

if TYPE_CHECKING:
    from tornado.iostream import IOStream

PORT = 8888
QUEUE = 1024
STATUS = json.dumps({"started": "2026-01-01T00:00:00Z", "connections": 0, "kernels": 0})
# Closed with this, a connection ends as at a port where nobody listens.
AT_ONCE = struct.pack("ii", 1, 0)


class Answer(RequestHandler):
    """The one answer."""

    def get(self, _path: str) -> None:
        """What a server without kernels says of itself."""
        self.set_header("Content-Type", "application/json")
        self.finish(STATUS)


class StartingServer(HTTPServer):
    """Refuses connections to an address until its time has come."""

    seconds = 0.0

    def handle_stream(self, stream: IOStream, address: tuple[str, int]) -> None:
        """One connection."""
        own = stream.socket.getsockname()[0]
        if time.monotonic() >= BEGAN.setdefault(own, time.monotonic()) + self.seconds:
            super().handle_stream(stream, address)
            return
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        stream.close()


# By address: when it was first asked.
BEGAN: dict[str, float] = {}


def main() -> None:
    """Listen until the process is ended."""
    server = StartingServer(Application([(r"(.*)", Answer)]))
    server.seconds = float(sys.argv[1])
    server.listen(PORT, backlog=QUEUE)
    sys.stdout.write("listens\n")
    sys.stdout.flush()
    IOLoop.current().start()


if __name__ == "__main__":
    main()
