from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from lumihub.local.environment import (
    ensure_environment,
    environment_key,
    find_interpreter,
    find_unreachable,
    prune_environments,
)
from lumihub.progress import Silent


def make_project(folder: Path) -> Path:
    (folder / "platform/lumihub").mkdir(parents=True)
    (folder / "notebooks/en").mkdir(parents=True)
    for name in ("uv.lock", "pyproject.toml", "platform/lumihub/__init__.py", "notebooks/en/a.ipynb"):
        (folder / name).write_text("x")
    return folder


def test_own_environment_serves_when_nobody_else_uses_it() -> None:
    own = ensure_environment(Silent(), open_to_all=False)
    assert own.prefix == Path(sys.prefix)
    assert own.python.exists()
    assert not own.built
    assert own == ensure_environment(Silent(), open_to_all=False)


def test_key_changes_with_lock_and_sources_in_its_halves(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    python = Path(sys.executable)
    first = environment_key(project, python)
    (project / "platform/lumihub/__pycache__").mkdir()
    (project / "platform/lumihub/__pycache__/x.pyc").write_text("y")
    assert environment_key(project, python) == first
    (project / "platform/lumihub/__init__.py").write_text("y")
    second = environment_key(project, python)
    assert second.partition("-")[0] == first.partition("-")[0]
    assert second != first
    (project / "uv.lock").write_text("y")
    assert environment_key(project, python).partition("-")[0] != first.partition("-")[0]
    (project / "notebooks/en/a.ipynb").write_text("y")
    assert environment_key(project, python) != second


def test_interpreter_is_one_that_everybody_reaches() -> None:
    found = find_interpreter()
    if found is not None:
        assert find_unreachable([found]) is None


def test_pruning_spares_the_current_one_those_in_use_and_fresh_ones(tmp_path: Path) -> None:
    for name in ("current", "old", "used", "fresh"):
        (tmp_path / name / "bin").mkdir(parents=True)
        (tmp_path / name / ".whole").touch()
        if name != "fresh":
            os.utime(tmp_path / name / ".whole", (1, 1))
    program = tmp_path / "used" / "bin" / "python"
    program.symlink_to(sys.executable)
    with subprocess.Popen([program, "-I", "-S", "-c", "input()"], stdin=subprocess.PIPE) as process:
        removed = prune_environments(tmp_path / "current", tmp_path)
        process.communicate(b"\n")
    assert removed == [tmp_path / "old"]
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["current", "fresh", "used"]


def test_pruning_leaves_all_alone_from_an_environment_that_was_not_built(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    os.utime(tmp_path / "old", (1, 1))
    assert prune_environments(Path(sys.prefix), tmp_path) == []
