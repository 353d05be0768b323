from __future__ import annotations

import http.server
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from lumihub.backend import Access
from lumihub.errors import InputError, LumiHubError
from lumihub.hub.client import HubClient

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def answering(code: int, body: str) -> Iterator[HubClient]:
    """A client whose every request is answered so."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(code)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield HubClient(Access(f"http://127.0.0.1:{server.server_address[1]}/", "token"), timeout=10)
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("code", "reason"), [(404, "Not Found"), (503, "Service Unavailable")])
def test_a_proxy_that_does_not_know_the_way_is_not_taken_for_the_hub(code: int, reason: str) -> None:
    with answering(code, "<html>nobody here</html>") as client, pytest.raises(LumiHubError) as caught:
        client.accounts()
    fault = caught.value.faults[0]
    assert fault.what == f"the hub does not answer: the proxy does not reach it ({code} {reason})"
    assert "./deploy.py status" in fault.fix


def test_what_the_hub_itself_refuses_is_bad_input() -> None:
    with answering(404, '{"message": "there is no account ada"}') as client:
        with pytest.raises(InputError) as caught:
            client.accounts()
        assert caught.value.faults[0].what == "there is no account ada"
