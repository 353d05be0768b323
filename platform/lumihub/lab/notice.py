"""The page that a student sees first whose home is full: what fills it, and how to make room."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web

from lumihub.lab.space import PATH, find_biggest, home_is_writable
from lumihub.settings.quantities import format_bytes

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

_TEMPLATE = Path(__file__).with_name("full-home.html")


class FullHomeHandler(JupyterHandler):
    """The page."""

    @web.authenticated
    def get(self) -> None:
        """Look into the home as it is now."""
        home = Path.home()
        self.finish(
            build_page(
                [(entry.name, format_bytes(entry.size), entry.mostly) for entry in find_biggest(home, 10)],
                full=not home_is_writable(home),
                lab=url_path_join(self.base_url, "lab"),
            )
        )


def build_page(biggest: list[tuple[str, str, str]], *, full: bool, lab: str) -> str:
    """The page's HTML.

    Args:
        biggest: name, size in words and the file that takes most of it.
        full: whether the home is still full.
        lab: address of JupyterLab.
    """
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_TEMPLATE.read_text("utf-8")).render(biggest=biggest, full=full, lab=lab)


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(server: ServerApp) -> None:
    server.web_app.add_handlers(".*$", [(url_path_join(server.base_url, PATH), FullHomeHandler)])
