"""Waits for pods that were told to end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lumihub.errors import LumiHubError
from lumihub.kubernetes.objects import path_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lumihub.kubernetes.access import Cluster

_LOOK_SECONDS = 0.5


def wait_until_gone(
    cluster: Cluster, namespaces: Sequence[str], selector: str, trouble: str, *, seconds: float, fix: str
) -> None:
    """Return when none of the pods is there any more.

    Args:
        cluster: where.
        namespaces: all that are looked into.
        selector: of the pods' labels.
        trouble: what to say when they stay, as it goes before "within 90 s".
        seconds: until that is said.
        fix: what to type then.

    Raises:
        LumiHubError: some are still there.
    """
    deadline = time.monotonic() + seconds
    while any(cluster.items(path_of("pods", namespace), labelSelector=selector) for namespace in namespaces):
        if time.monotonic() > deadline:
            raise LumiHubError(f"{trouble} within {seconds:.0f} s", where=", ".join(namespaces), fix=fix)
        time.sleep(_LOOK_SECONDS)
