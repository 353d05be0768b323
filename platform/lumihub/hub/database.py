"""The hub's SQLite file: how changes get into it, and what becomes of it after a rollback.

An older JupyterHub can't read what a newer one made of it. JupyterHub copies the file before it brings it to a new
version (NAME.DATE). Where it finds one from the future, that copy comes back; the newer file is kept beside it.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from functools import cache
from shutil import copyfile
from typing import TYPE_CHECKING

from sqlalchemy import Engine, event

from lumihub.errors import LumiHubError

if TYPE_CHECKING:
    from pathlib import Path

_NEWER = "newer"


def keep_journals(engines: type[Engine] | Engine = Engine) -> None:
    """Let SQLite empty its journal after each change, instead of deleting it: as safe, and done in a third of the time.

    The hub stands still while a change is written, and writes six for each server that starts. Each waits for the disk
    four times when the journal is a new file: that took 23 ms on a busy machine, and a seventh of a second a start.
    """

    @event.listens_for(engines, "connect")
    def connect(connection: object, _record: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.execute("PRAGMA journal_mode = TRUNCATE")


def ensure_readable(database: Path) -> str | None:
    """Bring back the last copy that this JupyterHub can read, where it can't read the database itself.

    Returns:
        What was done, in one sentence; None where nothing had to be.

    Raises:
        LumiHubError: there is no such copy.
    """
    version = find_version(database)
    if version is None or version in find_known_versions():
        return None
    copies = sorted(database.parent.glob(f"{database.name}.*"), key=lambda path: path.stat().st_mtime, reverse=True)
    usable = next((path for path in copies if find_version(path) in find_known_versions()), None)
    if usable is None:
        raise LumiHubError(
            "the hub's database was made by a newer JupyterHub, and there is no copy from before",
            where=str(database),
            fix="go back to the newer version: ./deploy.py up with its files",
        )
    kept = database.with_name(f"{database.name}.{_NEWER}-{time.strftime('%Y-%m-%d-%H%M%S')}")
    restored = database.with_name(f"{database.name}.restored")
    copyfile(database, kept)
    copyfile(usable, restored)
    restored.replace(database)  # at once: a hub that is killed here finds one or the other
    return (
        f"the database was made by a newer JupyterHub: the copy {usable.name} took its place, with the accounts of"
        f" then; the newer one is kept as {kept.name}"
    )


def find_version(database: Path) -> str | None:
    """The version of the tables in a file, None where it holds none (yet)."""
    if not database.is_file():
        return None
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error:
        return None
    return str(row[0]) if row else None


@cache
def find_known_versions() -> tuple[str, ...]:
    """Versions of the tables that this JupyterHub can read or bring up to its own, which is the first."""
    from alembic.script import ScriptDirectory
    from jupyterhub.dbutil import ALEMBIC_DIR

    return tuple(script.revision for script in ScriptDirectory(ALEMBIC_DIR).walk_revisions())
