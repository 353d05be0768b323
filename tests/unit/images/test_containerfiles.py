"""What every image has to be, as its Containerfile says it."""

import json
import re
from pathlib import Path

import pytest

from lumihub.environment.installation import UV
from lumihub.kubernetes.image_sources import NAMES

PROJECT = Path(__file__).resolve().parents[3]
IMAGES = PROJECT / "images"


def read(name):
    return (IMAGES / name / "Containerfile").read_text("utf-8")


def instructions(name, word):
    joined = re.sub(r"\\\n\s*", "", read(name))
    return [line.removeprefix(word).strip() for line in joined.splitlines() if line.startswith(f"{word} ")]


@pytest.mark.parametrize("name", NAMES)
def test_runs_as_the_account_1000_whatever_comes_after(name):
    assert instructions(name, "USER") == ["1000:1000"]
    assert read(name).index("\nUSER ") > read(name).rindex("\nRUN ")


@pytest.mark.parametrize("name", NAMES)
def test_starts_without_a_shell(name):
    for line in (*instructions(name, "ENTRYPOINT"), *instructions(name, "CMD")):
        assert isinstance(json.loads(line), list)


@pytest.mark.parametrize("name", NAMES)
def test_the_first_process_passes_signals_on_and_buries_the_dead(name):
    [entrypoint] = instructions(name, "ENTRYPOINT")
    assert json.loads(entrypoint)[:2] == ["/usr/bin/tini", "--"]
    assert re.search(r"install .*\btini\b", "".join(instructions(name, "RUN")))


@pytest.mark.parametrize("name", NAMES)
def test_says_what_it_is(name):
    [labels] = instructions(name, "LABEL")
    assert f'org.opencontainers.image.title="LumiHub {name}"' in labels
    assert "org.opencontainers.image.description=" in labels
    assert 'org.opencontainers.image.licenses="BSD-3-Clause"' in labels


@pytest.mark.parametrize("name", NAMES)
def test_every_step_that_uses_the_network_can_be_told_how(name):
    for step in instructions(name, "RUN"):
        if re.search(r"apt-get update|pip install|npm ci", step):
            assert "--mount=type=secret,id=network" in step, step
            assert ". /run/secrets/network" in step, step


@pytest.mark.parametrize("name", NAMES)
def test_nothing_secret_comes_as_a_build_argument(name):
    allowed = {"BASE", "UV", "TRUST_CA"}
    assert {line.partition("=")[0] for line in instructions(name, "ARG")} <= allowed


def test_hub_and_lab_begin_alike_so_that_they_share_layers():
    line = "# " + "-" * 116 + "\n"
    shared, rest = read("hub").split(line)
    assert read("lab").split(line)[0] == shared
    assert "core.txt" in shared
    assert "core.txt" not in rest


def test_a_students_image_holds_nothing_of_the_hub():
    final = read("lab").rpartition("\nFROM ")[2]
    assert "hub.txt" not in final
    assert "platform/lumihub/hub" not in read("lab")


def test_uv_is_the_one_that_makes_the_environments_elsewhere():
    assert f"ARG UV={UV}\n" in read("hub")


def test_the_proxys_lock_names_no_server_and_has_a_checksum_for_each_package():
    lock = json.loads((IMAGES / "proxy/package-lock.json").read_text("utf-8"))
    packages = {path: one for path, one in lock["packages"].items() if path}
    assert packages["node_modules/configurable-http-proxy"]["version"] == "5.3.0"
    assert [path for path, one in packages.items() if "resolved" in one or not one.get("integrity")] == []
