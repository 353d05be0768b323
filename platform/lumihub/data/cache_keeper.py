"""Beside the cache in its pod: says what is cached, throws files out or holds them, and counts what readers got.

`python3 -m lumihub.data.cache_keeper`, standard library only. It listens on loopback alone: whoever may forward a port
of the pod may ask it, and no pod can. Students share a cache, so none of them may throw anything out of it.
"""

from __future__ import annotations

import json
import os
import socket
import threading
from contextlib import suppress
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lumihub.data.cache import exported_path
from lumihub.data.cached import evict, read_cached
from lumihub.data.consumption import Consumption
from lumihub.data.pins import Pins

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PORT = 8095
MONITOR_PORT = 8096
_PREFIX = "LUMIHUB_CACHE_"
_DATAGRAM = 65536


class Keeper:
    """One cache's.

    Args:
        folder: the cache's data folder joined with the origin's path.
        consumption: what was counted so far.
        pins: what is held.
    """

    def __init__(self, folder: Path, consumption: Consumption, pins: Pins) -> None:
        self.folder = folder
        self.consumption = consumption
        self.pins = pins

    def describe(self) -> dict[str, Any]:
        """The files in the cache, what readers got since it was made, and which files are pinned."""
        files = [asdict(file) for file in read_cached(self.folder)] if self.folder.is_dir() else []
        return {"files": files, "consumption": self.consumption.by_path(), "pinned": self.pins.sizes()}

    def evict(self, paths: list[Any]) -> list[str]:
        """Throw files out; those that were there."""
        return [path for path in _inside(paths) if evict(self.folder, path)]

    def pin(self, sizes: dict[str, Any]) -> dict[str, int]:
        """Hold files, by path with their bytes, when others are cleared up; all that are held now."""
        self.pins.add({path: int(sizes[path]) for path in _inside(sizes)})
        return self.pins.sizes()

    def unpin(self, paths: list[Any]) -> dict[str, int]:
        """Hold files no longer; all that are held now."""
        self.pins.remove(_inside(paths))
        return self.pins.sizes()


def _inside(paths: Iterable[Any]) -> list[str]:
    """Those that lie below the cache's folder."""
    return [path for path in map(str, paths) if not path.startswith("/") and ".." not in path.split("/")]


def listen(keeper: Keeper, port: int = MONITOR_PORT) -> None:
    """Count the cache's datagrams for ever."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as heard:
        heard.bind(("127.0.0.1", port))
        while True:
            keeper.consumption.count(heard.recv(_DATAGRAM))


def build_server(keeper: Keeper, port: int = PORT) -> ThreadingHTTPServer:
    """`GET /` describes; `POST /evict` and `DELETE /pins` take a list of paths, `PUT /pins` sizes by path."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(keeper.describe())

        def do_POST(self) -> None:
            self._do(keeper.evict)

        # Words of their own, because earlier keepers take every POST for an eviction.
        def do_PUT(self) -> None:
            self._do(keeper.pin)

        def do_DELETE(self) -> None:
            self._do(keeper.unpin)

        def _do(self, action: Callable[[Any], Any]) -> None:
            try:
                self._answer(action(json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)))))
            except (ValueError, TypeError):
                self.send_error(400)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            """Nobody reads it."""

        def _answer(self, answer: Any) -> None:
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


def main() -> None:
    """Serve until the pod ends."""
    data = Path(os.environ.get(f"{_PREFIX}DATA", "/data"))
    path = exported_path(os.environ[f"{_PREFIX}ORIGIN"])
    folder = data / path.lstrip("/")
    keeper = Keeper(folder, Consumption(data / ".lumihub-usage.json", path), Pins(data / ".lumihub-pins.json", folder))
    threading.Thread(target=listen, args=(keeper,), daemon=True).start()
    threading.Thread(target=keeper.pins.hold_for_ever, daemon=True).start()
    with suppress(KeyboardInterrupt):
        build_server(keeper).serve_forever()


if __name__ == "__main__":
    main()
