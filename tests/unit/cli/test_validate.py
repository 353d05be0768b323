import json
import subprocess
import sys

import pytest

FAULTY = "cull:\n  timeoutSecond: 60\nproxy:\n  port: 0\n"


def test_all_faults_are_printed_and_the_exit_code_is_2(lumihub, tmp_path):
    (tmp_path / "values.yaml").write_text(FAULTY)
    done = lumihub("validate")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "error: cull.timeoutSecond is not a known key\n"
        "  in values.yaml, line 2\n"
        "  did you mean timeout?\n"
        "  fix: rename it, or run ./deploy.py explain cull\n"
        "\n"
        "error: proxy.port should be a whole number from 1 to 65535, not 0\n"
        "  in values.yaml, line 4\n"
        "  fix: change it, or run ./deploy.py explain proxy.port\n"
    )


def test_a_script_reads_the_faults_as_json(lumihub, tmp_path):
    (tmp_path / "v.yaml").write_text(FAULTY)
    done = lumihub("validate", "-f", "v.yaml", "--json")
    assert done.returncode == 2
    assert done.stderr == ""
    result = json.loads(done.stdout)
    assert result["file"] == "v.yaml"
    assert result["valid"] is False
    assert result["faults"][0] == {
        "what": "cull.timeoutSecond is not a known key",
        "where": "v.yaml, line 2",
        "hint": "timeout",
        "fix": "rename it, or run ./deploy.py explain cull",
    }
    assert len(result["faults"]) == 2


def test_a_valid_file_is_said_so_with_what_it_amounts_to(lumihub, tmp_path):
    (tmp_path / "v.yaml").write_text("proxy: {port: 8080}\n")
    done = lumihub("validate", "-f", "v.yaml")
    assert done.returncode == 0
    assert done.stderr == "✓ v.yaml is valid\n"
    assert "  listens   http on port 8080, for the whole network\n" in done.stdout


def test_json_of_a_valid_file(lumihub, tmp_path):
    (tmp_path / "v.yaml").write_text("")
    result = json.loads(lumihub("validate", "-f", "v.yaml", "--json").stdout)
    assert result["valid"] is True
    assert result["faults"] == []
    assert result["summary"]["runs on"] == "this machine"


def test_without_a_file_the_defaults_are_named(lumihub):
    done = lumihub("validate")
    assert done.returncode == 0
    assert done.stderr == "✓ no values.yaml in this folder: the defaults hold\n"


def test_a_file_that_is_not_there(lumihub):
    done = lumihub("validate", "-f", "nope.yaml")
    assert done.returncode == 2
    assert done.stderr == "error: nope.yaml does not exist\n  fix: check its name, or make one: ./deploy.py init\n"


def test_it_starts_at_once_because_it_imports_nothing_heavy():
    code = """
import sys
from lumihub.cli.main import build_app
build_app("validate")
heavy = {"numpy", "awkward", "uproot", "dask", "distributed", "aiohttp", "fsspec", "jupyterhub", "matplotlib"}
print(*sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("verb", ["validate", "up", "plan"])
def test_lessons_that_are_not_there_are_said_before_anything_begins(lumihub, tmp_path, verb):
    (tmp_path / "values.yaml").write_text(f"local: {{folder: {tmp_path}/state}}\nlessons:\n  folder: lessosn\n")
    done = lumihub(verb)
    assert done.returncode == 2
    assert done.stderr == (
        f"error: lessons.folder is {tmp_path}/lessosn, and no folder can be read there\n"
        "  in values.yaml, line 3\n"
        "  fix: name one that is there, or leave the key out\n"
    )
    assert not (tmp_path / "state").exists()
