"""Traps of the layout that would break everything at once, far from their cause."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
SETTINGS = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))
ROOMS = PROJECT / "platform/lumihub"


def test_platform_holds_only_the_package():
    # A module, __init__.py or conftest.py here would stand in the way of Python's own `platform`.
    assert [path.name for path in (PROJECT / "platform").iterdir() if path.name != "__pycache__"] == ["lumihub"]


def test_pythons_own_platform_module_is_found_in_the_project_folder():
    code = "import platform, lumihub; print(platform.python_implementation(), lumihub.__file__)"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [sys.implementation.name.replace("cpython", "CPython"), str(ROOMS / "__init__.py")]


@pytest.mark.parametrize("name", ["helm", "images", "platform", "notebooks", "tests", "docs"])
def test_top_level_folder(name):
    assert (PROJECT / name).is_dir()


@pytest.mark.parametrize("name", ["deploy.py", "tests/run", ".ci/run"])
def test_entrance_is_executable(name):
    assert (PROJECT / name).stat().st_mode & 0o111 == 0o111


def test_tools_find_the_package_where_it_is():
    tools = SETTINGS["tool"]
    assert tools["hatch"]["build"]["targets"]["wheel"]["packages"] == ["platform/lumihub"]
    assert "platform" in tools["pytest"]["ini_options"]["pythonpath"]
    assert "--import-mode=importlib" in tools["pytest"]["ini_options"]["addopts"]
    assert (tools["mypy"]["mypy_path"], tools["mypy"]["explicit_package_bases"]) == ("platform:tests", True)


def test_tests_hold_no_packages():
    # With one, importlib mode would look for `tests` as a package, and files of the same name would meet.
    assert list((PROJECT / "tests").rglob("__init__.py")) == []


def test_every_room_has_its_place_in_the_order_of_imports():
    layers = SETTINGS["tool"]["importlinter"]["contracts"][0]["layers"]
    placed = {name.strip().removeprefix("lumihub.") for layer in layers for name in layer.split("|")}
    rooms = {path.stem for path in ROOMS.iterdir() if path.is_dir() or path.suffix == ".py"}
    assert rooms - {"__init__", "__pycache__"} == placed


def test_contributors_are_told_of_every_room_in_that_order():
    layers = SETTINGS["tool"]["importlinter"]["contracts"][0]["layers"]
    places = {name.strip().removeprefix("lumihub."): at for at, layer in enumerate(layers) for name in layer.split("|")}
    table = (PROJECT / "CONTRIBUTING.md").read_text("utf-8").partition("| Room |")[2].partition("\n\n")[0]
    told = [room for row in table.splitlines()[2:] for room in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert sorted(told) == sorted(places)
    assert [places[room] for room in told] == sorted(places.values())


def test_modules_are_named_for_what_they_are_about():
    vague = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}
    assert [path for path in ROOMS.rglob("*.py") if path.stem in vague] == []


def test_what_runs_before_the_installation_needs_the_standard_library_only():
    files = [PROJECT / "deploy.py", PROJECT / "tests/run", ROOMS / "errors.py", *(ROOMS / "environment").glob("*.py")]
    files += [
        ROOMS / "process.py",
        *(PROJECT / "tests/cluster/machine" / name for name in ("golang.py", "layout.py", "programs.py")),
    ]
    own = {"lumihub.environment", "lumihub.errors", "lumihub.process", "lumihub.cli.main", "cluster.machine", "deploy"}
    for file in files:
        for name in imported_modules(ast.parse(file.read_text("utf-8"))):
            known = name.split(".")[0] in sys.stdlib_module_names or any((name + ".").startswith(f"{o}.") for o in own)
            assert known, f"{file} imports {name}"


def imported_modules(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append(node.module or "")
    return found


@pytest.mark.parametrize("name", ["deploy.py", "tests/run"])
def test_an_old_python_can_parse_the_entrances(name):
    # It then says which Python is needed, which a SyntaxError would not.
    ast.parse((PROJECT / name).read_text("utf-8"), feature_version=(3, 6))
