"""Whether nodes get our images: each is really pulled (or found) by a pod."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lumihub.backend import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lumihub.kubernetes.trials import Trial
    from lumihub.settings import Settings

_SECONDS = 180.0


def start_images(trial: Trial, references: Mapping[str, str]) -> None:
    """Begin to pull all at once."""
    for name, reference in references.items():
        trial.start(f"image-{name}", reference, ["/bin/true"])


def examine_images(trial: Trial, references: Mapping[str, str], settings: Settings) -> dict[str, Finding]:
    """What came of each image, by name."""
    findings = {}
    for name, reference in references.items():
        result = trial.wait_for_end(f"image-{name}", _SECONDS)
        if result.ended:
            findings[name] = Finding(f"image {name}", True, f"{reference} is there")
            continue
        why = result.trouble.words if result.trouble else f"it does not run: {result.log.strip()[-200:]}"
        findings[name] = Finding(f"image {name}", False, why, build_image_fix(settings), stops_up=True)
    return findings


def build_image_fix(settings: Settings) -> str:
    """What to type so that nodes have the images."""
    if settings.images.registry.startswith("localhost/"):
        return (
            "./deploy.py images build, then ./deploy.py images load on the node; with more nodes name your registry in"
            " images.registry"
        )
    return (
        "./deploy.py images build, then ./deploy.py images push; for a registry with a password set images.pullSecrets"
    )
