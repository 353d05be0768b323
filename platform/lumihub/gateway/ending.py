"""When a cluster ends though nobody closed it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

# A scheduler that has not started by then won't: there is no room on any node.
START_SECONDS = 300
# The hub may not know a server for a moment, as while it starts itself.
LOOKS = 2


class Owners:
    """Remembers whose students had no server when the hub was asked.

    Args:
        ask: whether a student has a server now; None where the hub does not say.
    """

    def __init__(self, ask: Callable[[str], Awaitable[bool | None]]) -> None:
        self._ask = ask
        self._missed: dict[str, int] = {}

    async def look(self, names: Iterable[str]) -> None:
        """Ask the hub about these students; what was known of others is forgotten."""
        before, self._missed = self._missed, {}
        for name in names:
            has = await self._ask(name)
            if has is None:  # a hub that does not answer says nothing about anybody
                self._missed[name] = before.get(name, 0)
            elif not has:
                self._missed[name] = before.get(name, 0) + 1

    def is_gone(self, name: str) -> bool:
        """Whether a student has had no server for several looks."""
        return self._missed.get(name, 0) >= LOOKS


def find_end(*, age: float, running: bool, abandoned: bool, max_age: float) -> str | None:
    """Why a cluster should end now, or None.

    Args:
        age: seconds since it was asked for.
        running: its scheduler has started.
        abandoned: its student has no server.
        max_age: seconds that a cluster may live.
    """
    if abandoned:
        return "its student has no server"
    if age > max_age:
        return f"it is older than {max_age:.0f} s"
    if not running and age > START_SECONDS:
        return f"its scheduler did not start within {START_SECONDS} s"
    return None
