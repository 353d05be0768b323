"""`logs`: what the parts wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lumihub.operations.backends import pick_backend

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lumihub.settings import Settings


def logs(settings: Settings, parts: Sequence[str], *, follow: bool, lines: int) -> Iterator[str]:
    """The last lines of `parts` (all when empty), then, with `follow`, new ones for ever."""
    return pick_backend(settings).logs(parts, follow=follow, lines=lines)
