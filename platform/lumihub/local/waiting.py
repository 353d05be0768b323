"""Waiting until the hub answers through the proxy, with the lines that matter when it does not."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lumihub.errors import LumiHubError
from lumihub.local.daemons import find_running, has_ended
from lumihub.local.logs import lines_that_matter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lumihub.hub.client import HubClient
    from lumihub.local.folder import StateFolder
    from lumihub.progress import Progress

START_SECONDS = 90.0
# A hub that was running answers at once; the pause is for a machine with much to do.
ANSWER_SECONDS = 15.0


def wait_for_hub(client: HubClient, folder: StateFolder, offsets: Mapping[str, int], progress: Progress) -> None:
    """Wait until the hub answers.

    Args:
        client: asks through the proxy.
        folder: where records and logs are.
        offsets: by part, the size of its log before it was started; older lines do not matter.
        progress: told while we wait.

    Raises:
        LumiHubError: a part ended, or nothing answered in time; with the end of its log.
    """
    deadline = time.monotonic() + START_SECONDS
    with progress.task("Waiting for the hub"):
        while client.version() is None:
            for name in ("proxy", "hub"):
                running = find_running(folder, name)
                if running is None or has_ended(running):
                    raise _failure(f"the {name} ended right after its start", folder, name, offsets)
            if time.monotonic() > deadline:
                raise _failure(f"the hub did not answer within {START_SECONDS:.0f} s", folder, "hub", offsets)
            time.sleep(0.1)


def answers(client: HubClient) -> bool:
    """Whether a hub that was running before still answers."""
    deadline = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < deadline:
        if client.version() is not None:
            return True
        time.sleep(0.2)
    return False


def _failure(what: str, folder: StateFolder, name: str, offsets: Mapping[str, int]) -> LumiHubError:
    log = folder.logs / f"{name}.log"
    lines = lines_that_matter(log, offsets.get(name, 0))
    said = "".join(f"\n    {line}" for line in lines)
    return LumiHubError(f"{what}; it wrote:{said or ' nothing'}", where=str(log), fix="./deploy.py doctor")
