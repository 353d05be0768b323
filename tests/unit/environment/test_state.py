from __future__ import annotations

import sys

import pytest

from lumihub.environment import ensure_environment, state

SELECTION = ["--frozen", "--all-extras"]


@pytest.fixture
def folder(tmp_path):
    """An environment as a finished call leaves it."""
    (tmp_path / "uv.lock").write_text("version = 1\n")
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    (tmp_path / ".venv" / state.STAMP).write_text(state._build_stamp(tmp_path / ".venv", SELECTION))
    return tmp_path / ".venv"


def is_current(folder, selection=SELECTION):
    return state._read_stamp(folder) == state._build_stamp(folder, selection)


def test_a_finished_environment_is_left_alone(folder):
    before = {path: path.lstat().st_mtime_ns for path in folder.parent.rglob("*")}
    assert ensure_environment(folder, SELECTION) == folder / "bin/python"
    assert {path: path.lstat().st_mtime_ns for path in folder.parent.rglob("*")} == before


@pytest.mark.parametrize("name", ["uv.lock", "pyproject.toml"])
def test_a_changed_file_is_noticed(folder, name):
    (folder.parent / name).write_text("changed")
    assert not is_current(folder)


def test_another_selection_is_noticed(folder):
    assert not is_current(folder, [*SELECTION, "--group", "dev"])


def test_a_moved_folder_is_noticed(folder):
    assert not is_current(folder.parent.rename(folder.parent.with_name("moved")) / ".venv")


def test_another_interpreter_is_noticed(folder):
    (folder / "bin/python").unlink()
    (folder / "bin/python").symlink_to("/bin/sh")
    assert not is_current(folder)


@pytest.mark.parametrize("name", ["bin/python", state.STAMP])
def test_without_an_interpreter_or_a_stamp_there_is_nothing_to_build_on(folder, name):
    (folder / name).unlink()
    assert state._read_stamp(folder) is None
