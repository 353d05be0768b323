"""What the test cluster is made of: the pinned programs, and the image that needs no registry. No cluster is needed."""

from __future__ import annotations

import json
import shutil
import tarfile
from typing import TYPE_CHECKING

import pytest

from cluster.machine import programs
from cluster.machine.golang import WHEEL, find_needed_version, parse_version
from cluster.machine.images import BUSYBOX, write_test_image
from cluster.machine.layout import TEST_IMAGE
from cluster.machine.programs import KUBERNETES, KWOK, MODULES, S3, SOURCES, build_key

if TYPE_CHECKING:
    from pathlib import Path


def test_each_program_is_named_after_its_tool_line() -> None:
    names = {
        name: tool for module in (*MODULES, KWOK, S3) for name, tool in zip(module.names, module.tools, strict=True)
    }

    assert {name for name, tool in names.items() if tool.rpartition("/")[2] != name} == {
        "helm3",
        "kube-network-policies",
    }
    assert names["helm3"] == "helm.sh/helm/v3/cmd/helm"
    assert names["helm"] == "helm.sh/helm/v4/cmd/helm"


def test_the_staging_modules_are_those_of_the_same_kubernetes() -> None:
    version = KUBERNETES.version_of("k8s.io/kubernetes")
    replaced = [line.split() for line in KUBERNETES.definition.splitlines() if " => " in line]

    assert len(replaced) > 25
    assert {words[-1] for words in replaced} == {version.replace("v1.", "v0.")}


def test_the_wheel_of_go_is_new_enough_for_every_module() -> None:
    assert parse_version(WHEEL) >= max(find_needed_version(module.definition) for module in (*MODULES, KWOK, S3))


def test_what_is_built_is_named_by_all_that_it_is_built_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, others = build_key(MODULES), build_key((KWOK,))
    copy = tmp_path / "programs"
    shutil.copytree(SOURCES, copy)
    monkeypatch.setattr(programs, "SOURCES", copy)

    assert build_key(MODULES) == before
    with (copy / "helm3/go.sum").open("a") as file:
        file.write("\n")
    assert build_key(MODULES) != before
    assert build_key((KWOK,)) == others


def test_the_test_image_is_the_same_each_time_and_names_itself(tmp_path: Path) -> None:
    if not BUSYBOX.exists():
        pytest.skip("busybox-static is not installed")

    first, second = tmp_path / "first.tar", tmp_path / "second.tar"
    write_test_image(first)
    write_test_image(second)

    assert first.read_bytes() == second.read_bytes()
    with tarfile.open(first) as tar:
        member = tar.extractfile("manifest.json")
        assert member is not None
        assert json.load(member)[0]["RepoTags"] == [TEST_IMAGE]
