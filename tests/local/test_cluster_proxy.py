"""The proxy of a cluster as its image runs it, from the locked packages: who is let through to a student's server."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from lumihub.hub.server_keys import build_key
from servers.ports import find_free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

IMAGE = Path(__file__).parents[2] / "images" / "proxy"
SECRET = "of-this-test"
OLDEST_NODE = 20
NAME, ESCAPED = "mal@school.org", "mal%40school.org"
KEY, OTHER = build_key(SECRET, NAME), build_key(SECRET, "ben")
PLAIN, HOST = "lumihub-server", "__Host-lumihub-server"


@dataclass
class Server:
    """One behind the proxy that records all, and speaks just enough of websockets to be asked for one.

    Attributes:
        name: what it answers.
        seen: method and path of each request.
    """

    name: str
    seen: list[str] = field(default_factory=list)
    port: int = 0

    @contextmanager
    def running(self) -> Iterator[Server]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), self._build_handler())
        self.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield self
        server.shutdown()
        server.server_close()

    def _build_handler(one) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                one.seen.append(f"{self.command} {self.path}")
                upgrade = "Upgrade" in self.headers
                self.send_response(101 if upgrade else 200)
                for name in ("Upgrade", "Connection"):
                    if upgrade:
                        self.send_header(name, self.headers[name])
                self.send_header("Content-Length", "0" if upgrade else str(len(one.name)))
                self.send_header("Server-Name", one.name)
                self.end_headers()
                if not upgrade and self.command != "HEAD":
                    self.wfile.write(one.name.encode())
                self.close_connection = upgrade

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = answer  # noqa: N815

            def log_message(self, *words: Any) -> None:
                """Nobody reads it."""

        return Handler


@dataclass
class Proxy:
    """The proxy with its routes: the hub at /, and two servers of one student."""

    port: int
    hub: Server
    student: Server
    named: Server

    def ask(self, path: str, method: str = "GET", **headers: str) -> str:
        """Who answers this request, sent as it is written."""
        lines = [f"{method} {path} HTTP/1.1", "Host: hub.school", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode())
            answer = b""
            while b"\r\n\r\n" not in answer and (more := connection.recv(4096)):
                answer += more
        found = [line for line in answer.decode().split("\r\n") if line.lower().startswith("server-name: ")]
        return found[0].partition(" ")[2] if found else answer.decode().partition("\r\n")[0]

    def socket(self, path: str, **headers: str) -> str:
        """Who answers when a websocket is asked for."""
        lines = [f"GET {path} HTTP/1.1", "Host: hub.school", "Connection: Upgrade", "Upgrade: websocket"]
        lines += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode())
            answer = connection.recv(4096).decode()
        return next(line.partition(" ")[2] for line in answer.split("\r\n") if line.lower().startswith("server-name: "))


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The proxy's program, installed as the image has it."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("no Node.js here: apt-get install nodejs npm")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.lstrip("v").partition(".")[0]) < OLDEST_NODE:
        pytest.skip(f"Node.js here is {version.strip()}, and the proxy needs {OLDEST_NODE}")
    folder = tmp_path_factory.mktemp("proxy")
    for file in IMAGE.iterdir():
        shutil.copy(file, folder)
    words = ["ci", "--omit=dev", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run([npm, *words], cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    if done.returncode:
        pytest.skip(f"the proxy's packages can't be had here: {done.stderr.strip()[-300:]}")
    return folder / "gate.mjs"


@pytest.fixture(scope="module")
def proxy(program: Path) -> Iterator[Proxy]:
    port, api = find_free_port(), find_free_port()
    options = ["--ip=127.0.0.1", f"--port={port}", "--api-ip=127.0.0.1", f"--api-port={api}", "--log-level=warn"]
    environment = {**os.environ, "CONFIGPROXY_AUTH_TOKEN": SECRET}
    with (
        Server("hub").running() as hub,
        Server("student").running() as student,
        Server("named").running() as named,
        subprocess.Popen(["node", str(program), *options], env=environment) as process,
    ):
        try:
            wait_for(port)
            wait_for(api)
            owner = {"user": NAME, "jupyterhub": True}
            for path, server, data in (
                ("/", hub, {"hub": True}),
                (f"/user/{ESCAPED}", student, {**owner, "server_name": ""}),
                (f"/user/{ESCAPED}/second", named, {**owner, "server_name": "second"}),
                ("/services/open", named, {"service": "open"}),
            ):
                body = {"target": f"http://127.0.0.1:{server.port}", **data}
                address = f"http://127.0.0.1:{api}/api/routes{path}"
                answer = requests.post(address, json=body, headers={"Authorization": f"token {SECRET}"}, timeout=20)
                assert answer.status_code == 201
            yield Proxy(port, hub, student, named)
        finally:
            process.terminate()


def wait_for(port: int) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.1)
        else:
            return


PATHS = (
    "/user/mal@school.org/lab",
    "/user/mal%40school.org/lab?a=b",
    "/user/mal@school.org",
    "/user/%6dal@school.org/",
)


@pytest.mark.parametrize("path", PATHS)
def test_the_owner_passes(proxy: Proxy, path: str) -> None:
    assert proxy.ask(path, Cookie=f"a=b; {PLAIN}={KEY}; c=d") == "student"
    assert proxy.socket(path, Cookie=f"{PLAIN}={KEY}") == "student"
    assert proxy.ask(path, "PUT", Cookie=f"{PLAIN}={KEY}", Content_Length="0") == "student"


@pytest.mark.parametrize(
    "path",
    [
        *PATHS,
        "/user/ben/../mal@school.org/lab",
        "/user/ben/%2e%2e/mal@school.org/lab",
        "/user/ben%2f..%2fmal@school.org/lab",
        "/user/mal@school.org/second/lab",
        "/user/mal@school.org%2fsecond/lab",
        "//user/mal@school.org/lab",
        "/user//mal@school.org/lab",
        "/user/mal@school.org//lab",
        "/./user/mal@school.org/lab",
        "/user\\mal@school.org/lab",
        "http://hub.school/user/mal@school.org/lab",
    ],
)
def test_nothing_of_others_reaches_a_students_server(proxy: Proxy, path: str) -> None:
    proxy.student.seen.clear()
    proxy.named.seen.clear()
    for headers in ({}, {"Cookie": f"{PLAIN}={OTHER}"}, {"Authorization": "Basic eDp5"}):
        for method in ("GET", "POST", "HEAD", "OPTIONS"):
            assert proxy.ask(path, method, Content_Length="0", **headers) == "hub"
        assert proxy.socket(path, **headers) == "hub"
    assert (proxy.student.seen, proxy.named.seen) == ([], [])


def test_a_token_passes(proxy: Proxy) -> None:
    for header in ("token x", "Bearer x", "TOKEN x"):
        assert proxy.ask(PATHS[0], Authorization=header) == "student"
    # A page of JupyterLab's must get the key as well, for its websockets.
    assert proxy.ask(PATHS[0], Authorization="token x", Cookie="jupyterhub-session-id=x") == "hub"
    for header in ("token", "xtoken y", "Digest token x"):
        assert proxy.ask(PATHS[0], Authorization=header) == "hub"


def test_a_named_server_has_its_owners_key(proxy: Proxy) -> None:
    assert proxy.ask("/user/mal@school.org/second/lab", Cookie=f"{PLAIN}={KEY}") == "named"


def test_services_and_the_hub_are_open(proxy: Proxy) -> None:
    assert proxy.ask("/services/open/x") == "named"
    assert [proxy.ask(path) for path in ("/", "/hub/login", "/user/nobody/", "/user-redirect/lab")] == ["hub"] * 4


@pytest.mark.parametrize(
    "cookies",
    [
        f"{PLAIN}={KEY}; {PLAIN}={OTHER}",
        f"{PLAIN}={OTHER};{PLAIN}={KEY}",
        f"{PLAIN}={KEY}; {PLAIN}={KEY}",
        f"x{PLAIN}={KEY}",
        f"{PLAIN}={KEY}0",
        f"{PLAIN}={KEY[:-1]}",
        f"{PLAIN}=",
        PLAIN,
        f"a={PLAIN}={KEY}",
        f"{HOST}={KEY}",
    ],
)
def test_a_key_counts_alone_and_whole(proxy: Proxy, cookies: str) -> None:
    assert proxy.ask(PATHS[0], Cookie=cookies) == "hub"


def test_behind_https_only_the_cookie_counts_that_other_hosts_can_not_set(proxy: Proxy) -> None:
    for said in ("https", "https,http", "wss", "HTTPS"):
        assert proxy.ask(PATHS[0], Cookie=f"{HOST}={KEY}", X_Forwarded_Proto=said) == "student"
        assert proxy.ask(PATHS[0], Cookie=f"{HOST}={KEY}; {PLAIN}={OTHER}", X_Forwarded_Proto=said) == "student"
        assert proxy.ask(PATHS[0], Cookie=f"{PLAIN}={KEY}", X_Forwarded_Proto=said) == "hub"
    assert proxy.ask(PATHS[0], Cookie=f"{PLAIN}={KEY}", X_Forwarded_Proto="http") == "student"


def test_it_does_not_start_without_the_secret(program: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "CONFIGPROXY_AUTH_TOKEN"}
    done = subprocess.run(
        ["node", str(program)], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert done.stderr == "CONFIGPROXY_AUTH_TOKEN is not set: without it no key can be checked\n"
