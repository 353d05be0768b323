"""A login provider on loopback that speaks OpenID Connect's code flow, and logs in whoever it is told to."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

if TYPE_CHECKING:
    from types import TracebackType

CLIENT, SECRET = "hub", "a-secret-of-the-provider"


class Provider:
    """The provider; `person` is who sits before the browser.

    Attributes:
        person: the claims that it tells about who logs in.
        url: where it listens.
    """

    def __init__(self) -> None:
        self.person: dict[str, Any] = {}
        self._codes: dict[str, tuple[str, dict[str, Any]]] = {}
        self._tokens: dict[str, dict[str, Any]] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider._get(self)

            def do_POST(self) -> None:
                provider._post(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _get(self, request: BaseHTTPRequestHandler) -> None:
        place = urlsplit(request.path)
        asked = {name: values[0] for name, values in parse_qs(place.query).items()}
        if place.path == "/authorize" and asked["client_id"] == CLIENT and asked["response_type"] == "code":
            code = secrets.token_hex(8)
            self._codes[code] = (asked["code_challenge"], self.person)
            request.send_response(302)
            request.send_header(
                "Location", f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"
            )
            request.end_headers()
            return
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        known = place.path == "/userinfo" and token in self._tokens
        _answer(request, 200 if known else 403, self._tokens.get(token, {}))

    def _post(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"])).decode()
        asked = {name: values[0] for name, values in parse_qs(body).items()}
        challenge, person = self._codes.pop(asked["code"], ("", {}))
        digest = hashlib.sha256(asked["code_verifier"].encode()).digest()
        proven = base64.urlsafe_b64encode(digest).decode().rstrip("=") == challenge
        if not proven or (asked["client_id"], asked["client_secret"]) != (CLIENT, SECRET):
            _answer(request, 403, {"error": "invalid_grant"})
            return
        token = secrets.token_hex(8)
        self._tokens[token] = person
        _answer(request, 200, {"access_token": token, "token_type": "Bearer", "scope": "openid profile email"})


def _answer(request: BaseHTTPRequestHandler, code: int, content: dict[str, Any]) -> None:
    text = json.dumps(content).encode()
    request.send_response(code)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(text)))
    request.end_headers()
    request.wfile.write(text)
