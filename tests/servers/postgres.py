"""A real PostgreSQL server on this machine, with an empty database of the hub's."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

import alembic.command
import psycopg
from alembic.config import Config
from jupyterhub import dbutil

from lumihub.hub.database import find_known_versions
from servers.ports import find_free_port

if TYPE_CHECKING:
    from types import TracebackType

# Not an account of PostgreSQL's own, which some machines lack: root is what it refuses to run as.
_ACCOUNT = "nobody"
_PASSWORD = "of-the-test"
NEWEST, BEFORE = find_known_versions()[:2]


def find_postgres() -> Path | None:
    """The folder of the newest PostgreSQL's programs, where Debian puts them or by PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    program = found[-1] if found else shutil.which("initdb")
    return Path(program).parent if program else None


class PostgresServer:
    """Serves until its block ends.

    Args:
        programs: as `find_postgres` found them.
        address: of this machine, where clients connect.
    """

    def __init__(self, programs: Path, address: str = "127.0.0.1") -> None:
        self._programs, self.address = programs, address
        self.port = find_free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address of the database, as admins write it."""
        return f"postgresql://hub:{_PASSWORD}@{self.address}:{self.port}/hub"

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="lumihub-postgres-"))
        account = {"user": _ACCOUNT, "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
        if account:
            shutil.chown(self._folder, _ACCOUNT)
        data, secret = self._folder / "data", self._folder / "password"
        secret.write_text(_PASSWORD)
        secret.chmod(0o644)
        command = ["initdb", "-D", data, "-U", "admin", "--auth=scram-sha-256", f"--pwfile={secret}", "--no-sync"]
        command = [self._programs / command[0], *command[1:]]
        subprocess.run(command, check=True, capture_output=True, cwd=self._folder, **account)
        with (data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all 0.0.0.0/0 scram-sha-256\n")
        words = ["-D", data, "-h", self.address, "-p", str(self.port), "-k", self._folder, "-F"]
        self._log = (self._folder / "log").open("w")
        self._process = subprocess.Popen(
            [self._programs / "postgres", *words], cwd=self._folder, stdout=self._log, stderr=self._log, **account
        )
        deadline = time.monotonic() + 60
        while True:
            try:
                with psycopg.connect(self._admin, autocommit=True) as connection:
                    connection.execute(f"CREATE ROLE hub LOGIN PASSWORD '{_PASSWORD}'")
                    connection.execute("CREATE DATABASE hub OWNER hub")
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    said = (self._folder / "log").read_text()
                    self.__exit__(None, None, None)
                    raise RuntimeError(f"PostgreSQL did not start: {said}") from None
                time.sleep(0.1)
            else:
                return self

    @property
    def driven_url(self) -> str:
        """The same, as SQLAlchemy and JupyterHub want it."""
        return self.url.replace("postgresql:", "postgresql+psycopg:")

    def migrate(self, version: str) -> None:
        """Bring JupyterHub's tables to an older or a newer version, as it does itself."""
        with dbutil._temp_alembic_ini(self.driven_url) as ini:
            (alembic.command.upgrade if version == NEWEST else alembic.command.downgrade)(Config(ini), version)

    @property
    def _admin(self) -> str:
        return f"postgresql://admin:{_PASSWORD}@{self.address}:{self.port}/postgres"

    def run(self, *statements: str) -> list[tuple[object, ...]]:
        """Run statements in the hub's database, as its account; returns the rows of the last one."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def run_as_admin(self, statement: str) -> None:
        """Run a statement as who administers the server."""
        with psycopg.connect(self._admin, autocommit=True) as connection:
            connection.execute(statement)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process:
            self._process.send_signal(signal.SIGINT)  # SIGTERM would wait until every client has left
            self._process.wait(30)
        self._log.close()
        shutil.rmtree(self._folder)
