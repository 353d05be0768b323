"""What is done every night on this machine, and how it went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lumihub.data.cache import exported_path
from lumihub.data.nightly import NightlyOutcome, NightlyState, NightlyWork
from lumihub.local.daemons import find_running
from lumihub.local.processes import find_by_environment
from lumihub.local.warmer import build_mark

if TYPE_CHECKING:
    from lumihub.local.folder import StateFolder
    from lumihub.settings import Settings


def name_cache(settings: Settings) -> str:
    """What processes of this machine call the origin's folder as the cache shows it."""
    return f"root://127.0.0.1:{settings.data.cache.port}/{exported_path(settings.data.origin.url)}"


def find_state(folder: StateFolder) -> NightlyState | None:
    """What the warmer does; None where there is none, or where its files are another account's."""
    try:
        if find_running(folder, "warmer") is None:
            return None
        work, outcome = NightlyWork.load(folder.nightly_work), folder.nightly_outcome
        last = NightlyOutcome.find(outcome.read_text("utf-8")) if outcome.exists() else None
    except PermissionError:
        return None
    return NightlyState.of(work, running=bool(find_by_environment(build_mark(folder.nightly_work))), last=last)
