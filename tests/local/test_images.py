"""Images are really built, pushed, written into archives and loaded: small ones, from nothing, without a network."""

from __future__ import annotations

import json
import os
import urllib.request
from pathlib import Path

import pytest

from lumihub.errors import LumiHubError
from lumihub.kubernetes import image_building, image_sources
from lumihub.kubernetes.image_builders import find_builder, find_image
from lumihub.kubernetes.image_building import build
from lumihub.kubernetes.image_delivery import load, load_archives, push, save
from lumihub.kubernetes.image_nodes import find_loaded, find_node, read_archive
from lumihub.kubernetes.images import NAMES, find_reference, find_references, image_tag
from lumihub.process import run
from lumihub.progress import Silent
from lumihub.settings import Settings
from servers.images import containerd, image_registry

pytestmark = pytest.mark.timeout(300)

# Named for this test, so that no image of anybody else's is touched.
REGISTRY = f"localhost/lumihub-test-{os.getpid()}"


class Told(Silent):
    """Remembers what was said."""

    def __init__(self):
        self.steps = []

    def step(self, text):
        self.steps.append(text)


@pytest.fixture
def builder():
    try:
        return find_builder()
    except LumiHubError as error:
        pytest.skip(error.faults[0].what)


@pytest.fixture
def project(tmp_path, monkeypatch, builder):
    """A project whose images hold a file each."""
    folder = tmp_path / "project"
    for name in NAMES:
        (folder / "images" / name).mkdir(parents=True)
        text = f"ARG BASE=scratch\nFROM scratch\nCOPY images/{name}/content /content\n"
        (folder / "images" / name / "Containerfile").write_text(text)
        (folder / "images" / name / "content").write_text(f"this is {name}")
    monkeypatch.setattr(image_sources, "find_project", lambda: folder)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    # Nothing is pulled, and no step runs.
    monkeypatch.setattr(image_building, "ensure_base", lambda builder, base, progress, fresh: base)
    monkeypatch.setattr(image_building, "choose_isolation", lambda builder, base, folder: builder)
    used = set()
    yield folder, used
    for reference in used:
        run([builder.program, "rmi", "--force", reference], check=False)


def settings_for(registry, project):
    settings = Settings.model_validate({"images": {"registry": registry}})
    project[1].update(find_reference(settings, name) for name in ("lab", "proxy"))
    return settings


def make(settings, *names):
    told = Told()
    build(settings, names, told, variables={})
    return told.steps


def test_what_is_built_is_not_built_again_until_it_changes(project, builder):
    settings = settings_for(REGISTRY, project)
    [step] = make(settings, "lab")
    assert step.startswith("lab built in ")
    reference = find_reference(settings, "lab")
    assert reference == f"{REGISTRY}/lab:{image_tag('lab')}"
    image = find_image(builder, reference)
    assert image.labels["org.opencontainers.image.version"] in image_tag("lab")
    assert image.size < 10_000
    [step] = make(settings, "lab")
    assert step.startswith(f"lab is built already: {reference}, ")
    (project[0] / "images/lab/content").write_text("something else")
    project[1].add(find_reference(settings, "lab"))
    [step] = make(settings, "lab")
    assert step.startswith("lab built in ")
    assert find_reference(settings, "lab") != reference


def test_a_fixed_tag_follows_what_it_is_built_from(project, builder):
    settings = Settings.model_validate({"images": {"registry": REGISTRY, "tag": "term-2"}})
    project[1].add(find_reference(settings, "lab"))
    make(settings, "lab")
    first = find_image(builder, f"{REGISTRY}/lab:term-2")
    (project[0] / "images/lab/content").write_text("something else")
    [step] = make(settings, "lab")
    assert step.startswith("lab built in ")
    assert find_image(builder, f"{REGISTRY}/lab:term-2").id != first.id


