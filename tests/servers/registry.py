"""A package registry on loopback: wheels over HTTP, or over TLS under a certificate authority that nobody knows."""

from __future__ import annotations

import ssl
import stat
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from servers.certificates import make_certificates

if TYPE_CHECKING:
    from pathlib import Path


def build_wheel(folder: Path, name: str, version: str, files: dict[str, bytes]) -> Path:
    """A pure wheel in `folder`/NAME; `files` by their path in it."""
    wheel = folder / name / f"{name}-{version}-py3-none-any.whl"
    wheel.parent.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    contents = files | {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in (*contents, f"{info}/RECORD"))
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, content in (contents | {f"{info}/RECORD": record.encode()}).items():
            entry = zipfile.ZipInfo(path)
            entry.external_attr = (stat.S_IFREG | (0o755 if ".data/scripts/" in path else 0o644)) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content, compresslevel=1)
    return wheel


class Registry:
    """Serves a folder of wheels until `stop`. While `flowing` is not set, who asks for a wheel waits.

    Attributes:
        asked: set when somebody has asked for a wheel.
        url: the address of the index, as pip and uv want it.
        authority: the certificate to trust, None without TLS.
    """

    def __init__(self, wheels: Path, keys: Path | None = None) -> None:
        self.asked, self.flowing = threading.Event(), threading.Event()
        self.flowing.set()
        handler = partial(_Handler, self.asked, self.flowing, directory=str(wheels))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign] # a client that hangs up is no news
        self.authority = None
        if keys is not None:
            self.authority = make_certificates(keys)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(keys / "server.pem", keys / "server.key")
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        scheme = "http" if keys is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def hold(self) -> None:
        """From now on, let who asks for a wheel wait, and notice it."""
        self.asked.clear()
        self.flowing.clear()

    def stop(self) -> None:
        """Let whoever waits go, and close the port."""
        self.flowing.set()
        self._server.shutdown()
        self._server.server_close()


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, asked: threading.Event, flowing: threading.Event, *arguments: object, directory: str) -> None:
        self._asked, self._flowing = asked, flowing
        super().__init__(*arguments, directory=directory)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        if self.path.endswith(".whl"):
            self._asked.set()
            self._flowing.wait(60)
        super().do_GET()

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""
