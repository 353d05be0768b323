"""Dask's worker pods on Kubernetes against workers in the student's own server; the cache pod against a file there.

On the project's own test cluster, with an installation of its own and a real XRootD origin on this machine. One student
has it for herself. Everything is read through a warm cache but for what says otherwise, and all ways take turns; the
best of the rounds counts. The files are replicas in the schema of the released 4lep collection.

The same cuts are also run in the student's server by coffea's runner, which is brought into the home, and by Dask's own
LocalCluster (`others.py`).

    tests/bench/run workers [--events N] [--rounds N]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cluster import installation, wait_until
from bench.replicas import write_four_leptons
from bench.table import print_machine, print_table
from cluster.installation import NAMESPACE, USERS, build_images
from cluster.machine.access import own_cluster
from cluster.machine.disks import find_volume
from cluster.machine.runbook import ensure_up, in_use
from lumihub.data.cache import find_cache_obstacle
from lumihub.data.listing import build_manifest
from lumihub.data.manifest import write_manifest
from lumihub.environment.installation import ensure_uv
from lumihub.progress import Silent
from opendata import FILES, PLACE, find_opendata
from servers.link import Link
from servers.xrootd import EXPORT, XRootDOrigin

if TYPE_CHECKING:
    from cluster.installation import ClusterInstallation
    from lumihub.operations.student import Kernel

SAMPLES = ("data_A", "data_B", "data_C", "data_D")
STUDENT = "bench"
PODS = (1, 2, 4)
COFFEA = "coffea==2026.9.0"
OTHERS = Path(__file__).with_name("others.py")
# By name: the words that start ours, or the way of another; and the one of ours that it is compared with.
ALIKE = {
    "ours, this process": ("", ""),
    "coffea, one process": ("coffea, one process", "ours, this process"),
    "ours, 2 in the server": ("where='here', workers=2", ""),
    "Dask's LocalCluster, 2": ("Dask", "ours, 2 in the server"),
    "coffea, Dask's LocalCluster, 2": ("coffea, Dask", "ours, 2 in the server"),
    "coffea, pool of 2 processes": ("coffea, pool", "ours, 2 in the server"),
    "ours, 2 in pods": ("where='pods', workers=2", "ours, 2 in the server"),
}
SERVER = {"memory": {"limit": "2G", "guarantee": "512M"}, "cpu": {"limit": 2.0, "guarantee": 0.1}}
DASK: dict[str, Any] = {"enabled": True, "maxWorkers": 4}
# What the notebook of the student knows.
BEGIN = """
import json, shutil, time, warnings
from pathlib import Path
from lumihub import analysis, compute, data
warnings.simplefilter("error")
paths = [url for sample in SAMPLES for url in data.files("4lep", sample)]

def tell(**found):
    print("TOLD", json.dumps(found))

def read(files=None, client=None):
    began = time.perf_counter()
    result = analysis.run("higgs-4l", files, client=client)
    seconds = time.perf_counter() - began
    counts = [int(count) for count in sum(each.cuts[:, 0] for each in result.counts.values())]
    return {"seconds": seconds, "events": counts[0], "counts": counts, "workers": result.workers}

def ask(**how):
    began = time.perf_counter()
    client = compute.client(**how)
    client.submit(int).result()
    return client, time.perf_counter() - began
"""
COPY = """
own = Path("copies")
own.mkdir(exist_ok=True)
import fsspec
for url in paths:
    with fsspec.open(url, **data.storage_options(url)) as source, (own / url.rpartition("/")[2]).open("wb") as target:
        shutil.copyfileobj(source, target, 2**22)
copies = [str(own / url.rpartition("/")[2]) for url in paths]
"""

RUN_OTHER = """
import os, subprocess, sys
command = [sys.executable, *{words}, *paths]
environment = os.environ | {{"PYTHONPATH": str(Path("coffea").absolute())}}
print(subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout)
"""


def main() -> None:
    """Install, measure, print, remove."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--events", type=int, default=250_000, help="events in each of four files")
    options.add_argument("--rounds", type=int, default=3, help="how often each is measured; the best counts")
    given = options.parse_args()
    source, obstacle = find_opendata(), find_cache_obstacle("root://127.0.0.1")
    if source is None or obstacle:
        sys.stdout.write(f"workers is left out: {obstacle or 'files are made from real ones, set LUMIHUB_OPENDATA'}\n")
        return
    print_machine()
    build_images()
    with in_use(patience=3600), tempfile.TemporaryDirectory(prefix="lumihub-bench-") as name:
        ensure_up()
        cluster, folder = own_cluster(), Path(name)
        place = folder / "origin" / PLACE
        place.mkdir(parents=True)
        for sample in SAMPLES:
            write_four_leptons(place / f"{sample}.4lep.root", [source / each for each in FILES], given.events)
        manifest = folder / "manifest.json"
        write_manifest(build_manifest(str(folder / "origin"), Silent()), manifest)
        with (
            XRootDOrigin(folder / "origin") as origin,
            Link(origin.port, address=str(cluster.host_address)) as link,
        ):
            url = f"root://{cluster.host_address}:{link.port}/{EXPORT}"
            data = {"origin": {"url": url, "manifest": str(manifest)}, "cache": {"size": "4G"}}
            with installation(cluster, data=data, dask=DASK, singleuser=SERVER) as one:
                password = one.add(STUDENT)[STUDENT]
                with one.student(STUDENT, password) as session:
                    kernel = session.start_kernel()
                    run(kernel, BEGIN.replace("SAMPLES", repr(SAMPLES)))
                    measure_reading(kernel, link, given.rounds)
                    measure_workers(one, kernel, given.rounds)
                    bring_others(one, kernel)
                    measure_others(one, kernel, given.rounds)
    print_machine()


