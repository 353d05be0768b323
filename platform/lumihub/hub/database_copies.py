"""The hub's PostgreSQL database before and after a change of JupyterHub's tables. (SQLite's file: see `database`.)

An older JupyterHub can't read what a newer one made of the tables, and a rollback must bring it back to work. So the
tables are copied, within the database, before they are brought to a new version; where they are from the future, the
copy takes their place and the newer ones are kept. Copies lie in schemas of their own. Nothing of PostgreSQL's own
programs is needed, which would have to be as new as the server.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sqlalchemy import MetaData, create_engine, inspect, select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.schema import CreateSchema, DropSchema

from lumihub.errors import LumiHubError
from lumihub.hub.database import find_known_versions

if TYPE_CHECKING:
    from sqlalchemy import Connection

_COPY, _NEWER = "lumihub_copy_", "lumihub_newer_"
_VERSION = text("SELECT version_num FROM alembic_version")


def ensure_usable(url: str) -> str | None:
    """Copy the tables that JupyterHub is about to bring to a new version, or bring back those that it can read.

    Args:
        url: of the database, as SQLAlchemy writes it. It is the hub's own: every table of its schema is copied.

    Returns:
        What was done, in one sentence; None where nothing had to be.

    Raises:
        LumiHubError: the account may not make a schema, or there is no copy that this JupyterHub can read.
    """
    engine = create_engine(url)
    place = engine.url.render_as_string(hide_password=True)
    try:
        with engine.begin() as connection:
            version = _find_version(connection)
            known = find_known_versions()
            if version is None or version == known[0]:
                return None
            return _keep(connection, version) if version in known else _bring_back(connection, known, place)
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", "") != "42501":  # insufficient_privilege
            raise
        raise LumiHubError(
            "the tables have to be copied before JupyterHub changes them, and the account may not make a schema",
            where=place,
            fix=f'let it: GRANT CREATE ON DATABASE "{engine.url.database}" TO "{engine.url.username}";'
            " then ./deploy.py up",
        ) from error
    finally:
        engine.dispose()


def _find_version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(_VERSION).scalar()
    return str(found) if found else None


def _keep(connection: Connection, version: str) -> str:
    schema = f"{_COPY}{version}"
    connection.execute(DropSchema(schema, cascade=True, if_exists=True))
    connection.execute(CreateSchema(schema))
    _copy_tables(connection, _own_schema(connection), schema)
    return f"JupyterHub brings the database to a new version; what it was before is kept in the schema {schema}"


def _bring_back(connection: Connection, known: tuple[str, ...], place: str) -> str:
    schemas = inspect(connection).get_schema_names()
    copy = next((f"{_COPY}{version}" for version in known if f"{_COPY}{version}" in schemas), None)
    if copy is None:
        raise LumiHubError(
            "the hub's database was made by a newer JupyterHub, and there is no copy from before",
            where=place,
            fix="restore a backup of your own, or go back to the newer version: ./deploy.py up with its files",
        )
    own, newer = _own_schema(connection), f"{_NEWER}{time.strftime('%Y_%m_%d_%H%M%S')}"
    connection.execute(CreateSchema(newer))
    quote = connection.dialect.identifier_preparer.quote
    for table in inspect(connection).get_table_names(own):
        connection.execute(text(f"ALTER TABLE {quote(own)}.{quote(table)} SET SCHEMA {quote(newer)}"))
    _copy_tables(connection, copy, own)
    return (
        f"the database was made by a newer JupyterHub: the copy in the schema {copy} took its place, with the accounts"
        f" of then; the newer one is kept in the schema {newer}"
    )


def _own_schema(connection: Connection) -> str:
    return str(connection.execute(text("SELECT current_schema()")).scalar_one())


def _copy_tables(connection: Connection, source: str, target: str) -> None:
    found, copies = MetaData(), MetaData()
    found.reflect(connection, schema=source)
    for table in found.sorted_tables:
        copy = table.to_metadata(copies, schema=target)
        for column in copy.columns:
            # The counter of the table that it was copied from. Without it SQLAlchemy makes one of the copy's own.
            if "nextval(" in str(getattr(column.server_default, "arg", "")):
                column.server_default = None
    copies.create_all(connection)
    quote = connection.dialect.identifier_preparer.quote
    for table in found.sorted_tables:
        copy = copies.tables[f"{target}.{table.name}"]
        connection.execute(copy.insert().from_select([column.name for column in table.columns], select(table)))
        counted = copy.autoincrement_column
        if counted is not None:
            name = f"{quote(target)}.{quote(copy.name)}"
            # coalesce and the third argument: a table without rows begins at 1.
            highest = f"coalesce(max({quote(counted.name)}), 0)"
            words = f"SELECT setval(pg_get_serial_sequence(:name, :column), {highest} + 1, false)"
            connection.execute(text(f"{words} FROM {name}"), {"name": name, "column": counted.name})
