"""Hundreds of students who come within minutes: the real hub, proxy, API server and scheduler, on simulated nodes.

On the project's own test cluster, with an installation of its own. What is played there is in `cluster/simulated.py`:
nodes, volumes and students' servers. A played server lets in whoever comes, so that the hub hands no login over to it,
and it does not report to the hub that it is used, as a real one does every five minutes.

By default nobody logs in: servers are started with the token of the command line, which costs the hub a little more
than a student's own click. With --passwords each student logs in at the page, and a password takes a processor a
quarter of a second, there and when the account is made. Students, hub and cluster share one machine.

    tests/bench/run crowd [--students N ...] [--seconds N] [--passwords]
"""

from __future__ import annotations

import argparse
import base64

import requests

from bench.arrival import measure_arrival
from bench.cluster import installation
from bench.table import print_machine
from cluster.installation import ClusterInstallation, build_images
from cluster.machine.access import Cluster, own_cluster
from cluster.machine.runbook import ensure_up, in_use
from cluster.simulated import simulated_nodes
from lumihub.operations.student import StudentSession

# Accounts that one request makes.
TOGETHER = 50


def main() -> None:
    """Install, measure, print, remove, once for each number of students."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument(
        "--students", type=int, nargs="+", default=[500, 2000], help="how many, one crowd after another"
    )
    options.add_argument("--seconds", type=float, default=300, help="in which each crowd comes")
    options.add_argument("--passwords", action="store_true", help="log in at the page, instead of nowhere")
    given = options.parse_args()
    build_images()
    with in_use(patience=3600):
        ensure_up()
        for students in given.students:
            print_machine()
            measure_crowd(own_cluster(), students, given.seconds, passwords=given.passwords)
            print_machine()


def measure_crowd(cluster: Cluster, students: int, seconds: float, *, passwords: bool) -> None:
    """One crowd, with an installation and nodes of its own."""
    names = [f"crowd-{number}" for number in range(students)]
    with simulated_nodes(cluster, students) as place, installation(cluster, singleuser=place) as one:
        if passwords:
            measure_arrival(one, one.add(*names), seconds)
        else:
            measure_arrival(one, make_accounts(one, names), seconds, StudentSession.enter)


def make_accounts(one: ClusterInstallation, names: list[str]) -> dict[str, str]:
    """Accounts without a password, made through JupyterHub's own API; by name, a token that starts its server."""
    secret = one.get("secret", "hub")["data"]["tool-token"]
    token = base64.b64decode(secret).decode()
    headers = {"Authorization": f"token {token}"}
    # The hub does nothing else until all of one request are made, and one that is silent for long is started anew.
    for begin in range(0, len(names), TOGETHER):
        made = {"usernames": names[begin : begin + TOGETHER]}
        requests.post(f"{one.url}hub/api/users", json=made, headers=headers, timeout=300).raise_for_status()
    return dict.fromkeys(names, token)


if __name__ == "__main__":
    main()
