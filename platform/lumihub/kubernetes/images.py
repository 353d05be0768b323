"""The platform's images: which there are, what they are called, and what there is of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lumihub import __version__
from lumihub.errors import LumiHubError
from lumihub.kubernetes.image_builders import LocalImage, find_builder, find_image
from lumihub.kubernetes.image_records import Pushed, load_pushed
from lumihub.kubernetes.image_sources import NAMES, hash_sources

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lumihub.settings import Settings

__all__ = ["NAMES", "ImageState", "find_all", "find_reference", "find_references", "image_tag"]


@dataclass(frozen=True, slots=True)
class ImageState:
    """An image of this version.

    Attributes:
        name: which one.
        reference: its full name with the tag.
        local: what the builder holds, None where it is not built.
        pushed: what was pushed, None where it was not.
    """

    name: str
    reference: str
    local: LocalImage | None
    pushed: Pushed | None


def image_tag(name: str) -> str:
    """The tag of an image that belongs to this version: 0.1.0-0123456789ab, from all files that it is built from.

    Raises:
        InputError: the project's folder is not here or not complete.
    """
    return f"{__version__.replace('+', '-')}-{hash_sources(name)[:12]}"


def find_reference(settings: Settings, name: str) -> str:
    """Registry, name and tag of an image."""
    return f"{settings.images.registry}/{name}:{settings.images.tag or image_tag(name)}"


def find_references(settings: Settings) -> dict[str, str]:
    """What the release should name, by image: with the digest where `push` recorded one, else with the tag."""
    pushed = load_pushed()
    found = {}
    for name in NAMES:
        reference = find_reference(settings, name)
        record = pushed.get(reference)
        found[name] = f"{settings.images.registry}/{name}@{record.digest}" if record else reference
    return found


def find_all(settings: Settings, names: Sequence[str]) -> list[ImageState]:
    """What there is of each image. Without a builder nothing is built here."""
    pushed = load_pushed()
    try:
        builder = find_builder()
    except LumiHubError:
        builder = None
    found = []
    for name in names:
        reference = find_reference(settings, name)
        local = find_image(builder, reference) if builder else None
        found.append(ImageState(name, reference, local, pushed.get(reference)))
    return found
