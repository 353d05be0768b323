"""A student's server as a spawner starts it, against a stand-in for the hub that only answers its API."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lumihub.lab.environment import ensure_runtime_folder
from servers.ports import find_free_port

TOKEN = "0123456789abcdef" * 2
PREFIX = "/user/ada/"
SCOPE = "access:servers!user=ada"
START_SECONDS = 90


class HubApi(http.server.BaseHTTPRequestHandler):
    """Says who owns the token."""

    def do_GET(self) -> None:
        owner = {"kind": "user", "name": "ada", "admin": False, "groups": [], "scopes": [SCOPE]}
        known = self.headers.get("Authorization", "") == f"token {TOKEN}"
        body = json.dumps(owner if self.path.endswith("/user") and known else {"version": "6.1.1"}).encode()
        self.send_response(200 if known or not self.path.endswith("/user") else 403)
        self.send_header("X-JupyterHub-Version", "6.1.1")
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *args: Any) -> None:
        """Keep the test's output clean."""


class Server:
    """A running server of one student."""

    def __init__(self, home: Path, hub: int, log: Path, extra: dict[str, str]) -> None:
        self.port = find_free_port()
        api = f"http://127.0.0.1:{hub}/hub/api"
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{self.port}{PREFIX}",
            "JUPYTERHUB_SERVICE_PREFIX": PREFIX,
            "JUPYTERHUB_API_TOKEN": TOKEN,
            "JUPYTERHUB_API_URL": api,
            "JUPYTERHUB_BASE_URL": "/",
            "JUPYTERHUB_HOST": "",
            "JUPYTERHUB_USER": "ada",
            "JUPYTERHUB_CLIENT_ID": "jupyterhub-user-ada",
            "JUPYTERHUB_OAUTH_CALLBACK_URL": f"{PREFIX}oauth_callback",
            "JUPYTERHUB_OAUTH_SCOPES": json.dumps([SCOPE]),
            "JUPYTERHUB_OAUTH_ACCESS_SCOPES": json.dumps([SCOPE]),
            "JUPYTERHUB_ACTIVITY_URL": f"{api}/users/ada/activity",
            **extra,
        }
        as_root = ["--allow-root"] if os.getuid() == 0 else []
        self.log = log
        with log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "lumihub.lab", *as_root], env=environment, cwd=home, stdout=output, stderr=output
            )

    def wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            try:
                self.ask("api")
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError(self.log.read_text())

    def ask(self, path: str, method: str = "GET", body: Any = None) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{PREFIX}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {TOKEN}"},
        )
        with urllib.request.urlopen(request, timeout=30) as reply:
            text = reply.read()
            return json.loads(text) if "json" in reply.headers.get("Content-Type", "") else (reply.url, text)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


Start = Callable[..., Server]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    hub = http.server.ThreadingHTTPServer(("127.0.0.1", 0), HubApi)
    thread = threading.Thread(target=hub.serve_forever)
    thread.start()
    running: list[Server] = []

    def begin(home: Path, **extra: str) -> Server:
        server = Server(home, hub.server_address[1], tmp_path / f"server{len(running)}.log", extra)
        running.append(server)
        server.wait()
        return server

    yield begin
    for server in running:
        server.stop()
    hub.shutdown()
    hub.server_close()
    thread.join()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "home"
    folder.mkdir()
    yield folder
    shutil.rmtree(ensure_runtime_folder(folder))


def listening_ports(pid: int) -> set[int]:
    """TCP ports on which a process listens."""
    sockets = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").glob("*") if link.is_symlink()}
    ports = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and f"socket:[{words[9]}]" in sockets:
                ports.add(int(words[1].rpartition(":")[2], 16))
    return ports


