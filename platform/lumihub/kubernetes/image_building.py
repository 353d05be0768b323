"""Builds the images, as far as they are not built already."""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from lumihub import __version__
from lumihub.errors import InputError, LumiHubError
from lumihub.kubernetes.image_base import SCRATCH, ensure_base
from lumihub.kubernetes.image_builders import (
    INPUTS_LABEL,
    Build,
    Builder,
    build_build,
    choose_isolation,
    find_builder,
    find_image,
)
from lumihub.kubernetes.image_network import find_certificates, write_secrets
from lumihub.kubernetes.image_sources import copy_sources, find_base, find_project, hash_sources
from lumihub.kubernetes.image_steps import run_builder
from lumihub.kubernetes.images import find_reference
from lumihub.settings.quantities import format_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lumihub.progress import Progress
    from lumihub.settings import Settings


def build(
    settings: Settings,
    names: Sequence[str],
    progress: Progress,
    *,
    variables: Mapping[str, str],
    certificates: Path | None = None,
    trust: bool = False,
    fresh: bool = False,
) -> None:
    """Build images, as far as they are not built already.

    Args:
        variables: the environment, for proxies, package indexes and certificates.
        certificates: file of certificates to trust during the build; None takes the environment's.
        trust: leave them in the images too, for a network that shows its own certificates to students' servers.
        fresh: build anew from Debian's and the base's newest state, even what is built.

    Raises:
        LumiHubError: a build failed; says why and what to type.
    """
    builder = find_builder()
    certificates = find_certificates(variables, certificates)
    if trust and certificates is None:
        raise InputError("there are no certificates to put into the images", fix="name their file with --ca")
    trusted = hashlib.sha256(certificates.read_bytes()).hexdigest() if trust and certificates else ""
    missing: dict[str, tuple[str, str]] = {}
    for name in names:
        reference, sources = find_reference(settings, name), hash_sources(name)
        local = find_image(builder, reference)
        if not fresh and local and local.labels.get(INPUTS_LABEL) == f"{sources}{trusted}":
            progress.step(f"{name} is built already: {reference}, {format_bytes(local.size)}")
        else:
            missing[name] = reference, sources
    if not missing:
        return
    bases = {base: ensure_base(builder, base, progress, fresh=fresh) for base in sorted(set(map(find_base, missing)))}
    with tempfile.TemporaryDirectory(dir=SCRATCH, prefix="lumihub-build-") as place:
        folder = Path(place)
        secrets = write_secrets(folder, variables, certificates)
        trial = folder / "trial"
        trial.mkdir()
        builder = choose_isolation(builder, next(iter(bases.values())), trial)
        for name, (reference, sources) in missing.items():
            context = folder / name
            copy_sources(name, context)
            if hash_sources(name, context) != sources:
                # Under a tag that says something else it would never be built again.
                raise LumiHubError(
                    f"the files that {name} is built from changed meanwhile", fix=f"./deploy.py images build {name}"
                )
            _build_one(
                builder,
                Build(
                    reference=reference,
                    containerfile=context / "images" / name / "Containerfile",
                    context=context,
                    arguments={"BASE": bases[find_base(name)]} | ({"TRUST_CA": trusted} if trusted else {}),
                    labels={INPUTS_LABEL: f"{sources}{trusted}", **_describe_origin()},
                    secrets=secrets,
                    fresh=fresh,
                ),
                name,
                progress,
            )


def _build_one(builder: Builder, one: Build, name: str, progress: Progress) -> None:
    begin = time.monotonic()
    with progress.task(f"building {name}") as task:
        run_builder(build_build(builder, one), builder.environment, f"build {name}", task)
    local = find_image(builder, one.reference)
    size = format_bytes(local.size) if local else "nothing"
    progress.step(f"{name} built in {time.monotonic() - begin:.0f} s: {one.reference}, {size}")


def _describe_origin() -> dict[str, str]:
    """The labels that only the project's folder can tell: version, and the revision where git knows one."""
    labels = {"org.opencontainers.image.version": __version__}
    # The project's folder may belong to another account, whose git refuses: then nothing is said.
    words = ["git", "-C", str(find_project()), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return labels
    revision = done.stdout.strip()
    return {**labels, "org.opencontainers.image.revision": revision} if done.returncode == 0 and revision else labels
