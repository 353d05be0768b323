"""`python -m lumihub.datawork.demonstration`: keeps the demonstration cluster of a class until its time is over.

It never speaks with the scheduler, in which an instructor's code may run; it only has the operator make pods of it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from lumihub.datawork.daskcluster import DaskCluster, connect_inside
from lumihub.errors import LumiHubError

if TYPE_CHECKING:
    from collections.abc import Callable

_FOLDER = Path("/etc/lumihub")
_LOOK_SECONDS = 5.0


class _Kept(Protocol):
    def ensure(self) -> None: ...

    def remove(self) -> None: ...


def main() -> None:
    """Exit 0: its time is over, and it is gone. Anything else: a new pod goes on."""
    order = json.loads((_FOLDER / "order.json").read_text("utf-8"))
    manifest = json.loads((_FOLDER / "cluster.json").read_text("utf-8"))
    try:
        keep(DaskCluster(connect_inside(), os.environ["LUMIHUB_NAMESPACE"], manifest), float(order["until"]))
    except LumiHubError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)


def keep(
    cluster: _Kept,
    until: float,
    now: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Let the cluster be there until then, also when somebody deletes it.

    Args:
        cluster: the one.
        until: seconds since 1970.
        now: the clock.
        sleep: waits.
    """
    while now() < until:
        cluster.ensure()
        sleep(min(_LOOK_SECONDS, max(0.0, until - now())))
    cluster.remove()


if __name__ == "__main__":
    main()
