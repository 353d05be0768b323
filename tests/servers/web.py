"""A web server with ranges on loopback, as CERN's portal is one; it can hang, and it can refuse ranges."""

from __future__ import annotations

import http.server
import re
import threading
import time
from pathlib import Path


class WebOrigin:
    """Serves a folder over http://.

    Args:
        folder: the folder.

    Attributes:
        served: bytes of files that it sent.
        hang: while set, requests get no answer for five seconds.
        ranges: whether it knows ranges.
    """

    def __init__(self, folder: Path) -> None:
        self.served = 0
        self.hang = threading.Event()
        self.ranges = True
        self._server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), lambda *words: _Handler(self, *words, directory=str(folder))
        )
        self._server.daemon_threads = True
        self.port: int = self._server.server_port

    def __enter__(self) -> WebOrigin:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where the folder is."""
        return f"http://127.0.0.1:{self.port}"


class _Handler(http.server.SimpleHTTPRequestHandler):
    def __init__(self, origin: WebOrigin, *words: object, directory: str) -> None:
        self._origin = origin
        super().__init__(*words, directory=directory)  # type: ignore[arg-type]

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        if self._origin.hang.is_set():
            time.sleep(5)
            return
        content = path.read_bytes()
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if asked and self._origin.ranges:
            content = content[int(asked[1]) : int(asked[2]) + 1]
            self.send_response(206)
            end = int(asked[1]) + len(content) - 1
            self.send_header("Content-Range", f"bytes {asked[1]}-{end}/{path.stat().st_size}")
        else:
            self.send_response(200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self._origin.served += len(content)
        self.wfile.write(content)
