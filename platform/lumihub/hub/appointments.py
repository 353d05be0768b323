"""When students come again for whom there was no room.

JupyterHub lets a number of servers start at once, and sends all others away for a random while between two limits.
Refusing costs a hub nearly as much as beginning a start: if hundreds come again within seconds, it does little else,
and those that start take longer and longer. So each who is sent away is given a moment of their own here.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# A start takes seconds: whoever came sooner would mostly come in vain.
SOONEST_SECONDS = 10.0
# Fewer than a hub starts servers, on two cores that it shares with its cluster.
A_SECOND = 4


class Appointments:
    """What stands for JupyterHub's two limits, which it asks for once for each that it sends away.

    Args:
        clock: seconds, of any origin.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = float("-inf")

    def __iter__(self) -> Iterator[float]:
        """Both limits: the seconds until the next moment that nobody has yet."""
        now = self._clock()
        self._last = max(now + SOONEST_SECONDS, self._last + 1 / A_SECOND)
        return iter((self._last - now, self._last - now))
