"""Images on the node: the small one that tests and the node itself use, and those that a builder has made."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import tarfile
import tempfile
from pathlib import Path

from cluster.machine.layout import IMAGES, SOCKET, TEST_IMAGE
from lumihub.errors import InputError, LumiHubError
from lumihub.process import find_program, run

BUSYBOX = Path("/bin/busybox")
LOADED = IMAGES / "loaded.json"
# Builder -> how it names what a reference stands for, and how it writes an archive.
INSPECT = {
    "buildah": ["inspect", "--type", "image", "--format", "{{.FromImageID}}"],
    "podman": ["image", "inspect", "--format", "{{.Id}}"],
    "docker": ["image", "inspect", "--format", "{{.Id}}"],
}


def load_image(reference: str) -> str:
    """Put an image that buildah, podman or docker holds onto the node, unless it is there; returns its reference.

    A path of an archive (`docker save` or OCI) does as well; the reference is then the one that the archive names.
    """
    if Path(reference).is_file():
        return _import(Path(reference))
    builder = find_builder(reference)
    image_id = run([builder, *INSPECT[builder], reference]).stdout.strip()
    loaded = json.loads(LOADED.read_text()) if LOADED.exists() else {}
    if loaded.get(reference) == image_id and reference in find_images():
        return reference
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="lumihub-image-") as place:
        archive = Path(place, "image.tar")
        save_image(builder, reference, archive)
        _import(archive)
    LOADED.write_text(json.dumps({**loaded, reference: image_id}))
    return reference


def find_images() -> set[str]:
    """The references of all images on the node."""
    return set(_ctr("images", "list", "-q").split())


def ensure_test_image() -> None:
    """Put the test image onto the node: busybox and nothing else. Node and tests depend on no other."""
    if TEST_IMAGE not in find_images():
        with tempfile.TemporaryDirectory(prefix="lumihub-image-") as place:
            archive = Path(place, "image.tar")
            write_test_image(archive)
            _import(archive)


def write_test_image(archive: Path) -> None:
    """Write the test image as `docker save` would. Its command sleeps, as the first container of each pod does.

    Debian's static busybox resolves names with `nslookup` alone; its `nc` needs an address, and its `wget` crashes.
    """
    _write_image(archive, TEST_IMAGE, _build_layer(), {"Env": ["PATH=/bin"], "Cmd": ["/bin/sleep", str(2**31 - 1)]})


def write_program_image(archive: Path, reference: str, program: Path) -> None:
    """Write an image that holds one program, which needs no libraries, and starts it with the arguments of its pod."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        _add(tar, tarfile.TarInfo(program.name), program.read_bytes(), 0o755)
    _write_image(archive, reference, buffer.getvalue(), {"Entrypoint": [f"/{program.name}"]})


def _write_image(archive: Path, reference: str, layer: bytes, options: dict[str, list[str]]) -> None:
    config = json.dumps(
        {
            "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine),
            "os": "linux",
            "config": options,
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
            "history": [{"created_by": "tests/cluster/machine/images.py"}],
        }
    ).encode()
    manifest = [{"Config": "config.json", "RepoTags": [reference], "Layers": ["layer.tar"]}]
    files = {"config.json": config, "layer.tar": layer, "manifest.json": json.dumps(manifest).encode()}
    with tarfile.open(archive, "w") as tar:
        for name, content in files.items():
            _add(tar, tarfile.TarInfo(name), content)


def save_image(builder: str, reference: str, archive: Path) -> None:
    """Let a builder write an image as an archive."""
    if builder == "buildah":
        run(["buildah", "push", "--quiet", reference, f"docker-archive:{archive}:{reference}"], timeout=900)
    else:
        run([builder, "save", "--output", archive, reference], timeout=900)


def push_image(builder: str, reference: str, registry: str) -> str:
    """Push an image into a registry under its own last name; returns the new reference."""
    target = f"{registry}/{reference.rpartition('/')[2]}"
    run([builder, "tag", reference, target])
    run([builder, "push", target], timeout=900)
    return target


def find_builder(reference: str) -> str:
    """Which of buildah, podman and docker holds an image.

    Raises:
        InputError: none of them does.
    """
    present = [builder for builder in INSPECT if find_program(builder)]
    for builder in present:
        if run([builder, *INSPECT[builder], reference], check=False).exit_code == 0:
            return builder
    raise InputError(
        f"{reference} is neither a file nor an image of {', '.join(present) or 'buildah, podman or docker'}",
        fix="build it first, and name it in full: registry/name:tag",
    )


def _import(archive: Path) -> str:
    words = _ctr("images", "import", str(archive))
    return words.split()[1] if words.startswith("unpacking") else words.strip()


def _ctr(*words: str) -> str:
    command = ["ctr", "--address", str(SOCKET), "--connect-timeout", "2s", "--namespace", "k8s.io", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LumiHubError(f"containerd failed: {done.stderr.strip()}", where=" ".join(command))
    return done.stdout


def _build_layer() -> bytes:
    """The files of the test image: busybox under each of its names, and two accounts."""
    applets = run([BUSYBOX, "--list"]).stdout.split()
    accounts = "root:x:0:0::/:/bin/sh\nstudent:x:1000:1000::/tmp:/bin/sh\n"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, mode in (("bin", 0o755), ("etc", 0o755), ("tmp", 0o1777)):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, mode
            tar.addfile(folder)
        _add(tar, tarfile.TarInfo("bin/busybox"), BUSYBOX.read_bytes(), 0o755)
        _add(tar, tarfile.TarInfo("etc/passwd"), accounts.encode())
        _add(tar, tarfile.TarInfo("etc/group"), b"root:x:0:\nstudent:x:1000:\n")
        for name in applets:
            if name != "busybox":
                link = tarfile.TarInfo(f"bin/{name}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(link)
    return buffer.getvalue()


def _add(tar: tarfile.TarFile, member: tarfile.TarInfo, content: bytes, mode: int = 0o644) -> None:
    member.size, member.mode = len(content), mode
    tar.addfile(member, io.BytesIO(content))
