"""`up` as an ordinary user: it works, and says plainly that students share one account."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lumihub.local.environment import ensure_environment
from lumihub.local.processes import find_process
from lumihub.progress import Silent
from servers.hub import Installation, installation

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(600)
NAME = "lht-ordinary"


@pytest.fixture(scope="module")
def hub() -> Iterator[Installation]:
    with installation() as one:
        if os.geteuid() != 0:
            yield one
            return
        # We are root, so somebody ordinary is made first.
        home = one.values.parent / "home"
        subprocess.run(["useradd", "--no-create-home", "--home-dir", str(home), "--user-group", NAME], check=True)
        try:
            home.mkdir()
            shutil.chown(home, NAME, NAME)
            shutil.chown(one.values.parent, NAME, NAME)
            one.values.chmod(0o644)
            one.environment = {"HOME": str(home), "XDG_RUNTIME_DIR": ""}
            one.prefix = ("setpriv", f"--reuid={NAME}", f"--regid={NAME}", "--clear-groups")
            one.program = str(ensure_environment(Silent(), open_to_all=True).prefix / "bin" / "lumihub")
            yield one
            one.lumihub("down", "--yes", check=False)
        finally:
            one.prefix = ()
            subprocess.run(["userdel", NAME], check=True)


def test_up_says_that_students_share_one_account(hub: Installation) -> None:
    answer = hub.up()
    assert answer["changes"][:2] == ["started the proxy", "started the hub"]
    assert (
        "students share one account of this machine and can read each other's files;"
        " run as root to give each an account of their own"
    ) in answer["notes"]


def test_a_student_works_and_the_server_ends_whole(hub: Installation) -> None:
    password = hub.add("solo")["solo"]
    with hub.student("solo", password) as student:
        kernel = student.start_kernel()
        start = "p = subprocess.Popen(['sleep', '600'], start_new_session=True)"
        code = f"import os, subprocess; {start}; print(os.getuid(), p.pid)"
        uid, pid = kernel.run(code).text.split()
        assert int(uid) == Path(hub.folder).stat().st_uid
        kernel.close()
        student.stop_server()
        assert find_process(int(pid)) is None


def test_system_accounts_are_refused_by_name(hub: Installation) -> None:
    hub.change(local={"accounts": "system"})
    done = hub.lumihub("up", check=False)
    hub.change(local={"accounts": "auto"})
    assert done.returncode == 1
    assert done.stderr == (
        "error: local.accounts: system accounts can be made by root alone\n"
        "  fix: run as root (sudo), or set local.accounts to auto\n"
    )
