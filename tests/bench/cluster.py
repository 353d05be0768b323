"""A student's server on Kubernetes against a bare pod of the same image; a class that comes; what the platform costs.

On the project's own test cluster, with an installation of its own. A student's server and a bare pod that runs `jupyter
lab` take turns, with the same limits and the same kind of volume; both count once their page and their API answer.
"First" is with a volume that is made meanwhile. The origin is a port that refuses: lessons read the simulated sample.

    tests/bench/run cluster [--rounds N] [--students N] [--seconds N]
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kubernetes.client
import kubernetes.config
import requests

from bench.arrival import MEBI, find_use, measure_arrival
from bench.table import print_machine, print_table
from cluster.installation import NAMESPACE, USERS, ClusterInstallation, build_images, build_values, find_images
from cluster.machine.access import own_cluster
from cluster.machine.runbook import ensure_up, in_use
from lumihub.errors import LumiHubError
from lumihub.kubernetes.quantities import parse_quantity
from servers.hub import NO_ORIGIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster.machine.access import Cluster

BARE = f"{NAMESPACE}-bare"
PORT = 30999
ANSWER_SECONDS = 180
WATCHED_SECONDS = 60


def main() -> None:
    """Install, measure, print, remove."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5, help="how often each start is measured")
    options.add_argument("--students", type=int, default=30, help="servers that a class starts")
    options.add_argument("--seconds", type=float, default=300, help="in which they come, one after the other")
    given = options.parse_args()
    print_machine()
    build_images()
    with in_use(patience=3600):
        ensure_up()
        with installation(own_cluster()) as one:
            measure_idle(one)
            measure_starts(one, given.rounds)
            passwords = one.add(*(f"class-{number}" for number in range(given.students)))
            measure_arrival(one, passwords, given.seconds)
    print_machine()


@contextmanager
def installation(cluster: Cluster, **sections: dict[str, Any]) -> Iterator[ClusterInstallation]:
    """An installation with these settings on the test cluster, gone afterwards; the cluster stays up."""
    for reference in find_images().values():
        cluster.load_image(reference)
    folder = Path(tempfile.mkdtemp(prefix="lumihub-bench-"))
    one = ClusterInstallation(cluster, folder, folder)
    (folder / "helm").symlink_to(cluster.program("helm"))
    no_data: dict[str, dict[str, Any]] = {"data": {"origin": {"url": NO_ORIGIN}}, "cull": {"enabled": False}}
    one.write(build_values(cluster, **no_data | sections))
    try:
        one.lumihub("down", "--delete-data", "--yes")  # of a run that was killed
        one.up("--yes", "--no-check")
        yield one
    finally:
        one.lumihub("down", "--delete-data", "--yes", check=False)
        shutil.rmtree(folder)


def measure_idle(one: ClusterInstallation) -> None:
    """What the platform asks for and takes while nobody is there."""
    asked = {name: ask for name, ask in find_requests(one).items() if ask[2] == "Running"}
    before = find_use(one)
    time.sleep(WATCHED_SECONDS)
    after = find_use(one)
    rows: list[tuple[object, ...]] = []
    for name, (cpu, memory, _) in sorted(asked.items()):
        work = (after[name][1] - before[name][1]) / WATCHED_SECONDS
        rows.append(
            (name.rpartition("-")[0] if name.count("-") > 1 else name, memory / MEBI, after[name][0], cpu, work)
        )
    total = [sum(float(str(row[column])) for row in rows) for column in range(1, 5)]
    columns = ("pod", "asked MiB", "used MiB", "asked cores", "used cores")
    print_table(f"the platform while nobody is there, {WATCHED_SECONDS} s", columns, [*rows, ("all", *total)])


def find_requests(one: ClusterInstallation) -> dict[str, tuple[float, float, str]]:
    """By pod: cores and bytes that it asks for, and its phase."""
    found = {}
    for pod in json.loads(one.cluster.kubectl("--namespace", NAMESPACE, "get", "pods", "--output=json"))["items"]:
        asked = [each.get("resources", {}).get("requests", {}) for each in pod["spec"]["containers"]]
        cpu, memory = (sum(float(parse_quantity(each.get(key, "0"))) for each in asked) for key in ("cpu", "memory"))
        found[pod["metadata"]["name"]] = (cpu, memory, pod["status"]["phase"])
    return found


