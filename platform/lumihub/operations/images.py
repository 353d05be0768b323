"""`images`: build the platform's images and bring them to where the cluster gets them."""

from __future__ import annotations

import difflib
import os
from typing import TYPE_CHECKING, Any

from lumihub.errors import Fault, InputError
from lumihub.kubernetes import image_building, image_delivery
from lumihub.kubernetes.images import NAMES, find_all

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lumihub.progress import Progress
    from lumihub.settings import Settings


def check_names(names: Sequence[str]) -> tuple[str, ...]:
    """The images that are meant, in the order of NAMES; all of them where none is named.

    Raises:
        InputError: there are no images of those names; names them all.
    """
    faults = []
    for name in names:
        if name not in NAMES:
            near = difflib.get_close_matches(name, NAMES, 1)
            hint = near[0] if near else ""
            faults.append(Fault(f"{name} is no image", hint=hint, fix=f"name some of: {', '.join(NAMES)}"))
    if faults:
        raise InputError.from_faults(faults)
    return tuple(name for name in NAMES if name in (names or NAMES))


def build(
    settings: Settings,
    names: Sequence[str],
    progress: Progress,
    *,
    certificates: Path | None,
    trust: bool,
    fresh: bool,
) -> None:
    """Build images, as far as they are not built already; proxies and package indexes come from the environment."""
    image_building.build(
        settings, names, progress, variables=os.environ, certificates=certificates, trust=trust, fresh=fresh
    )


def push(settings: Settings, names: Sequence[str], progress: Progress, *, insecure: bool) -> None:
    """Push images to `images.registry`."""
    image_delivery.push(settings, names, progress, insecure=insecure)


def save(settings: Settings, names: Sequence[str], folder: Path, progress: Progress) -> list[Path]:
    """Write images into archives; returns the files."""
    return image_delivery.save(settings, names, folder, progress)


def load(
    settings: Settings, names: Sequence[str], progress: Progress, *, socket: Path | None, archives: Sequence[Path]
) -> None:
    """Put images onto the node that this machine is: those that were built here, or all those of archives.

    Raises:
        InputError: images are named, and archives as well.
    """
    if names and archives:
        raise InputError("images are named, and archives too", fix="leave the names out: archives are loaded whole")
    if archives:
        image_delivery.load_archives(settings, archives, progress, socket=socket)
    else:
        image_delivery.load(settings, check_names(names), progress, socket=socket)


def describe(settings: Settings, names: Sequence[str]) -> list[dict[str, Any]]:
    """Each image of this version: for `images list` and scripts. Sizes are bytes, times ISO 8601 in UTC."""
    return [
        {
            "name": state.name,
            "reference": state.reference,
            "registry": settings.images.registry,
            "tag": state.reference.rpartition(":")[2],
            "bytes": state.local.size if state.local else None,
            "built": state.local.time if state.local else None,
            "digest": state.pushed.digest if state.pushed else None,
            "pushed": state.pushed.time if state.pushed else None,
        }
        for state in find_all(settings, names)
    ]
