from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from lumihub.errors import LumiHubError
from lumihub.local.folder import (
    StateFolder,
    explained_write_errors,
    find_closed_parent,
    find_state_folder,
    write_private,
)
from lumihub.settings import Settings


def test_the_folder_of_the_settings_wins(tmp_path: Path) -> None:
    settings = Settings.model_validate({"local": {"folder": str(tmp_path / "state")}})
    folder = find_state_folder(settings)
    assert folder == StateFolder(tmp_path / "state", tmp_path / "state" / "data")


def test_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert find_state_folder(Settings()).root == Path("/var/lib/lumihub")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", "/home/marie")
    assert find_state_folder(Settings()).root == Path("/home/marie/.local/share/lumihub")


def test_students_pass_through_and_see_no_secret(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "state", tmp_path / "state" / "data")
    folder.ensure()
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.root.iterdir()}
    assert folder.root.stat().st_mode & 0o777 == 0o711
    assert {name for name, mode in modes.items() if mode == 0o711} == {"homes", "data", "cache"}
    assert {name for name, mode in modes.items() if mode == 0o700} == {"secrets", "hub", "proxy", "logs", "run"}


def test_two_folders_are_told_apart(tmp_path: Path) -> None:
    identities = {StateFolder(tmp_path / name, tmp_path).identity for name in ("a", "b")}
    assert len(identities) == 2


def test_too_little_space(tmp_path: Path) -> None:
    with pytest.raises(LumiHubError) as caught:
        StateFolder(tmp_path, tmp_path).check_space(10**18)
    said = str(caught.value)
    assert said.startswith(f"error: local.folder: {tmp_path} has ")
    assert said.endswith(
        " free, and 1000000.0 TB are needed\n"
        "  fix: make room there (./deploy.py data remove), or name a folder on a larger disk at local.folder"
    )


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (
            errno.ENOSPC,
            "error: local.folder: the disk that holds /x is full\n"
            "  fix: make room there (./deploy.py data remove), or name a folder on a larger disk at local.folder",
        ),
        (
            errno.EACCES,
            "error: local.folder: /x can't be written (Permission denied)\n"
            "  fix: run as the account that owns it, or name another folder at local.folder",
        ),
    ],
)
def test_write_errors_say_what_to_do(number: int, text: str) -> None:
    with pytest.raises(LumiHubError) as caught, explained_write_errors(Path("/x")):
        raise OSError(number, os.strerror(number))
    assert str(caught.value) == text


def test_write_private_replaces_whole(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["token"]


def test_closed_parent_is_found(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    (closed / "inner").mkdir(parents=True)
    for folder in (closed / "inner", tmp_path):
        folder.chmod(0o755)
    closed.chmod(0o750)
    found = find_closed_parent(closed / "inner")
    # pytest's own folder may be closed already.
    assert found is not None
    assert closed.is_relative_to(found)
    assert find_closed_parent(Path("/usr/bin")) is None
