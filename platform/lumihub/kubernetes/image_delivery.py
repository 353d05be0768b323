"""Brings built images to where clusters get them: a registry, archives to carry, or straight onto a node."""

from __future__ import annotations

import re
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lumihub.errors import InputError, LumiHubError
from lumihub.kubernetes.image_base import SCRATCH
from lumihub.kubernetes.image_builders import (
    Builder,
    LocalImage,
    build_push,
    build_save,
    find_builder,
    find_image,
)
from lumihub.kubernetes.image_nodes import Node, find_loaded, find_node, load_archive, pin, read_archive
from lumihub.kubernetes.image_records import Pushed, save_pushed
from lumihub.kubernetes.image_steps import run_builder
from lumihub.kubernetes.images import find_reference
from lumihub.settings.quantities import format_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lumihub.progress import Progress
    from lumihub.settings import Settings

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def push(settings: Settings, names: Sequence[str], progress: Progress, *, insecure: bool = False) -> None:
    """Push images to `images.registry`, and remember by which digest they lie there.

    Args:
        insecure: also to a registry without TLS.

    Raises:
        InputError: the registry is the default, which is none, or an image is not built.
        LumiHubError: the registry did not take it.
    """
    registry = settings.images.registry
    if registry.partition("/")[0] == "localhost":
        raise InputError(
            f"images.registry is {registry}, which is no registry to push to",
            fix="set images.registry to your institution's, or bring the images onto a single node with"
            " ./deploy.py images load",
        )
    builder = find_builder()
    for name, reference, _ in _find_built(builder, settings, names):
        with tempfile.TemporaryDirectory() as place, progress.task(f"pushing {name}") as task:
            digest_file, begin = Path(place, "digest"), time.monotonic()
            words = build_push(builder, reference, digest_file, insecure=insecure)
            try:
                said = run_builder(words, builder.environment, f"push {name}", task)
            except LumiHubError as error:
                raise _explain_push(error, builder, registry) from error
            text = digest_file.read_text(encoding="utf-8") if digest_file.exists() else said
            digests = _DIGEST.findall(text)
            if not digests:
                raise LumiHubError(f"{builder.kind} did not say by which digest {reference} lies in the registry")
        save_pushed(reference, Pushed(digests[-1], datetime.now(UTC).isoformat(timespec="seconds")))
        progress.step(f"{name} pushed to {reference} in {time.monotonic() - begin:.0f} s ({digests[-1][:19]})")


def save(settings: Settings, names: Sequence[str], folder: Path, progress: Progress) -> list[Path]:
    """Write images into archives, a file each, to be carried to where no registry is; returns the files.

    Raises:
        InputError: an image is not built.
        LumiHubError: the folder cannot be written to.
    """
    builder = find_builder()
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, reference, _ in _find_built(builder, settings, names):
        archive = folder / f"lumihub-{name}-{reference.rpartition(':')[2]}.tar"
        _save_one(builder, reference, archive, f"writing {name}", progress)
        progress.step(f"{archive} written, {format_bytes(archive.stat().st_size)}")
        written.append(archive)
    return written


def load(settings: Settings, names: Sequence[str], progress: Progress, *, socket: Path | None = None) -> None:
    """Put images onto the node that this machine is.

    Args:
        socket: its containerd's; None takes `images.containerd`, or looks in the usual places.

    Raises:
        InputError: there is no node here, or an image is not built.
        LumiHubError: containerd did not take it.
    """
    builder, node = find_builder(), find_node(socket or settings.images.containerd)
    loaded = find_loaded(node)
    for name, reference, local in _find_built(builder, settings, names):
        if loaded.get(reference) == local.id:
            progress.step(f"{name} is on the node already: {reference}")
            continue
        with tempfile.TemporaryDirectory(dir=SCRATCH, prefix="lumihub-load-") as place:
            archive = Path(place, f"{name}.tar")
            _save_one(builder, reference, archive, f"packing {name}", progress)
            _load_one(node, archive, {reference: local.id}, progress)


def load_archives(settings: Settings, paths: Iterable[Path], progress: Progress, *, socket: Path | None = None) -> None:
    """Put the images of archives (or of folders of them) onto the node that this machine is.

    Raises:
        InputError: there is no node here, or an archive is none.
        LumiHubError: containerd did not take it.
    """
    archives = []
    for path in paths:
        archives += sorted(path.glob("*.tar")) if path.is_dir() else [path]
    contents = [(archive, read_archive(archive)) for archive in archives]
    if not contents:
        raise InputError("there are no archives of images", fix="name files that ./deploy.py images save has written")
    node = find_node(socket or settings.images.containerd)
    for archive, images in contents:
        _load_one(node, archive, images, progress)


def _save_one(builder: Builder, reference: str, archive: Path, what: str, progress: Progress) -> None:
    # podman and docker refuse to write over a file, and half a file must not be taken for a whole one.
    fresh = archive.with_name(f".{archive.name}.new")
    fresh.unlink(missing_ok=True)
    try:
        with progress.task(what) as task:
            run_builder(build_save(builder, reference, fresh), builder.environment, what, task)
        fresh.replace(archive)
    finally:
        fresh.unlink(missing_ok=True)


def _load_one(node: Node, archive: Path, images: Mapping[str, str], progress: Progress) -> None:
    begin = time.monotonic()
    with progress.task(f"loading {', '.join(images)}"):
        load_archive(node, archive)
        for reference, image_id in images.items():
            pin(node, reference, image_id)
    for reference in images:
        progress.step(f"{reference} loaded in {time.monotonic() - begin:.0f} s")


def _find_built(builder: Builder, settings: Settings, names: Sequence[str]) -> list[tuple[str, str, LocalImage]]:
    found = []
    missing = []
    for name in names:
        reference = find_reference(settings, name)
        local = find_image(builder, reference)
        if local:
            found.append((name, reference, local))
        else:
            missing.append(name)
    if missing:
        raise InputError(
            f"not built yet, or changed since: {', '.join(missing)}",
            fix=f"./deploy.py images build {' '.join(missing)}",
        )
    return found


def _explain_push(error: LumiHubError, builder: Builder, registry: str) -> LumiHubError:
    said = str(error)
    host = registry.partition("/")[0]
    if re.search(r"unauthorized|authentication required|denied|no basic auth", said):
        return LumiHubError(
            f"{registry} takes nothing from this account",
            where=said.splitlines()[-1],
            fix=f"{builder.kind} login {host}",
        )
    if re.search(r"server gave HTTP response to HTTPS client|x509|certificate", said):
        fix = (
            'list it under "insecure-registries" in /etc/docker/daemon.json'
            if builder.kind == "docker"
            else "./deploy.py images push --insecure, if you trust the network between here and there"
        )
        return LumiHubError(f"{host} has no TLS certificate that is trusted here", where=said.splitlines()[-1], fix=fix)
    return error