def test_a_first_login_finds_lessons_and_a_kernel_that_others_cannot_reach(start: Start, home: Path) -> None:
    server = start(home)
    names = {entry["name"] for entry in server.ask("api/contents/lessons")["content"]}
    assert {"00-welcome.ipynb", "01-higgs-to-four-leptons.ipynb", "02-higgs-to-two-photons.ipynb"} <= names

    address, page = server.ask("")
    assert address.endswith(f"{PREFIX}lab/tree/lessons/00-welcome.ipynb")
    page_config = json.loads(page.split(b'id="jupyter-config-data" type="application/json">')[1].split(b"</script>")[0])
    assert page_config["news"] == {"disabled": True}
    assert "@jupyterlab/extensionmanager-extension" in page_config["disabledExtensions"]
    assert page_config["terminalsAvailable"] is True

    kernel = server.ask("api/kernels", "POST", {"name": "python3"})
    deadline = time.monotonic() + 60
    folder = ensure_runtime_folder(home)
    connection = folder / f"kernel-{kernel['id']}.json"
    while not list(folder.glob(f"kernel-{kernel['id']}-ipc*")) and time.monotonic() < deadline:
        time.sleep(0.1)
    sockets = list(folder.glob(f"kernel-{kernel['id']}-ipc*"))
    assert sockets
    assert all(path.is_socket() for path in sockets)
    assert json.loads(connection.read_text())["transport"] == "ipc"
    assert (folder.stat().st_mode & 0o777, connection.stat().st_mode & 0o077) == (0o700, 0)
    assert listening_ports(server.process.pid) == {server.port}

    proxied = {
        process["name"]: process["launcher_entry"]
        for process in server.ask("server-proxy/servers-info")["server_processes"]
    }
    assert proxied["dask"]["path_info"] == "dask/status"
    assert proxied["dask"]["enabled"]


def test_a_later_login_opens_what_the_administrator_chose(start: Start, home: Path) -> None:
    start(home).stop()
    address, _ = start(home).ask("")
    assert address.endswith(f"{PREFIX}lab")


def test_without_a_login_nothing_is_shown(start: Start, home: Path) -> None:
    server = start(home)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"http://127.0.0.1:{server.port}{PREFIX}api/contents", timeout=30)
    assert caught.value.code == 403
    caught.value.close()


def test_the_hubs_database_code_is_not_loaded(start: Start, home: Path) -> None:
    server = start(home)
    maps = Path(f"/proc/{server.process.pid}/maps").read_text()
    assert "sqlalchemy" not in maps


def fill(path: Path) -> None:
    """Write until the disk is full."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)


@pytest.mark.root
def test_a_student_with_a_full_home_can_log_in_and_clean_up(start: Start, home: Path) -> None:
    if os.getuid() != 0 or sys.platform != "linux":
        pytest.skip("mounting a small file system needs root on Linux")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(home)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this machine does not let root mount a tmpfs")
    try:
        (home / "notes.txt").write_text("before")
        fill(home / "results" / "deep" / "big.bin")
        server = start(home)
        assert f"{home} is full or cannot be written: no lessons were delivered" in server.log.read_text()
        assert "the biggest: results/ (" in server.log.read_text()
        address, page = server.ask("")
        assert address.endswith(f"{PREFIX}full-home")
        assert b"<h1>Your home is full</h1>" in page
        assert b"<td>deep/big.bin</td>" in page

        with pytest.raises(urllib.error.HTTPError) as caught:
            server.ask("api/contents/notes.txt", "PUT", {"type": "file", "format": "text", "content": "a" * 200_000})
        with caught.value as refused:
            said = json.load(refused)["message"]
        assert caught.value.code == 507
        assert said.startswith("Your home is full: notes.txt was not saved; what you saved before is still there.")
        assert "The biggest: results/ (" in said
        assert (home / "notes.txt").read_text() == "before"
        assert {path.name for path in home.iterdir()} == {"notes.txt", "results"}

        kernel = server.ask("api/kernels", "POST", {"name": "python3"})
        assert server.ask(f"api/kernels/{kernel['id']}")["name"] == "python3"
        server.ask("api/contents/results", "DELETE")
        assert not (home / "results").exists()
        assert b"<h1>There is room again</h1>" in server.ask("full-home")[1]
        server.ask("api/contents/notes.txt", "PUT", {"type": "file", "format": "text", "content": "a" * 200_000})
        assert (home / "notes.txt").stat().st_size == 200_000
        server.stop()
        again = start(home)
        assert {entry["name"] for entry in again.ask("api/contents/lessons")["content"]} >= {"00-welcome.ipynb"}
        again.stop()
    finally:
        subprocess.run(["umount", str(home)], check=True)


def test_started_by_hand_it_says_what_it_is_for(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lumihub.lab"],
        env={"HOME": str(home), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == (
        "error: lumihub.lab is started by the hub, for one student (JUPYTERHUB_SERVICE_URL is not set)\n"
        "  fix: to try the lessons without a hub, run `jupyter lab` in the folder of the notebooks\n"
    )
    assert list(home.iterdir()) == []
