import io
import json
import socket
import tarfile
from pathlib import Path

import pytest

from lumihub.errors import InputError, LumiHubError
from lumihub.kubernetes import image_nodes
from lumihub.kubernetes.image_nodes import Node, find_node, find_others, read_archive, read_images

LISTED = """\
REF                                  TYPE                                                 DIGEST         SIZE      PLATFORMS   LABELS
localhost/lumihub/lab:0.1.0-aa       application/vnd.docker.distribution.manifest.v2+json sha256:00aa    820.6 MiB linux/amd64 io.cri-containerd.image=managed,io.cri-containerd.pinned=pinned,lumihub.id=ab12
registry.k8s.io/pause:3.10           application/vnd.oci.image.index.v1+json              sha256:00bb    310.1 KiB linux/amd64 -
"""  # noqa: E501


def test_what_a_node_holds():
    assert read_images(LISTED) == {"localhost/lumihub/lab:0.1.0-aa": "ab12", "registry.k8s.io/pause:3.10": ""}
    assert read_images("REF TYPE DIGEST SIZE PLATFORMS LABELS\n") == {}


def test_others_of_the_same_name():
    held = ["localhost:5000/l/lab:1", "localhost:5000/l/lab:2", "localhost:5000/l/labs:2", "localhost:5000/l/hub:1"]
    assert find_others(held, "localhost:5000/l/lab:1") == ["localhost:5000/l/lab:2"]


def test_the_argument_list():
    node = Node(Path("/run/k3s/containerd/containerd.sock"), ("/usr/local/bin/k3s", "ctr"))
    assert node.build("images", "import", Path("/a.tar")) == [
        "/usr/local/bin/k3s", "ctr", "--address", "/run/k3s/containerd/containerd.sock", "--namespace", "k8s.io",
        "images", "import", "/a.tar",
    ]  # fmt: skip


@pytest.fixture
def place(tmp_path):
    path = tmp_path / "containerd.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        yield path


def test_the_usual_places_and_the_program_of_the_distribution(place, monkeypatch):
    monkeypatch.setattr(image_nodes, "SOCKETS", (Path("/nowhere.sock"), place))
    monkeypatch.setattr(image_nodes, "find_program", {"k3s": Path("/usr/local/bin/k3s")}.get)
    assert find_node(None) == Node(place, ("/usr/local/bin/k3s", "ctr"))


def test_no_node(monkeypatch, tmp_path):
    monkeypatch.setattr(image_nodes, "SOCKETS", (tmp_path / "nowhere.sock",))
    fix = (
        "  fix: type this on the node itself, or name its socket with --containerd; for more nodes than one use"
        " ./deploy.py images push"
    )
    with pytest.raises(InputError) as caught:
        find_node(None)
    assert str(caught.value) == f"error: no node's containerd was found on this machine\n{fix}"
    with pytest.raises(InputError) as caught:
        find_node(tmp_path / "mine.sock")
    assert str(caught.value) == f"error: {tmp_path / 'mine.sock'} is not there\n{fix}"


def test_no_program_that_speaks_to_it(place, monkeypatch):
    monkeypatch.setattr(image_nodes, "find_program", lambda name: None)
    with pytest.raises(LumiHubError) as caught:
        find_node(place)
    assert str(caught.value) == (
        "error: no program that speaks to containerd is installed\n"
        f"  in {place}\n"
        "  fix: apt install containerd (its command ctr is needed)"
    )


def write_archive(path, manifest):
    content = json.dumps(manifest).encode()
    with tarfile.open(path, "w") as archive:
        entry = tarfile.TarInfo("manifest.json")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return path


def test_what_an_archive_holds(tmp_path):
    archive = write_archive(tmp_path / "a.tar", [{"Config": "ab12.json", "RepoTags": ["l/lab:1"], "Layers": []}])
    assert read_archive(archive) == {"l/lab:1": "ab12"}
    # As docker writes it from version 25 on.
    archive = write_archive(tmp_path / "b.tar", [{"Config": "blobs/sha256/ab12", "RepoTags": ["l/lab:1"]}])
    assert read_archive(archive) == {"l/lab:1": "ab12"}


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ([{"Config": "ab12.json", "RepoTags": None}], "holds no image with a name"),
        ({"not": "a list"}, "is not an archive of images"),
    ],
)
def test_an_archive_that_helps_nobody(tmp_path, manifest, said):
    with pytest.raises(InputError, match=said):
        read_archive(write_archive(tmp_path / "a.tar", manifest))


def test_a_file_that_is_no_archive(tmp_path):
    (tmp_path / "a.tar").write_text("no")
    with pytest.raises(InputError) as caught:
        read_archive(tmp_path / "a.tar")
    assert str(caught.value) == (
        f"error: {tmp_path / 'a.tar'} is not an archive of images\n"
        "  fix: name one that ./deploy.py images save has written"
    )
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_archive(tmp_path / "b.tar")
