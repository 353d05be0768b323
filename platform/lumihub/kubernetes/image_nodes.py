"""Puts images straight onto a node: its containerd, the program that speaks to it, and what it holds."""

from __future__ import annotations

import io
import json
import os
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lumihub.errors import InputError, LumiHubError
from lumihub.process import find_program, run

if TYPE_CHECKING:
    from collections.abc import Iterable

# The namespace of containerd in which Kubernetes keeps its images.
_NAMESPACE = "k8s.io"
# k3s and RKE2, kubeadm and most others, MicroK8s, k0s.
SOCKETS = (
    Path("/run/k3s/containerd/containerd.sock"),
    Path("/run/containerd/containerd.sock"),
    Path("/var/snap/microk8s/common/run/containerd.sock"),
    Path("/run/k0s/containerd.sock"),
)
# Those that bring a `ctr` of their own.
_PROGRAMS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("ctr", ()),
    ("k3s", ("ctr",)),
    ("/var/lib/rancher/rke2/bin/ctr", ()),
    ("microk8s", ("ctr",)),
    ("k0s", ("ctr",)),
)
# A node's kubelet never throws a pinned image away to make room: nothing could bring it back.
_PINNED = "io.cri-containerd.pinned"
# Which build it is, so that the same one is not loaded twice.
_ID = "lumihub.id"
_PATIENCE = 1800


@dataclass(frozen=True, slots=True)
class Node:
    """The containerd of a node, and how to speak to it.

    Attributes:
        socket: its address.
        ctr: the words of the command line that come before all others.
    """

    socket: Path
    ctr: tuple[str, ...]

    def build(self, *words: str | Path) -> list[str]:
        """The argument list of one call."""
        return [*self.ctr, "--address", str(self.socket), "--namespace", _NAMESPACE, *(str(word) for word in words)]


def find_node(named: Path | None) -> Node:
    """The containerd on this machine.

    Args:
        named: its socket; None looks in the usual places.

    Raises:
        InputError: it is not there, or this account may not speak to it.
        LumiHubError: no program speaks to it.
    """
    socket = named or next((place for place in SOCKETS if place.exists()), None)
    if socket is None or not socket.exists():
        missing = f"{socket} is not there" if socket else "no node's containerd was found on this machine"
        raise InputError(
            missing,
            fix="type this on the node itself, or name its socket with --containerd; for more nodes than one use"
            " ./deploy.py images push",
        )
    if not os.access(socket, os.W_OK):
        raise InputError(f"this account may not speak to {socket}", fix="type the same command as root")
    for name, words in _PROGRAMS:
        program = find_program(name)
        if program:
            return Node(socket, (str(program), *words))
    raise LumiHubError(
        "no program that speaks to containerd is installed",
        where=str(socket),
        fix="apt install containerd (its command ctr is needed)",
    )


def find_loaded(node: Node) -> dict[str, str]:
    """The images that the node holds: reference -> the build that was loaded (empty where something else put it there).

    Raises:
        LumiHubError: containerd does not answer.
    """
    return read_images(run(node.build("images", "list")).stdout)


def read_images(listed: str) -> dict[str, str]:
    """Read what `ctr images list` prints: a line an image, its labels last, joined by commas."""
    found = {}
    for line in listed.splitlines()[1:]:
        words = line.split()
        if words:
            labels = dict(label.partition("=")[::2] for label in words[-1].split(","))
            found[words[0]] = labels.get(_ID, "")
    return found


def read_archive(archive: Path) -> dict[str, str]:
    """What an archive holds: reference -> the image's checksum.

    Raises:
        InputError: it is not an archive of images.
    """
    try:
        with tarfile.open(archive) as packed:
            manifest = json.load(packed.extractfile("manifest.json") or io.BytesIO(b"[]"))
        found = {str(tag): Path(str(one["Config"])).stem for one in manifest for tag in one["RepoTags"] or []}
    except OSError as error:
        raise InputError(f"{archive} cannot be read: {error.strerror or error}") from error
    except (tarfile.TarError, KeyError, ValueError, TypeError) as error:
        raise InputError(
            f"{archive} is not an archive of images", fix="name one that ./deploy.py images save has written"
        ) from error
    if not found:
        raise InputError(f"{archive} holds no image with a name", fix="write it with ./deploy.py images save")
    return found


def load_archive(node: Node, archive: Path) -> None:
    """Import an archive.

    Raises:
        LumiHubError: containerd did not take it.
    """
    run(node.build("images", "import", archive), timeout=_PATIENCE)


def pin(node: Node, reference: str, image_id: str) -> None:
    """Keep an image on the node, and let go of the other tags of the same name, which clusters then clear away."""
    run(node.build("images", "label", reference, f"{_PINNED}=pinned", f"{_ID}={image_id}"))
    for other in find_others(find_loaded(node), reference):
        # An empty value takes the label away.
        run(node.build("images", "label", other, f"{_PINNED}="))


def find_others(references: Iterable[str], reference: str) -> list[str]:
    """References of the same name with another tag."""
    name = reference.rpartition(":")[0]
    return [other for other in references if other.rpartition(":")[0] == name and other != reference]