def test_a_step_that_fails_is_told_in_the_builders_words(project, builder):
    settings = settings_for(REGISTRY, project)
    (project[0] / "images/lab/Containerfile").write_text(
        "ARG BASE=scratch\nFROM scratch\nCOPY images/lab/content /c\nNONSENSE here\n"
    )
    with pytest.raises(LumiHubError, match=f"(?s)could not build lab: {builder.program} ended with .*NONSENSE"):
        make(settings, "lab")


def test_what_changes_while_it_is_built_gets_no_tag_that_says_something_else(project, builder, monkeypatch):
    settings = settings_for(REGISTRY, project)

    def change(builder, base, folder):
        (project[0] / "images/lab/content").write_text("saved in an editor just now")
        return builder

    monkeypatch.setattr(image_building, "choose_isolation", change)
    reference = find_reference(settings, "lab")
    with pytest.raises(LumiHubError) as caught:
        make(settings, "lab")
    assert str(caught.value) == (
        "error: the files that lab is built from changed meanwhile\n  fix: ./deploy.py images build lab"
    )
    assert find_image(builder, reference) is None


def test_archives_hold_the_images_under_their_names(project, tmp_path):
    settings = settings_for(REGISTRY, project)
    make(settings, "lab", "proxy")
    written = save(settings, ["lab", "proxy"], tmp_path / "usb", Silent())
    assert [path.name for path in written] == [f"lumihub-{name}-{image_tag(name)}.tar" for name in ("lab", "proxy")]
    assert sorted(path.name for path in (tmp_path / "usb").iterdir()) == [path.name for path in written]
    assert list(read_archive(written[0])) == [find_reference(settings, "lab")]
    # Again, over what is there.
    assert save(settings, ["lab"], tmp_path / "usb", Silent()) == written[:1]


def test_a_registry_gets_them_and_the_release_names_exactly_these(project, tmp_path, builder):
    if builder.kind == "docker":
        pytest.skip("docker's daemon pushes to loopback alone without being told, and writes no digest file")
    with image_registry(tmp_path) as host:
        settings = settings_for(f"{host}/lumihub", project)
        make(settings, "lab", "proxy")
        with pytest.raises(LumiHubError) as caught:
            push(settings, ["lab"], Silent())
        fault = caught.value.faults[0]
        assert fault.what == f"{host} has no TLS certificate that is trusted here"
        assert fault.fix == "./deploy.py images push --insecure, if you trust the network between here and there"
        told = Told()
        push(settings, ["lab", "proxy"], told, insecure=True)
        assert len(told.steps) == 2
        name, _, digest = find_references(settings)["lab"].partition("@")
        assert name == f"{host}/lumihub/lab"
        address = f"http://{host}/v2/lumihub/lab/manifests/{digest}"
        kinds = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
        with urllib.request.urlopen(urllib.request.Request(address, headers={"Accept": kinds}), timeout=5) as answer:
            assert json.load(answer)["schemaVersion"] == 2


def test_a_node_gets_them_and_keeps_them(project, tmp_path):
    settings = settings_for(REGISTRY, project)
    make(settings, "lab", "proxy")
    with containerd(tmp_path) as socket:
        node, told = find_node(socket), Told()
        load(settings, ["lab", "proxy"], told, socket=socket)
        first = find_reference(settings, "lab")
        assert [step.partition(" loaded in ")[0] for step in told.steps] == [first, find_reference(settings, "proxy")]
        load(settings, ["lab"], told, socket=socket)
        assert told.steps[-1] == f"lab is on the node already: {first}"
        # The next version takes the place of the first, which the node may then clear away.
        (project[0] / "images/lab/content").write_text("something else")
        second = find_reference(settings_for(REGISTRY, project), "lab")
        make(settings, "lab")
        archives = save(settings, ["lab"], tmp_path / "usb", Silent())
        load_archives(settings, [Path(tmp_path / "usb")], Silent(), socket=socket)
        assert find_loaded(node)[second] == read_archive(archives[0])[second]
        listed = run(node.build("images", "list")).stdout.splitlines()
        labels = {line.split()[0]: line.split()[-1] for line in listed[1:]}
        assert "io.cri-containerd.pinned=pinned" in labels[second]
        assert "io.cri-containerd.pinned" not in labels[first]
