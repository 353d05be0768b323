"""Students who come one after the other and stay: what each waits for, and what the hub needs for it."""

from __future__ import annotations

import json
import statistics
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench.table import print_table
from cluster.installation import NAMESPACE
from lumihub.errors import LumiHubError
from lumihub.operations.student import StudentSession

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cluster.installation import ClusterInstallation

MEBI = 2**20
# Who is not served yet, at most; whoever comes then waits in front of the door, and that counts.
TOGETHER = 300
# What JupyterHub says where too many servers are starting.
CROWDED = "Too many users"


@dataclass(frozen=True, slots=True)
class Visit:
    """Seconds from coming to being in, and from the click to a server that answers; or why there is none.

    Attributes:
        again: how often the hub asked to come again, because too many servers were starting; the seconds include it.
    """

    enter: float = 0.0
    start: float = 0.0
    again: int = 0
    failure: str = ""


def measure_arrival(
    one: ClusterInstallation,
    secrets: Mapping[str, str],
    seconds: float,
    enter: Callable[[StudentSession, str], None] = StudentSession.log_in,
) -> None:
    """Let students come at equal intervals, and print one table.

    Args:
        one: where.
        secrets: by name, what `enter` needs.
        seconds: in which they come.
        enter: how a student gets in.
    """
    hub = next(name for name in find_use(one) if name.startswith("hub-"))
    process = find_process(one.get("pod", hub)["metadata"]["uid"])
    before, began = read_schedule(process), time.monotonic()
    come = partial(_come, one.url, enter, began, seconds / len(secrets))
    with ThreadPoolExecutor(min(len(secrets), TOGETHER)) as pool:
        visits = list(pool.map(come, range(len(secrets)), secrets, secrets.values()))
    took, after = time.monotonic() - began, read_schedule(process)
    failures = Counter(visit.failure for visit in visits if visit.failure)
    served = [visit for visit in visits if not visit.failure]
    rows: list[tuple[object, ...]] = [("failures", failures.total())]
    rows += [(f"  {failure}", count) for failure, count in failures.most_common()]
    rows.append(("asked to come again", sum(visit.again > 0 for visit in served)))
    if len(served) > 1:
        for name, waits in (
            ("seconds to get in", [visit.enter for visit in served]),
            ("seconds from click to ready", [visit.start for visit in served]),
        ):
            hundredths = statistics.quantiles(waits, n=100, method="inclusive")
            rows += [(f"{name}, p50", hundredths[49]), (f"{name}, p95", hundredths[94]), ("  slowest", max(waits))]
    worked, waited = ((end - start) / took for start, end in zip(before, after, strict=True))
    rows += [
        ("hub, share of the time at work", worked),
        ("hub, share of the time that others had its processor", waited),
        ("hub, MiB afterwards", find_use(one)[hub][0]),
    ]
    print_table(f"{len(secrets):,} students who come within {seconds:.0f} s, all of whom stay", ("", ""), rows)


def find_use(one: ClusterInstallation) -> dict[str, tuple[float, float]]:
    """By pod of the platform: MiB of its working set, and seconds that processors worked for it."""
    node = one.cluster.kubectl("get", "nodes", "--output=name").split()[0].removeprefix("node/")
    summary = json.loads(one.cluster.kubectl("get", "--raw", f"/api/v1/nodes/{node}/proxy/stats/summary"))
    return {
        pod["podRef"]["name"]: (pod["memory"]["workingSetBytes"] / MEBI, pod["cpu"]["usageCoreNanoSeconds"] / 1e9)
        for pod in summary["pods"]
        if pod["podRef"]["namespace"] == NAMESPACE and "usageCoreNanoSeconds" in pod.get("cpu", {})
    }


def find_process(pod: str) -> Path:
    """What /proc holds of the hub's process in the pod with this uid, on this machine."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (folder / "cmdline").read_bytes()
            if words.startswith(b"python\0") and pod in (folder / "cgroup").read_text():
                return folder
    raise LumiHubError(f"the hub's pod {pod} runs on another machine")


def read_schedule(process: Path) -> tuple[float, float]:
    """Seconds that the hub's one thread worked, and that it could have and waited for a processor."""
    worked, waited, _ = (process / "task" / process.name / "schedstat").read_text().split()
    return int(worked) / 1e9, int(waited) / 1e9


def _come(
    url: str,
    enter: Callable[[StudentSession, str], None],
    began: float,
    pause: float,
    number: int,
    name: str,
    secret: str,
) -> Visit:
    """One student."""
    due = began + number * pause
    time.sleep(max(0.0, due - time.monotonic()))
    try:
        with StudentSession(url, name) as session:
            enter(session, secret)
            entered = time.monotonic() - due
            said: list[str] = []
            started = session.start_server(listen=said.append)
            return Visit(entered, started, sum(text.startswith(CROWDED) for text in said))
    except LumiHubError as error:
        return Visit(failure=str(error).splitlines()[0].replace(name, "NAME"))