def measure_starts(one: ClusterInstallation, rounds: int) -> None:
    """From the click to a server that answers, in turn with a bare pod of the same image."""
    names = [f"bench-{number}" for number in range(rounds)]
    passwords = one.add(*names)
    bare, student = ({time_of: list[float]() for time_of in ("first", "again")} for _ in range(2))
    with bare_place(one) as api:
        for name in names:
            make_claim(api, name)
            for time_of in bare:
                bare[time_of].append(start_bare(one, api, name))
                student[time_of].append(start_student(one, name, passwords[name]))
    rows: list[tuple[object, ...]] = []
    for time_of in ("first", "again"):
        theirs, ours = ((min(found), statistics.median(found)) for found in (bare[time_of], student[time_of]))
        rows += [
            (f"bare pod, {time_of}", *theirs, "", ""),
            (
                f"student, {time_of}",
                *ours,
                *(f"x {mine / other:.2f}" for mine, other in zip(ours, theirs, strict=True)),
            ),
        ]
    columns = ("start", "best s", "median s", "best to bare", "median to bare")
    print_table(f"from click to a server that answers, {rounds} rounds in turn", columns, rows)


def start_student(one: ClusterInstallation, name: str, password: str) -> float:
    """Seconds from the click to a JupyterLab that answers; the server is stopped again."""
    with one.student(name, password, server=False) as session:
        seconds = session.start_server()
        session.stop_server()
    wait_until(lambda: not one.cluster.kubectl("--namespace", USERS, "get", "pods", "--output=name").strip())
    return seconds


@contextmanager
def bare_place(one: ClusterInstallation) -> Iterator[kubernetes.client.CoreV1Api]:
    """A namespace in which bare pods answer at one port of the node."""
    client = kubernetes.config.new_client_from_config(str(one.cluster.kubeconfig), one.cluster.context)
    api = kubernetes.client.CoreV1Api(client)
    one.cluster.kubectl("delete", "namespace", BARE, "--ignore-not-found")
    api.create_namespace({"metadata": {"name": BARE}})
    ports = [{"port": 8888, "nodePort": PORT}]
    spec = {"type": "NodePort", "selector": {"app": "bare"}, "ports": ports}
    api.create_namespaced_service(BARE, {"metadata": {"name": "bare"}, "spec": spec})
    one.cluster.kubectl("--namespace", BARE, "wait", "--for=create", "serviceaccount/default", "--timeout=30s")
    try:
        yield api
    finally:
        api.delete_namespace(BARE)


def make_claim(api: kubernetes.client.CoreV1Api, name: str) -> None:
    """The volume of one bare home, which the cluster makes at the first start."""
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "100M"}}}
    api.create_namespaced_persistent_volume_claim(BARE, {"metadata": {"name": name}, "spec": spec})


def start_bare(one: ClusterInstallation, api: kubernetes.client.CoreV1Api, name: str) -> float:
    """Seconds from asking for a bare pod to a JupyterLab that answers; the pod is removed again."""
    command = ["jupyter", "lab", "--no-browser", "--ServerApp.ip=0.0.0.0", "--IdentityProvider.token="]
    container = {
        "name": "main",
        "image": find_images()["lab"],
        "args": command,
        "resources": {"limits": {"cpu": "1", "memory": "1G"}, "requests": {"cpu": "50m", "memory": "256M"}},
        "volumeMounts": [{"name": "home", "mountPath": "/home/student"}],
    }
    pod = {
        "metadata": {"name": name, "labels": {"app": "bare"}},
        "spec": {
            "containers": [container],
            "securityContext": {"fsGroup": 1000, "runAsUser": 1000},
            "terminationGracePeriodSeconds": 1,
            "volumes": [{"name": "home", "persistentVolumeClaim": {"claimName": name}}],
        },
    }
    began = time.monotonic()
    api.create_namespaced_pod(BARE, pod)
    url = f"http://{one.cluster.node_address}:{PORT}"
    wait_until(lambda: all(is_answered(f"{url}/{path}") for path in ("lab", "api/status")))
    seconds = time.monotonic() - began
    api.delete_namespaced_pod(name, BARE)
    wait_until(lambda: not api.list_namespaced_pod(BARE).items)
    return seconds


def is_answered(url: str) -> bool:
    """Whether a page is there already."""
    try:
        return requests.get(url, timeout=10).ok
    except (requests.ConnectionError, requests.Timeout):
        return False


def wait_until(is_so: Any) -> None:
    """Wait until something is so.

    Raises:
        LumiHubError: it was not in time.
    """
    deadline = time.monotonic() + ANSWER_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise LumiHubError(f"not there after {ANSWER_SECONDS} s")
        time.sleep(0.1)


if __name__ == "__main__":
    main()
