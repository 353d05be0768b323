from __future__ import annotations

import contextlib
import http.server
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from lumihub.compute import dashboard
from lumihub.compute.relay import Relay

if TYPE_CHECKING:
    from collections.abc import Iterator


pytestmark = pytest.mark.usefixtures("short_home")


@pytest.fixture
def port() -> Iterator[int]:
    """A page of some other host."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"tasks" * 100_000)

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def get() -> bytes:
    with socket.socket(socket.AF_UNIX) as page:
        page.settimeout(10)
        page.connect(str(dashboard.socket_path()))
        read = b""
        with contextlib.suppress(ConnectionError):  # closed before it was read what we asked for
            page.sendall(b"GET / HTTP/1.0\r\n\r\n")
            while chunk := page.recv(65536):
                read += chunk
    return read


def test_the_page_of_another_host_is_at_the_owners_socket(port: int) -> None:
    relay = Relay.open("127.0.0.1", port)
    assert relay is not None
    assert get().endswith(b"tasks" * 100_000)
    relay.close()
    assert not dashboard.socket_path().exists()


def test_a_host_that_does_not_answer_closes_the_connection(port: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = closed.getsockname()[1]
    relay = Relay.open("127.0.0.1", nobody)
    assert relay is not None
    assert get() == b""
    relay.close()
