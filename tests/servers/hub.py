"""A whole installation for tests: a real hub through the command line, on loopback, all of it gone afterwards."""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from lumihub.local.processes import find_process
from lumihub.operations.student import StudentSession
from servers.ports import find_free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

# Nothing listens there, so that tests never reach for CERN.
NO_ORIGIN = "root://127.0.0.1:9//eos/opendata/atlas"
# Of this run alone: another one on the same machine, or one that was killed, must not own an account of ours.
PREFIX = f"t{os.getpid():x}-"


@dataclass
class Installation:
    """One installation, as its admin sees it.

    Attributes:
        folder: the state folder.
        values: the values file.
        admin_password: as `up` showed it.
        prefix: words before the command, as `setpriv ...` for another account.
        environment: of the command.
        program: the command.
    """

    folder: Path
    values: Path
    admin_password: str = ""
    prefix: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    program: str = str(Path(sys.prefix) / "bin" / "lumihub")

    @property
    def settings(self) -> dict[str, Any]:
        """What is in the values file."""
        loaded: dict[str, Any] = yaml.safe_load(self.values.read_text())
        return loaded

    @property
    def url(self) -> str:
        """The public address."""
        return f"http://127.0.0.1:{self.settings['proxy']['port']}/"

    def change(self, **sections: dict[str, Any]) -> None:
        """Change the values file, section by section."""
        settings = self.settings
        for name, section in sections.items():
            settings.setdefault(name, {}).update(section)
        self.values.write_text(yaml.safe_dump(settings))

    def lumihub(
        self, *words: str, check: bool = True, timeout: float = 280, given: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Type a command."""
        done = subprocess.run(
            self.command(*words),
            capture_output=True,
            text=True,
            timeout=timeout,
            env={**os.environ, **self.environment},
            input=given,
            check=False,
            cwd=self.folder.parent,
        )
        assert not check or done.returncode == 0, f"lumihub {' '.join(words)}:\n{done.stdout}\n{done.stderr}"
        return done

    def command(self, *words: str) -> list[str]:
        """The argument list of a command."""
        verb, *rest = words
        sub = [rest.pop(0)] if verb == "users" else []
        return [*self.prefix, self.program, verb, *sub, "--values", str(self.values), *rest]

    def up(self) -> dict[str, Any]:
        """`up --json`."""
        answer: dict[str, Any] = json.loads(self.lumihub("up", "--json").stdout)
        if answer["admin"] == "admin":
            self.admin_password = answer["adminPassword"]
        return answer

    def status(self) -> dict[str, Any]:
        """`status --json`."""
        answer: dict[str, Any] = json.loads(self.lumihub("status", "--json", check=False).stdout)
        return answer

    def add(self, *names: str) -> dict[str, str]:
        """`users add NAME... --json`: passwords by name."""
        answer = json.loads(self.lumihub("users", "add", *names, "--json").stdout)
        return {account["name"]: account["password"] for account in answer}

    def pid(self, part: str) -> int:
        """Process id of a part."""
        return int(json.loads((self.folder / "run" / f"{part}.json").read_text())["pid"])

    def kill(self, part: str) -> None:
        """End a part without a warning, and wait until nothing is left of it."""
        process = find_process(self.pid(part))
        assert process is not None
        process.send(signal.SIGKILL)
        while process.alive():
            time.sleep(0.02)

    def student(self, name: str, password: str, *, server: bool = True) -> AbstractContextManager[StudentSession]:
        """A student who logged in and, with `server`, whose server answers."""
        return logged_in(self.url, name, password, server=server)


@contextmanager
def logged_in(url: str, name: str, password: str, *, server: bool) -> Iterator[StudentSession]:
    """A student of the hub at `url` who logged in and, with `server`, whose server answers."""
    with StudentSession(url, name) as session:
        session.log_in(password)
        if server:
            session.start_server()
        yield session


@contextmanager
def installation(**sections: dict[str, Any]) -> Iterator[Installation]:
    """An installation that is not up yet; whatever of it there is afterwards is removed.

    Its folder is not pytest's `tmp_path`: students' accounts could not pass through that.
    """
    remove_accounts_of_killed_runs()
    place = Path(tempfile.mkdtemp(prefix="lumihub-test-", dir="/tmp"))
    place.chmod(0o711)
    values = place / "values.yaml"
    settings: dict[str, Any] = {
        "proxy": {"address": "127.0.0.1", "port": find_free_port()},
        "local": {"folder": str(place / "state"), "accountPrefix": PREFIX},
        "data": {"origin": {"url": NO_ORIGIN}, "cache": {"port": find_free_port()}},
    }
    for name, section in sections.items():
        settings.setdefault(name, {}).update(section)
    values.write_text(yaml.safe_dump(settings))
    one = Installation(Path(settings["local"]["folder"]), values)
    try:
        yield one
    finally:
        one.lumihub("down", "--yes", "--delete-data", check=False)
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def running_hub(**sections: dict[str, Any]) -> Iterator[Installation]:
    """An installation that is up."""
    with installation(**sections) as one:
        one.up()
        yield one


def remove_accounts_of_killed_runs() -> None:
    """What a run of the tests that was killed has left in the machine's list of accounts."""
    for entry in pwd.getpwall() if os.geteuid() == 0 else ():
        found = re.match("t([0-9a-f]+)-", entry.pw_name)
        if found and entry.pw_gecos == "LumiHub student" and not Path(f"/proc/{int(found[1], 16)}").exists():
            subprocess.run(["userdel", entry.pw_name], capture_output=True, check=False)
