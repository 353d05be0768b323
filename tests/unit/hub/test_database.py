import sqlite3
from contextlib import closing

import pytest
from jupyterhub import orm
from jupyterhub.dbutil import backup_db_file
from sqlalchemy import create_engine

from lumihub.errors import LumiHubError
from lumihub.hub.database import ensure_readable, find_known_versions, find_version, keep_journals


@pytest.fixture
def database(tmp_path):
    """A database as this JupyterHub makes it, with one account."""
    path = tmp_path / "jupyterhub.sqlite"
    engine = create_engine(f"sqlite:///{path}")
    orm.check_db_revision(engine)
    orm.Base.metadata.create_all(engine)
    engine.dispose()
    add_account(path, "mara")
    return path


def add_account(path, name):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO users (name, admin, cookie_id) VALUES (?, 0, ?)", (name, name))
        connection.commit()


def find_accounts(path):
    with closing(sqlite3.connect(path)) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM users ORDER BY id")]


def make_newer(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'from-the-future'")
        connection.commit()


def test_own_database_stays_as_it_is(database):
    assert find_version(database) in find_known_versions()
    assert ensure_readable(database) is None
    assert [path.name for path in database.parent.iterdir()] == [database.name]


def test_missing_database_is_none_of_our_business(tmp_path):
    assert ensure_readable(tmp_path / "jupyterhub.sqlite") is None


def test_newer_database_gives_way_to_the_copy_from_before_and_is_kept(database):
    backup_db_file(str(database))
    make_newer(database)
    add_account(database, "later")
    said = ensure_readable(database)
    assert find_accounts(database) == ["mara"]
    [newer] = database.parent.glob("*.newer-*")
    assert find_accounts(newer) == ["mara", "later"]
    assert said is not None
    assert said.endswith(f"with the accounts of then; the newer one is kept as {newer.name}")
    assert ensure_readable(database) is None


def test_copy_that_is_newer_too_is_passed_over(database):
    make_newer(database)
    backup_db_file(str(database))
    with pytest.raises(LumiHubError) as caught:
        ensure_readable(database)
    assert str(caught.value) == (
        "error: the hub's database was made by a newer JupyterHub, and there is no copy from before\n"
        f"  in {database}\n"
        "  fix: go back to the newer version: ./deploy.py up with its files"
    )
    assert find_version(database) == "from-the-future"


def test_the_journal_stays_and_is_empty_after_a_change(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path / 'jupyterhub.sqlite'}")
    keep_journals(engine)

    orm.Base.metadata.create_all(engine)

    assert (tmp_path / "jupyterhub.sqlite-journal").stat().st_size == 0
    engine.dispose()
