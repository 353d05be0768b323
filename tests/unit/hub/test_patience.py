from __future__ import annotations

import asyncio
import inspect
import time

import kubespawner.spawner
from jupyterhub import utils

from lumihub.hub.patience import LONGEST_SECONDS, look_often


def test_only_the_longest_interval_changes_and_for_all_who_wait() -> None:
    before = inspect.signature(utils.exponential_backoff).parameters
    look_often()
    after = inspect.signature(utils.exponential_backoff).parameters
    assert after["max_wait"].default == LONGEST_SECONDS
    changed = {name for name in before if before[name].default != after[name].default}
    assert changed <= {"max_wait"}
    assert kubespawner.spawner.exponential_backoff is utils.exponential_backoff


def test_what_comes_true_after_a_while_is_noticed_soon() -> None:
    look_often()

    async def wait(seconds: float) -> float:
        began = time.monotonic()
        await utils.exponential_backoff(lambda: time.monotonic() - began > seconds, "too late", timeout=30)
        return time.monotonic() - began - seconds

    async def wait_all() -> list[float]:
        return await asyncio.gather(*(wait(4) for _ in range(50)))

    assert max(asyncio.run(wait_all())) < LONGEST_SECONDS + 0.5
