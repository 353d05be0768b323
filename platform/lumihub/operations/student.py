"""A student over HTTP, as a browser would be one: logs in, starts a server, runs cells in a kernel."""

from __future__ import annotations

import json
import re
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, urlsplit

import requests
import urllib3
import websocket
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from lumihub.errors import LumiHubError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
# Until the next try where the hub is full: its page waits as long.
_FULL_SECONDS = 60
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, slots=True)
class CellResult:
    """What a cell gave.

    Attributes:
        text: all that it printed, and its last value as text.
        error: name and message of an exception; empty when there was none.
        images: how many pictures it showed.
        traceback: of the exception, as the student sees it, without colours.
    """

    text: str
    error: str = ""
    images: int = 0
    traceback: str = ""


class StudentSession:
    """One student's browser.

    Args:
        url: the hub's public address, ending in a slash.
        name: user name.
        timeout: seconds until one request is given up.
    """

    def __init__(self, url: str, name: str, timeout: float = 60) -> None:
        self.url = url
        self.name = name
        self._timeout = timeout
        self._http = requests.Session()
        # A connection that rested for some seconds may be closed by the proxy at just this moment; what may safely be
        # asked twice is.
        again = HTTPAdapter(max_retries=Retry(1, respect_retry_after_header=False))
        self._http.mount("http://", again)
        self._http.mount("https://", again)
        if urlsplit(url).hostname in _LOOPBACK:
            # This machine itself: its certificate is made out to its public name, and no proxy knows the way.
            self._http.trust_env = False
            self._http.verify = False
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    @property
    def base(self) -> str:
        """Address of the student's own server."""
        # As JupyterHub itself writes it: the proxy's routes are compared as they are written.
        return f"{self.url}user/{quote(self.name, safe='@~')}/"

    def log_in(self, password: str) -> None:
        """Log in at the login page.

        Raises:
            LumiHubError: the page refused; with its own words.
        """
        self._get(f"{self.url}hub/login")
        form = {"username": self.name, "password": password, "_xsrf": self._xsrf("/hub/")}
        answer = self._ask("POST", f"{self.url}hub/login", data=form, allow_redirects=False)
        if answer.status_code != requests.codes.found:
            raise LumiHubError(f"{self.name} could not log in: {_said(answer.text)}", where=answer.url)

    def enter(self, token: str) -> None:
        """Come in with a token of the account, where people log in at a page that is not the hub's."""
        self._http.headers["Authorization"] = f"token {token}"

    def sign_up(self, password: str) -> str:
        """Ask for an account at the sign-up page; returns what the page said."""
        self._get(f"{self.url}hub/signup")
        form = {"username": self.name, "signup_password": password, "signup_password_confirmation": password}
        answer = self._ask("POST", f"{self.url}hub/signup", data={**form, "_xsrf": self._xsrf("/hub/")})
        return _said(answer.text)

    def start_server(self, patience: float = 180, listen: Callable[[str], None] = lambda _: None) -> float:
        """Start the student's server and wait until JupyterLab answers; returns the seconds it took.

        Where too many servers start, or run, it comes again when the hub says, as the hub's page does.

        Args:
            patience: seconds until it is given up.
            listen: gets what the hub says meanwhile, as the page with the bar shows it.

        Raises:
            LumiHubError: it failed, or did not answer in time.
        """
        began = time.monotonic()
        address = f"{self.url}hub/api/users/{quote(self.name)}/server"
        headers = {"X-XSRFToken": self._xsrf("/hub/"), "Referer": f"{self.url}hub/home"}
        answer = self._ask("POST", address, headers=headers)
        while answer.status_code == requests.codes.too_many_requests and time.monotonic() - began < patience:
            listen(_message(answer))
            time.sleep(int(answer.headers.get("Retry-After", _FULL_SECONDS)))
            answer = self._ask("POST", address, headers=headers)
        if answer.status_code not in (201, 202, 400):  # 400: it runs already
            raise LumiHubError(f"the server of {self.name} did not start: {_message(answer)}", where=address)
        self._follow_start(f"{address}/progress", headers, began + patience, listen)
        while time.monotonic() - began < patience:
            # The first visit hands over the login, by way of the hub.
            page = self._ask("GET", f"{self.base}api/status")
            if page.status_code == requests.codes.ok and "json" in page.headers.get("Content-Type", ""):
                return time.monotonic() - began
            self._ask("GET", f"{self.base}lab", allow_redirects=True)
            state = self._ask("GET", f"{self.url}hub/api/users/{quote(self.name)}", headers=headers)
            if state.ok and state.json().get("server") is None and state.json().get("pending") is None:
                raise LumiHubError(
                    f"the server of {self.name} ended while it started", fix=f"./deploy.py logs {self.name}"
                )
            time.sleep(0.1)
        raise LumiHubError(
            f"the server of {self.name} did not answer within {patience:.0f} s", fix=f"./deploy.py logs {self.name}"
        )

    def _follow_start(
        self, address: str, headers: dict[str, str], deadline: float, listen: Callable[[str], None]
    ) -> None:
        accept = {**headers, "Accept": "text/event-stream"}
        # The hub says something every few seconds, be it only that it is still there.
        with self._ask("GET", address, headers=accept, stream=True) as answer:
            if not answer.ok:  # it runs already, or ended before we asked: whoever waits for the server finds out
                return
            try:
                for line in answer.iter_lines():
                    event = json.loads(line[5:]) if line.startswith(b"data:") else {}
                    if event.get("failed"):
                        raise LumiHubError(
                            f"the server of {self.name} did not start: {event.get('message', '')}",
                            fix=f"./deploy.py logs {self.name}",
                        )
                    if event.get("message"):
                        listen(event["message"])
                    if event.get("ready") or time.monotonic() > deadline:
                        return
            except requests.RequestException as error:
                raise LumiHubError(
                    f"the hub stopped talking: {error}", where=address, fix="./deploy.py status"
                ) from error

    def stop_server(self, patience: float = 60) -> None:
        """Stop the student's server and wait until it is gone."""
        address = f"{self.url}hub/api/users/{quote(self.name)}/server"
        headers = {"X-XSRFToken": self._xsrf("/hub/"), "Referer": f"{self.url}hub/home"}
        self._ask("DELETE", address, headers=headers)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            state = self._ask("GET", f"{self.url}hub/api/users/{quote(self.name)}", headers=headers).json()
            if state.get("server") is None and not state.get("pending"):
                return
            time.sleep(0.1)
        raise LumiHubError(f"the server of {self.name} did not stop within {patience:.0f} s")

    def read_file(self, path: str) -> Any:
        """Content of a file in the home, as JupyterLab would open it: text, or a notebook as a dictionary."""
        answer = self._ask("GET", f"{self.base}api/contents/{quote(path)}")
        if not answer.ok:
            raise LumiHubError(f"{path} can't be read: {_message(answer)}", where=answer.url)
        return answer.json()["content"]

    def write_file(self, path: str, content: str | dict[str, Any]) -> None:
        """Save a file in the home, as JupyterLab would: text, or a notebook as a dictionary.

        Raises:
            LumiHubError: the server refused, in the words that JupyterLab shows.
        """
        kind = ("file", "text") if isinstance(content, str) else ("notebook", "json")
        body = {"type": kind[0], "format": kind[1], "content": content}
        self._change("PUT", path, "saved", json=body)

    def delete_file(self, path: str) -> None:
        """Delete a file of the home, as JupyterLab would."""
        self._change("DELETE", path, "deleted")

    def _change(self, method: str, path: str, done: str, **options: Any) -> None:
        address = f"{self.base}api/contents/{quote(path)}"
        answer = self._ask(method, address, headers=self._server_headers(), **options)
        if not answer.ok:
            raise LumiHubError(f"{path} can't be {done}: {_message(answer)}", where=address)

    def get(self, path: str) -> requests.Response:
        """Any page below the student's own server."""
        return self._ask("GET", f"{self.base}{path}")

    def list_files(self, folder: str) -> list[str]:
        """Names of the files in a folder of the home."""
        return sorted(entry["name"] for entry in self.read_file(folder) if entry["type"] != "directory")

    def open_notebook(self, path: str) -> Kernel:
        """The kernel of a notebook, started where the notebook lies, as JupyterLab starts it."""
        body = {"path": path, "name": path.rpartition("/")[2], "type": "notebook", "kernel": {"name": "python3"}}
        answer = self._ask("POST", f"{self.base}api/sessions", json=body, headers=self._server_headers())
        if not answer.ok:
            raise LumiHubError(f"no kernel for {path}: {_message(answer)}", where=answer.url)
        return Kernel(self, answer.json()["kernel"]["id"])

    def start_kernel(self) -> Kernel:
        """A new Python kernel."""
        answer = self._ask("POST", f"{self.base}api/kernels", json={}, headers=self._server_headers())
        if not answer.ok:
            raise LumiHubError(f"no kernel for {self.name}: {_message(answer)}", where=answer.url)
        return Kernel(self, answer.json()["id"])

    def delete_kernel(self, kernel_id: str) -> None:
        """End a kernel."""
        self._ask("DELETE", f"{self.base}api/kernels/{kernel_id}", headers=self._server_headers())

    def open_channels(self, kernel_id: str, session: str) -> websocket.WebSocket:
        """The websocket of a kernel."""
        scheme = "wss" if self.url.startswith("https") else "ws"
        address = f"{scheme}{self.base.removeprefix('https').removeprefix('http')}api/kernels/{kernel_id}/channels"
        request = requests.Request("GET", f"{self.base}api/kernels")
        headers = self._http.prepare_request(request).headers
        options: dict[str, Any] = {"sslopt": {"check_hostname": False, "cert_reqs": 0}} if not self._http.verify else {}
        if not self._http.trust_env:
            options["http_no_proxy"] = ["*"]
        return websocket.create_connection(
            f"{address}?session_id={session}&_xsrf={self._xsrf(self._path())}",
            cookie=headers.get("Cookie", ""),
            header={name: headers[name] for name in ("Authorization",) if name in headers},
            timeout=self._timeout,
            suppress_origin=True,
            **options,
        )

    def _path(self) -> str:
        return urlsplit(self.base).path

    def _server_headers(self) -> dict[str, str]:
        self._get(f"{self.base}api/status")
        return {"X-XSRFToken": self._xsrf(self._path()), "Referer": f"{self.base}lab"}

    def _xsrf(self, path: str) -> str:
        found = [cookie.value for cookie in self._http.cookies if cookie.name == "_xsrf" and cookie.path == path]
        return found[0] or "" if found else ""

    def _get(self, url: str) -> requests.Response:
        answer = self._ask("GET", url)
        if not answer.ok:
            raise LumiHubError(f"the hub answered {answer.status_code}: {_said(answer.text)}", where=url)
        return answer

    def _ask(self, method: str, url: str, **options: Any) -> requests.Response:
        try:
            return self._http.request(method, url, timeout=self._timeout, **options)
        except requests.RequestException as error:
            raise LumiHubError(f"no answer: {error}", where=url, fix="./deploy.py status") from error


