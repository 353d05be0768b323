from __future__ import annotations

import os
from pathlib import Path

import dask
import pytest

from lumihub.lab import environment


def build(home: Path, *, writable: bool = True, first_time: bool = False, **current: str) -> dict[str, str]:
    return environment.build_environment(current, home, writable=writable, first_time=first_time)


@pytest.fixture(autouse=True)
def _temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(environment, "_LONGEST_RUNTIME_FOLDER", 4096)


def test_settings_come_from_the_installation_before_others(tmp_path: Path) -> None:
    first, second = build(tmp_path, JUPYTER_CONFIG_PATH="/etc/school")["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    assert (Path(first) / "jupyter_server_config.py").is_file()
    assert second == "/etc/school"


def test_dask_keeps_its_files_in_the_private_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    added = build(tmp_path)
    monkeypatch.setattr(os, "environ", added)
    assert dask.config.collect_env()["temporary_directory"] == added["JUPYTER_RUNTIME_DIR"]


def test_threads_follow_the_limit_unless_the_administrator_chose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CPU_LIMIT", "1")
    added = build(tmp_path, OMP_NUM_THREADS="7")
    assert added["OPENBLAS_NUM_THREADS"] == "1"
    assert "OMP_NUM_THREADS" not in added


def test_kernels_run_the_platforms_startup_unless_the_administrator_chose(tmp_path: Path) -> None:
    assert Path(build(tmp_path)["PYTHONSTARTUP"]).is_file()
    assert "PYTHONSTARTUP" not in build(tmp_path, PYTHONSTARTUP="/etc/school.py")


@pytest.mark.parametrize(
    ("default", "first_time", "opened"),
    [
        ("", True, "/lab/tree/lessons/00-welcome.ipynb"),
        ("/lab", True, "/lab/tree/lessons/00-welcome.ipynb"),
        ("/lab", False, None),
        ("/lab/tree/mine.ipynb", True, None),
    ],
)
def test_only_the_first_login_opens_the_welcome(
    tmp_path: Path, default: str, first_time: bool, opened: str | None
) -> None:
    assert (
        build(tmp_path, first_time=first_time, JUPYTERHUB_DEFAULT_URL=default).get("JUPYTERHUB_DEFAULT_URL") == opened
    )


def test_a_full_home_keeps_none_of_jupyters_own_files(tmp_path: Path) -> None:
    added = build(tmp_path, writable=False)
    for name in ("JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR", "MPLCONFIGDIR"):
        assert Path(added[name]).parent == Path(added["JUPYTER_RUNTIME_DIR"])
    assert added["JUPYTERHUB_DEFAULT_URL"] == "/full-home"
    assert "IPYTHONDIR" not in build(tmp_path)


def test_the_folder_of_sockets_is_private_and_the_same_after_a_restart(tmp_path: Path) -> None:
    folder = environment.ensure_runtime_folder(Path("/home/ada"), tmp_path)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert environment.ensure_runtime_folder(Path("/home/ada"), tmp_path) == folder
    assert environment.ensure_runtime_folder(Path("/home/ben"), tmp_path) != folder


def test_a_folder_that_is_a_link_is_not_used(tmp_path: Path) -> None:
    folder = environment.ensure_runtime_folder(Path("/home/ada"), tmp_path)
    folder.rmdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    folder.symlink_to(elsewhere)
    found = environment.ensure_runtime_folder(Path("/home/ada"), tmp_path)
    assert found not in (folder, elsewhere)
    assert found.stat().st_mode & 0o777 == 0o700


def test_addresses_of_sockets_stay_short_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_LONGEST_RUNTIME_FOLDER", 47)
    folder = environment.ensure_runtime_folder(Path("/home/ada"), tmp_path / ("x" * 40))
    kernel = folder / "kernel-00000000-0000-0000-0000-000000000000-ipc-5"
    assert len(os.fsencode(kernel)) < 108
    folder.rmdir()
