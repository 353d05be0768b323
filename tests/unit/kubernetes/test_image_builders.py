import json
from pathlib import Path

import pytest

from lumihub.errors import LumiHubError
from lumihub.kubernetes import image_builders
from lumihub.kubernetes.image_builders import (
    Build,
    Builder,
    LocalImage,
    build_build,
    build_inspect,
    build_pull,
    build_push,
    build_save,
    find_builder,
    find_image,
    read_buildah,
    read_inspected,
)

BUILDAH = Builder("buildah", Path("/usr/bin/buildah"), isolation="chroot")
PODMAN = Builder("podman", Path("/usr/bin/podman"))
DOCKER = Builder("docker", Path("/usr/bin/docker"))
BUILD = Build(
    reference="localhost/lumihub/lab:1",
    containerfile=Path("/context/images/lab/Containerfile"),
    context=Path("/context"),
    arguments={"BASE": "debian"},
    labels={"b": "2", "a": "1"},
    secrets={"ca": Path("/s/ca")},
)


def test_buildah_builds_in_layers_with_the_machines_own_network():
    assert build_build(BUILDAH, BUILD) == [
        "/usr/bin/buildah", "build", "--file", "/context/images/lab/Containerfile", "--tag", "localhost/lumihub/lab:1",
        "--layers", "--network", "host", "--isolation", "chroot", "--build-arg", "BASE=debian",
        "--label", "a=1", "--label", "b=2", "--secret", "id=ca,src=/s/ca", "/context",
    ]  # fmt: skip


def test_docker_is_asked_for_lines_rather_than_a_picture():
    assert build_build(DOCKER, BUILD) == [
        "/usr/bin/docker", "build", "--file", "/context/images/lab/Containerfile", "--tag", "localhost/lumihub/lab:1",
        "--progress", "plain", "--build-arg", "BASE=debian",
        "--label", "a=1", "--label", "b=2", "--secret", "id=ca,src=/s/ca", "/context",
    ]  # fmt: skip
    assert DOCKER.environment["DOCKER_BUILDKIT"] == "1"


def test_fresh_leaves_the_builders_cache_alone():
    fresh = Build(**{name: getattr(BUILD, name) for name in BUILD.__slots__} | {"fresh": True})
    assert "--no-cache" in build_build(PODMAN, fresh)
    assert "--no-cache" not in build_build(PODMAN, BUILD)


def test_pulling():
    assert build_pull(PODMAN, "debian:1") == ["/usr/bin/podman", "pull", "--quiet", "debian:1"]


@pytest.mark.parametrize(
    ("builder", "insecure", "words"),
    [
        (BUILDAH, False, ["/usr/bin/buildah", "push", "--digestfile", "/d", "r/lab:1"]),
        (PODMAN, True, ["/usr/bin/podman", "push", "--tls-verify=false", "--digestfile", "/d", "r/lab:1"]),
        (DOCKER, True, ["/usr/bin/docker", "push", "r/lab:1"]),
    ],
)
def test_pushing(builder, insecure, words):
    assert build_push(builder, "r/lab:1", Path("/d"), insecure=insecure) == words


@pytest.mark.parametrize(
    ("builder", "words"),
    [
        (BUILDAH, ["/usr/bin/buildah", "push", "--quiet", "r/lab:1", "docker-archive:/a.tar:r/lab:1"]),
        (PODMAN, ["/usr/bin/podman", "save", "--format", "docker-archive", "--output", "/a.tar", "r/lab:1"]),
        (DOCKER, ["/usr/bin/docker", "save", "--output", "/a.tar", "r/lab:1"]),
    ],
)
def test_saving(builder, words):
    assert build_save(builder, "r/lab:1", Path("/a.tar")) == words


def test_inspecting():
    assert build_inspect(BUILDAH, "a") == ["/usr/bin/buildah", "inspect", "--type", "image", "a"]
    assert build_inspect(PODMAN, "a") == ["/usr/bin/podman", "image", "inspect", "a"]


def test_what_buildah_says():
    config = {"created": "2026-11-25T16:24:00.123456789Z", "config": {"Labels": {"lumihub.inputs": "1f"}}}
    inspected = json.dumps({"FromImageID": "ab12", "OCIv1": config})
    assert read_buildah(inspected, json.dumps([{"size": "862 MB"}])) == LocalImage(
        "ab12", 862_000_000, "2026-11-25T16:24:00Z", {"lumihub.inputs": "1f"}
    )


@pytest.mark.parametrize("labels", [None, {}])
def test_what_podman_and_docker_say(labels):
    described = {
        "Id": "sha256:ab12",
        "Size": 12,
        "Created": "2026-11-25T17:24:00+01:00",
        "Config": {"Labels": labels},
    }
    assert read_inspected(json.dumps([described])) == LocalImage("ab12", 12, "2026-11-25T16:24:00Z", {})


def test_the_first_that_is_there_is_taken(monkeypatch):
    there = {"podman": Path("/p/podman"), "docker": Path("/d/docker")}
    monkeypatch.setattr(image_builders, "find_program", there.get)
    assert find_builder() == Builder("podman", Path("/p/podman"))


def test_none_is_there(monkeypatch):
    monkeypatch.setattr(image_builders, "find_program", lambda name: None)
    with pytest.raises(LumiHubError) as caught:
        find_builder()
    assert str(caught.value) == (
        "error: no program that builds images is installed\n"
        "  fix: apt install buildah (on Fedora and RHEL: dnf install buildah); podman and docker do as well"
    )


def write_program(folder, text):
    program = folder / "docker"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    return Builder("docker", program)


def test_an_image_that_is_not_there(tmp_path):
    assert find_image(write_program(tmp_path, "echo 'Error: No such image: a' >&2; exit 1"), "a") is None


def test_a_docker_that_does_not_run(tmp_path):
    said = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
    with pytest.raises(LumiHubError) as caught:
        find_image(write_program(tmp_path, f"echo '{said}' >&2; exit 1"), "a")
    assert str(caught.value) == (
        "error: docker is installed, but its daemon does not answer\n"
        f"  in {said}\n"
        "  fix: start it (systemctl start docker), join the group docker, or apt install buildah"
    )
