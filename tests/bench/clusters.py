"""A class that asks for its Dask clusters at the same moment: the real gateway, hub, API server and scheduler.

On the project's own test cluster, with an installation of its own, on simulated nodes (`cluster/simulated.py`): a
scheduler's pod runs and is ready one second after it has a node, and there is no scheduler in it. So this measures
what comes before: the gateway and its controller, who ask the hub, make a wall, credentials, a pod and a Service for
each cluster. First one student asks who is alone, then all others at once, as notebooks do.

    tests/bench/run clusters [--students N]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.arrival import find_use
from bench.cluster import installation
from bench.crowd import make_accounts
from bench.table import print_machine, print_table
from cluster.installation import NAMESPACE, USERS, build_images
from cluster.machine.access import own_cluster
from cluster.machine.processes import find_init
from cluster.machine.runbook import ensure_up, in_use
from cluster.simulated import simulated_nodes
from lumihub.operations.student import StudentSession

if TYPE_CHECKING:
    from cluster.installation import ClusterInstallation

ASKERS = Path(__file__).with_name("askers.py")
PATIENCE = 300
TOGETHER = 20
PARTS = ("gateway", "gateway-controller")


def main() -> None:
    """Install, measure, print, remove."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--students", type=int, default=100, help="who ask at once")
    given = options.parse_args()
    print_machine()
    build_images()
    names = [f"class-{number}" for number in range(given.students + 1)]
    cohort = {"clusters": len(names), "workers": len(names)}
    with in_use(patience=3600):
        ensure_up()
        cluster = own_cluster()
        # A pod for each student's server, and one for each scheduler.
        with (
            simulated_nodes(cluster, 2 * len(names)) as place,
            installation(cluster, singleuser=place, dask={"enabled": True, "gateway": {"cohort": cohort}}) as one,
        ):
            measure_clusters(one, names)
    print_machine()


def measure_clusters(one: ClusterInstallation, names: list[str]) -> None:
    """Print one table."""
    tokens = start_servers(one, names)
    [alone] = ask_together(one, dict([tokens.popitem()]))
    before, began = find_use(one), time.monotonic()
    answers = ask_together(one, tokens)
    took = time.monotonic() - began
    time.sleep(15)  # the node's agent looks at its pods every ten seconds
    after = find_use(one)
    failures = Counter(answer["failure"] for answer in answers if "failure" in answer)
    rows: list[tuple[object, ...]] = [("failures", failures.total())]
    rows += [(f"  {failure}", count) for failure, count in failures.most_common()]
    rows += [("seconds until it runs, one alone", alone.get("runs", alone.get("failure")))]
    served = [answer for answer in answers if "failure" not in answer]
    for title, key in (("seconds until the gateway has taken it", "taken"), ("seconds until it runs", "runs")):
        if len(served) > 1:
            waits = [answer[key] for answer in served]
            hundredths = statistics.quantiles(waits, n=100, method="inclusive")
            rows += [(f"{title}, p50", hundredths[49]), (f"{title}, p95", hundredths[94]), ("  slowest", max(waits))]
    for part in PARTS:
        pod = find_pod(one, part)
        rows += [
            (f"{part}, seconds of a processor", after[pod][1] - before[pod][1]),
            (f"{part}, MiB afterwards", after[pod][0]),
        ]
    print_table(
        f"{len(tokens)} students who ask for a Dask cluster at once; all answers after {took:.0f} s", ("", ""), rows
    )


def start_servers(one: ClusterInstallation, names: list[str]) -> dict[str, str]:
    """Servers for all, for a cluster ends without its student's; by name, the token that a notebook there has."""

    def start(name: str, token: str) -> None:
        with StudentSession(one.url, name) as session:
            session.enter(token)
            session.start_server()

    accounts = make_accounts(one, names)
    with ThreadPoolExecutor(TOGETHER) as pool:
        list(pool.map(start, accounts, accounts.values()))
    selector = "--selector=app.kubernetes.io/component=singleuser-server"
    pods = json.loads(one.cluster.kubectl("--namespace", USERS, "get", "pods", selector, "--output=json"))["items"]
    told = [{each["name"]: each.get("value", "") for each in pod["spec"]["containers"][0]["env"]} for pod in pods]
    return {environment["JUPYTERHUB_USER"]: environment["JUPYTERHUB_API_TOKEN"] for environment in told}


def ask_together(one: ClusterInstallation, tokens: dict[str, str]) -> list[dict[str, Any]]:
    """Let these students ask, in the node's network: no policy is between it and its pods."""
    address = one.get("service", "gateway")["spec"]["clusterIP"]
    order = {"url": f"http://{address}:8000", "tokens": tokens, "patience": PATIENCE}
    on_node = ["nsenter", "--target", str(find_init()), "--net"]
    done = subprocess.run(
        [*on_node, sys.executable, "-P", str(ASKERS)],
        input=json.dumps(order),
        stdout=subprocess.PIPE,
        text=True,
        timeout=2 * PATIENCE,
        check=True,
    )
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers


def find_pod(one: ClusterInstallation, part: str) -> str:
    """Name of the pod of a part of the platform."""
    selector = f"--selector=app.kubernetes.io/component={part}"
    name = one.cluster.kubectl("--namespace", NAMESPACE, "get", "pods", selector, "--output=name")
    return name.strip().removeprefix("pod/")


if __name__ == "__main__":
    main()
