"""The hub's database on a real PostgreSQL server: copied before JupyterHub changes it, and brought back afterwards."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from jupyterhub import orm
from nativeauthenticator import orm as native  # noqa: F401 - its table is one of JupyterHub's
from sqlalchemy import create_engine

from lumihub.errors import LumiHubError
from lumihub.hub.database_copies import ensure_usable
from servers.postgres import BEFORE, NEWEST, PostgresServer, find_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROGRAMS = find_postgres()
pytestmark = pytest.mark.skipif(PROGRAMS is None, reason="no PostgreSQL here: apt-get install postgresql")


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    assert PROGRAMS
    with PostgresServer(PROGRAMS) as one:
        yield one


@pytest.fixture
def url(server: PostgresServer) -> str:
    return server.driven_url


@pytest.fixture
def filled(server: PostgresServer, url: str) -> PostgresServer:
    """A database as the JupyterHub before this one left it, with mara in a group and her password."""
    engine = create_engine(url)
    orm.check_db_revision(engine)
    orm.Base.metadata.create_all(engine)
    engine.dispose()
    server.migrate(BEFORE)
    server.run(
        "INSERT INTO users (name, admin, cookie_id) VALUES ('mara', false, 'x')",
        "INSERT INTO groups (name) VALUES ('9b')",
        "INSERT INTO user_group_map (user_id, group_id) VALUES (1, 1)",
        "INSERT INTO users_info (username, password) VALUES ('mara', 'a-hash')",
    )
    return server


def find_columns(server: PostgresServer, schema: str = "public") -> set[str]:
    words = "SELECT column_name FROM information_schema.columns WHERE table_name = 'spawners' AND table_schema ="
    return {str(name) for (name,) in server.run(f"{words} '{schema}'")}


def find_accounts(server: PostgresServer, schema: str = "public") -> list[object]:
    return [name for (name,) in server.run(f"SET search_path = {schema}", "SELECT name FROM users ORDER BY id")]


def test_empty_and_present_databases_stay_as_they_are(server: PostgresServer, url: str) -> None:
    assert ensure_usable(url) is None
    engine = create_engine(url)
    orm.check_db_revision(engine)
    orm.Base.metadata.create_all(engine)
    engine.dispose()
    assert ensure_usable(url) is None
    assert server.run("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'lumihub%'") == []


def test_what_was_before_a_change_comes_back_and_works(filled: PostgresServer, url: str) -> None:
    assert ensure_usable(url) == (
        "JupyterHub brings the database to a new version; what it was before is kept in the schema"
        f" lumihub_copy_{BEFORE}"
    )
    before = find_columns(filled)
    filled.migrate(NEWEST)
    assert find_columns(filled) > before
    filled.run(
        "INSERT INTO users (name, admin, cookie_id) VALUES ('later', false, 'y')",
        "CREATE TABLE from_the_future (id serial PRIMARY KEY, user_id integer REFERENCES users)",
        "UPDATE alembic_version SET version_num = 'from-the-future'",
    )
    said = ensure_usable(url)
    assert said is not None
    assert said.startswith(
        f"the database was made by a newer JupyterHub: the copy in the schema lumihub_copy_{BEFORE} took its place"
    )
    newer = said.rpartition(" ")[2]
    assert (find_accounts(filled), find_accounts(filled, newer)) == (["mara"], ["mara", "later"])
    assert find_columns(filled) == before
    assert filled.run("SELECT to_regclass('public.from_the_future')") == [(None,)]
    # Numbers go on where they were, and what belongs together still does.
    filled.run("INSERT INTO users (name, admin, cookie_id) VALUES ('new', false, 'z')")
    assert filled.run("SELECT id FROM users ORDER BY id") == [(1,), (2,)]
    filled.run("DELETE FROM users WHERE name = 'mara'")
    assert filled.run("SELECT * FROM user_group_map") == []
    assert filled.run("SELECT username, password FROM users_info") == [("mara", b"a-hash")]
    # The next time that JupyterHub changes it, what is there now is kept.
    assert ensure_usable(url) is not None
    assert find_accounts(filled, f"lumihub_copy_{BEFORE}") == ["new"]
    filled.migrate(NEWEST)
    assert ensure_usable(url) is None


def test_newer_database_without_a_copy_is_refused_and_untouched(filled: PostgresServer, url: str) -> None:
    filled.run("UPDATE alembic_version SET version_num = 'from-the-future'")
    with pytest.raises(LumiHubError) as caught:
        ensure_usable(url)
    assert str(caught.value) == (
        "error: the hub's database was made by a newer JupyterHub, and there is no copy from before\n"
        f"  in postgresql+psycopg://hub:***@127.0.0.1:{filled.port}/hub\n"
        "  fix: restore a backup of your own, or go back to the newer version: ./deploy.py up with its files"
    )
    assert find_accounts(filled) == ["mara"]


def test_account_that_may_not_make_a_schema_hears_how_to_let_it(filled: PostgresServer, url: str) -> None:
    filled.run_as_admin("ALTER DATABASE hub OWNER TO admin")
    with pytest.raises(LumiHubError) as caught:
        ensure_usable(url)
    assert str(caught.value) == (
        "error: the tables have to be copied before JupyterHub changes them, and the account may not make a schema\n"
        f"  in postgresql+psycopg://hub:***@127.0.0.1:{filled.port}/hub\n"
        '  fix: let it: GRANT CREATE ON DATABASE "hub" TO "hub"; then ./deploy.py up'
    )
    filled.run_as_admin('GRANT CREATE ON DATABASE "hub" TO "hub"')
    assert ensure_usable(url) is not None


def test_what_the_manual_types_brings_a_backup_back(filled: PostgresServer, url: str, tmp_path: Path) -> None:
    """The commands of docs/how-to/back-up.md."""
    assert PROGRAMS
    assert ensure_usable(url)
    dump = tmp_path / "hub.dump"
    for command in (
        ["pg_dump", "--format=custom", "--file", dump, filled.url],
        ["pg_restore", "--clean", "--if-exists", "--no-owner", "--dbname", filled.url, dump],
    ):
        subprocess.run([PROGRAMS / command[0], *command[1:]], check=True)
        assert find_accounts(filled) == ["mara"]
        filled.run("DELETE FROM users")