@dataclass
class Kernel:
    """A kernel of a student's server.

    Attributes:
        session: whose it is.
        identity: its id on the server.
    """

    session: StudentSession
    identity: str
    _channels: websocket.WebSocket | None = field(default=None, repr=False)
    _name: str = field(default_factory=lambda: uuid.uuid4().hex)

    def run(self, code: str, timeout: float = 120) -> CellResult:
        """Run a cell and wait for its end.

        Args:
            code: Python.
            timeout: seconds until it is given up.

        Raises:
            LumiHubError: it did not end in time, or the kernel died.
        """
        if self._channels is None:
            self._channels = self.session.open_channels(self.identity, self._name)
        message = self._build_request(code)
        self._channels.send(json.dumps(message))
        deadline = time.monotonic() + timeout
        texts: list[str] = []
        error, traceback, images = "", "", 0
        while (left := deadline - time.monotonic()) > 0:
            answer = self._receive(left)
            kind, content = answer.get("msg_type"), answer.get("content", {})
            if kind == "status" and content.get("execution_state") in ("restarting", "dead"):
                raise LumiHubError("the kernel died", where=self.identity)
            if answer.get("parent_header", {}).get("msg_id") != message["header"]["msg_id"]:
                continue
            if kind == "stream":
                texts.append(content["text"])
            elif kind in ("execute_result", "display_data"):
                texts.append(content["data"].get("text/plain", ""))
                images += "image/png" in content["data"]
            elif kind == "error":
                error = f"{content['ename']}: {content['evalue']}"
                traceback = _COLOUR.sub("", "\n".join(content["traceback"]))
            elif kind == "status" and content["execution_state"] == "idle":
                return CellResult("".join(texts).strip(), error, images, traceback)
        raise LumiHubError(f"a cell did not end within {timeout:.0f} s", where=code[:200])

    def close(self) -> None:
        """Close the websocket; the kernel goes on."""
        if self._channels is not None:
            self._channels.close()
            self._channels = None

    def _receive(self, timeout: float) -> dict[str, Any]:
        if self._channels is None:
            return {}
        self._channels.settimeout(timeout)
        try:
            text = self._channels.recv()
        except (websocket.WebSocketTimeoutException, TimeoutError):
            return {}
        except (websocket.WebSocketException, OSError) as error:
            raise LumiHubError(f"the connection to the kernel broke: {error}", where=self.identity) from error
        if not text:  # how the library tells of a connection that the other side closed
            raise LumiHubError("the connection to the kernel was closed", where=self.identity)
        answer: dict[str, Any] = json.loads(text)
        return answer

    def _build_request(self, code: str) -> dict[str, Any]:
        header = {"msg_id": uuid.uuid4().hex, "session": self._name, "username": self.session.name}
        header |= {"msg_type": "execute_request", "version": "5.3"}
        content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False, "stop_on_error": True}
        return {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}


def _said(page: str) -> str:
    """What the hub's page says in its alert, or its first words."""
    _, found, rest = page.partition('role="alert">')
    text = rest.partition("</div>")[0] if found else page[:300]
    return " ".join(text.replace("<p>", " ").replace("</p>", " ").split())


def _message(answer: requests.Response) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return f"{answer.status_code} {answer.reason}"