def measure_reading(kernel: Kernel, link: Link, rounds: int) -> None:
    """One process of the student's server, without Dask: a cold and the warm cache, and files in the home."""
    before = link.down
    cold = ask(kernel, "tell(**read())")
    brought = link.down - before
    run(kernel, COPY)
    before = link.down
    warm, own = [], []
    for _ in range(rounds):
        own.append(ask(kernel, "tell(**read(copies))"))
        warm.append(ask(kernel, "tell(**read())"))
    base = best_rate(own)
    rows = [
        (name, rate, f"x {rate / base:.2f}", megabytes)
        for name, rate, megabytes in (
            ("files in the home", base, 0.0),
            ("warm cache", best_rate(warm), (link.down - before) / 1e6),
            ("cold cache", best_rate([cold]), brought / 1e6),
        )
    ]
    columns = ("read from", "events/s", "to files in the home", "MB from the origin")
    print_table(f"higgs-4l, {own[0]['events']:,} events, one process; best of {rounds}", columns, rows)


def measure_workers(one: ClusterInstallation, kernel: Kernel, rounds: int) -> None:
    """In turn: no Dask, workers in the server, pods."""
    ways: dict[str, str] = {"this process": "", "2 in the server": "where='here', workers=2"}
    ways |= {f"{count} in pods": f"where='pods', workers={count}" for count in PODS}
    starts: dict[str, list[float]] = {way: [] for way in ways}
    reads: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, how in ways.items():
            if not how:
                reads[way].append(ask(kernel, "tell(**read())"))
                continue
            starts[way].append(ask(kernel, f"client, seconds = ask({how})\ntell(seconds=seconds)")["seconds"])
            run(kernel, "read(client=client)")  # the workers' first look at the files
            reads[way].append(ask(kernel, "tell(**read(client=client))"))
            run(kernel, "compute.close()")
            wait_for_pods(one)
    base = best_rate(reads["1 in pods"])
    rows = []
    for way, found in reads.items():
        rate, workers = best_rate(found), found[0]["workers"]
        start = min(starts[way]) if starts[way] else ""
        to_one = "" if way == "this process" else f"x {rate / base:.2f}"
        rows.append((way, start, rate, to_one, f"{rate / base / workers:.2f}" if workers else ""))
    columns = ("workers", "seconds until one answers", "events/s", "to one pod", "efficiency")
    print_table(f"higgs-4l, warm cache; best of {rounds}", columns, rows)


def bring_others(one: ClusterInstallation, kernel: Kernel) -> None:
    """Put coffea, in the versions of our lock file where it has them, and the program into the student's home."""
    home = find_volume(one.cluster, USERS, f"home-{STUDENT}")
    uv, project = ensure_uv(sys.stdout.fileno()), Path(__file__).parents[2]
    locked = subprocess.run(
        [uv, "export", "--frozen", "--all-extras", "--no-hashes", "--no-emit-project", "--quiet"],
        cwd=project,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
        constraints.write(locked)
        constraints.flush()
        python = ask(kernel, "import platform\ntell(version=platform.python_version())")["version"]
        options = ["--target", home / "coffea", "--python-version", python, "--constraints", constraints.name]
        subprocess.run([uv, "pip", "install", "--quiet", "--python", sys.executable, *options, COFFEA], check=True)
    (home / OTHERS.name).write_text(OTHERS.read_text())


def measure_others(one: ClusterInstallation, kernel: Kernel, rounds: int) -> None:
    """In turn: ours, coffea's runner, Dask by hand; all must find the same."""
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in ALIKE}
    for _ in range(rounds):
        for way, (how, _) in ALIKE.items():
            if way.startswith("ours"):
                found[way].append(measure_ours(one, kernel, how))
            else:
                found[way].append(ask(kernel, RUN_OTHER.format(words=[OTHERS.name, how, "2", "1"])))
    [counts] = {tuple(each["counts"]) for told in found.values() for each in told}
    rates = {way: counts[0] / min(each["seconds"] for each in told) for way, told in found.items()}
    rows = [
        (way, rates[way], f"x {rates[rival] / rates[way]:.2f}" if rival else "") for way, (_, rival) in ALIKE.items()
    ]
    print_table(f"higgs-4l, warm cache, the same cuts; best of {rounds}", ("way", "events/s", "ours is"), rows)


def measure_ours(one: ClusterInstallation, kernel: Kernel, how: str) -> dict[str, Any]:
    """One round without Dask, or with a client that is asked for with these words."""
    if not how:
        return ask(kernel, "tell(**read())")
    run(kernel, f"client, _ = ask({how})\nread(client=client)")
    told = ask(kernel, "tell(**read(client=client))")
    run(kernel, "compute.close()")
    wait_for_pods(one)
    return told


def wait_for_pods(one: ClusterInstallation) -> None:
    """Until the student's pods have ended, so that they take nothing from what comes next."""
    words = ("--namespace", f"{NAMESPACE}-dask-default", "get", "pods", "--output=name")
    wait_until(lambda: not one.cluster.kubectl(*words).strip())


def best_rate(found: list[dict[str, Any]]) -> float:
    """Events per second of the quickest."""
    return max(float(each["events"] / each["seconds"]) for each in found)


def run(kernel: Kernel, code: str) -> str:
    """Run a cell that must not fail; what it printed."""
    result = kernel.run(code, timeout=600)
    if result.error:
        raise RuntimeError(result.traceback)
    return result.text


def ask(kernel: Kernel, code: str) -> dict[str, Any]:
    """What a cell tells."""
    text = run(kernel, code).rpartition("TOLD ")[2]  # a progress bar may stand on the same line, before and after
    told: dict[str, Any]
    told, _ = json.JSONDecoder().raw_decode(text)
    return told


if __name__ == "__main__":
    main()
