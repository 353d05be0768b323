"""Files that a part expects before its first start."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from lumihub.errors import LumiHubError
from lumihub.local.folder import explained_write_errors, write_private
from lumihub.local.parts import routes_file

if TYPE_CHECKING:
    from lumihub.local.folder import StateFolder


def ensure_routes(folder: StateFolder) -> None:
    """An empty file of routes, where the hub has not written one yet: without it the proxy does not start."""
    if not routes_file(folder).exists():
        with explained_write_errors(folder.root):
            write_private(routes_file(folder), "")


def ensure_database(folder: StateFolder) -> None:
    """The hub's database, readable by its owner alone and with a write-ahead log, so that a kill -9 costs nothing.

    Raises:
        LumiHubError: it is not a database any more, or can't be written.
    """
    path = folder.hub / "jupyterhub.sqlite"
    with explained_write_errors(folder.root):
        path.touch(mode=0o600)
    try:
        with closing(sqlite3.connect(path, timeout=10)) as database:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA schema_version").fetchone()
    except sqlite3.DatabaseError as error:
        raise LumiHubError(
            f"the hub's database can't be used: {error}",
            where=str(path),
            fix="look whether the disk is full; put back a copy (jupyterhub.sqlite.*), or move it away to begin anew",
        ) from error
