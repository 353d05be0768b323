"""Helm at work, watched: progress of each part, an early end where waiting won't help, and the reason when it fails."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from lumihub.backend import PartState
from lumihub.errors import LumiHubError
from lumihub.kubernetes.helm import explain_failure, means_timeout
from lumihub.kubernetes.release import find_deployed, find_fallback
from lumihub.kubernetes.waiting import describe_parts

if TYPE_CHECKING:
    from lumihub.kubernetes.helm import HelmProcess
    from lumihub.kubernetes.release import Release
    from lumihub.kubernetes.waiting import PartProgress, Watch
    from lumihub.progress import Progress, Task

_LOOK_SECONDS = 1.0
# A trouble that stays this long is not about to go away by itself.
_HOPELESS_SECONDS = 8.0
# Taking back waits for pods too; a helm that needs longer than both is stuck.
_SPARE_SECONDS = 60.0


class UpgradeError(LumiHubError):
    """The release could not be brought to what was wanted."""


def carry_out(process: HelmProcess, watch: Watch, progress: Progress, what: str, timeout: float) -> None:
    """Wait for helm and tell how each part comes along.

    Args:
        process: helm, just begun.
        watch: looks at the parts.
        progress: hears of each that is ready.
        what: what is being done, as it begins a line.
        timeout: seconds that helm itself was given.

    Raises:
        UpgradeError: it failed; names the pod and the reason where there is one.
        KeyboardInterrupt: Ctrl-C; helm has taken back what it began.
    """
    with progress.task(what) as task:
        try:
            _follow(process, watch, progress, task, what, time.monotonic() + 2 * timeout + _SPARE_SECONDS)
        except KeyboardInterrupt:
            progress.warn("interrupted: helm takes back what it began; a second Ctrl-C ends it at once")
            process.interrupt()
            try:
                while not process.wait(_LOOK_SECONDS):
                    task.describe(f"{what}: going back")
            except KeyboardInterrupt:
                process.kill()
            raise
    result = process.result
    if result is None or result.exit_code != 0:
        raise build_failure(what, result.stderr if result else "", result.exit_code if result else None, watch)


def settle(release: Release, watch: Watch, progress: Progress) -> str | None:
    """Bring a release that a killed helm left half changed back to the revision that served; a line when it was so.

    Raises:
        UpgradeError: that failed too.
    """
    history = release.history()
    last = history[-1] if history else None
    if last is None or not (last.pending or last.status == "uninstalling"):
        return None
    timeout = release.settings.kubernetes.timeout
    fallback = find_fallback(history)
    if fallback is None or last.status == "uninstalling":
        what = f"an earlier change ({last.status}) was not finished: its remains were removed"
        progress.warn("an earlier call was ended in the middle; removing what it left")
        carry_out(release.uninstall(), watch, progress, "Removing the remains", timeout)
        return what
    progress.warn(
        f"an earlier call was ended in the middle (revision {last.number}, {last.status});"
        f" going back to revision {fallback.number}"
    )
    carry_out(release.rollback(fallback.number), watch, progress, f"Going back to revision {fallback.number}", timeout)
    return f"an earlier change ({last.status}) was not finished: went back to revision {fallback.number} first"


def describe_outcome(release: Release) -> str:
    """What serves after a failure."""
    with contextlib.suppress(LumiHubError):
        deployed = find_deployed(release.history())
        if deployed:
            return f"revision {deployed.number} serves as before"
        return "nothing is installed"
    return "what serves now could not be found out"


def build_failure(what: str, stderr: str, exit_code: int | None, watch: Watch) -> UpgradeError:
    """Why it failed: the pod that did not come up, or what helm said."""
    trouble = watch.worst()
    if trouble and (exit_code is None or means_timeout(stderr) or trouble.hopeless):
        said = "".join(f"\n    {line}" for line in trouble.log)
        text = f"{what[0].lower()}{what[1:]} failed: {trouble}" + (f"; it wrote:{said}" if said else "")
        return UpgradeError(text, where=f"namespace {watch.namespace} of {watch.cluster.context}", fix=trouble.fix)
    if exit_code is not None and exit_code < 0:
        return UpgradeError(
            f"helm was ended from outside (signal {-exit_code})",
            where=f"namespace {watch.namespace} of {watch.cluster.context}",
            fix="type the same command again",
        )
    fault = explain_failure(stderr).faults[0]
    return UpgradeError(fault.what, where=fault.where, fix=fault.fix)


def _follow(process: HelmProcess, watch: Watch, progress: Progress, task: Task, what: str, deadline: float) -> None:
    began = time.monotonic()
    ready: set[str] = set()
    hopeless_since: float | None = None
    interrupted = False
    first = True
    while not process.wait(_LOOK_SECONDS):
        if time.monotonic() > deadline:
            process.kill()
            return
        try:
            parts = watch.look()
        except LumiHubError:  # helm will say it, if it is more than a moment
            continue
        task.describe(f"{what}: {describe_parts(parts)}")
        for part in _newly_ready(parts, ready, told=not first and not interrupted):
            progress.step(f"{part} ready ({time.monotonic() - began:.0f} s)")
        first = False
        if interrupted:
            continue
        if any(trouble.hopeless for part in parts for trouble in part.troubles):
            hopeless_since = hopeless_since or time.monotonic()
            if time.monotonic() - hopeless_since > _HOPELESS_SECONDS:
                trouble = watch.worst()
                progress.warn(f"{trouble}; waiting won't help, going back")
                process.interrupt()
                interrupted = True
        else:
            hopeless_since = None


def _newly_ready(parts: list[PartProgress], ready: set[str], *, told: bool) -> list[PartProgress]:
    """Parts that have become ready since the last look; those that were so at the first are no news."""
    now = {part.name: part for part in parts if part.state is PartState.RUNNING}
    new = [part for name, part in now.items() if name not in ready] if told else []
    ready.clear()
    ready.update(now)
    return new
