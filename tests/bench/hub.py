"""Seconds of `up` and of a student's server against a bare `jupyter lab`; memory of every part, and students a machine.

`up` is typed as an admin types it, through deploy.py, which makes `.venv` first where there is none. A student's server
and a bare `jupyter lab` of the same environment take turns; both count once their page and their API answer. "First" is
with an empty home. The origin is a port that refuses, so that lessons read the simulated sample.

    tests/bench/run hub [--rounds N] [--students N]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psutil
import requests

from bench.memory import find_part, sort_processes, sum_memory
from bench.table import print_machine, print_table
from lumihub.local.servers import SERVER_MARK
from servers.hub import Installation, installation
from servers.ports import find_free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lumihub.operations.student import StudentSession

PROJECT = Path(__file__).resolve().parents[2]
LESSON = "lessons/01-higgs-to-four-leptons.ipynb"
DASK = "client=compute.client()"
GOAL_UP = 10.0
MACHINES = (4, 8, 16)
# For the operating system, its page cache and the data cache while files come in (1 GiB at most).
RESERVED = 1536
ANSWER_SECONDS = 120


class Start(NamedTuple):
    """Seconds by the clock until a server answered, and seconds that processors worked for it until then."""

    seconds: float
    work: float


def main() -> None:
    """Start an installation, measure, print, remove it."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5, help="how often each start is measured")
    options.add_argument("--students", type=int, default=3, help="servers that run while memory is measured")
    given = options.parse_args()
    print_machine()
    python = Path(sys.base_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}")
    deploy = [str(python), str(PROJECT / "deploy.py")]
    subprocess.run([*deploy, "--help"], stdout=subprocess.DEVNULL, check=True)
    with installation() as one:
        one.prefix, one.program = (deploy[0],), deploy[1]
        began = time.perf_counter()
        one.up()
        sys.stdout.write(f"the very first up took {time.perf_counter() - began:.1f} s\n")
        measure_up(one, given.rounds)
        measure_servers(one, given.rounds)
        measure_memory(one, given.students)
    print_machine()


def measure_up(one: Installation, rounds: int) -> None:
    """`up` after `down`, and `up` when all runs already."""
    seconds: dict[str, list[float]] = {"after down": [], "when all runs": []}
    work: dict[str, list[float]] = {name: [] for name in seconds}
    for _ in range(rounds):
        one.lumihub("down", "--yes")
        for name, found in seconds.items():
            began, before = time.perf_counter(), find_work(one)
            one.up()
            requests.get(f"{one.url}hub/login", timeout=30).raise_for_status()
            found.append(time.perf_counter() - began)
            work[name].append(find_work(one) - before)
    print_table(
        f"up until the login page answers, {rounds} rounds",
        ("up", "best s", "median s", f"best of {GOAL_UP:.0f} s", "processor s"),
        [
            (name, min(each), statistics.median(each), f"x {min(each) / GOAL_UP:.2f}", min(work[name]))
            for name, each in seconds.items()
        ],
    )


def find_work(one: Installation) -> float:
    """Seconds that processors worked for the commands typed so far, and for the hub and the proxy that run."""
    typed = resource.getrusage(resource.RUSAGE_CHILDREN)
    parts = 0.0
    for part in ("hub", "proxy"):
        with suppress(FileNotFoundError, psutil.NoSuchProcess):
            parts += sum(psutil.Process(one.pid(part)).cpu_times()[:2])
    return typed.ru_utime + typed.ru_stime + parts


def measure_servers(one: Installation, rounds: int) -> None:
    """From login to a server that answers, in turn with a bare `jupyter lab`, each with an empty home and again."""
    names = [f"bench-{number}" for number in range(rounds)]
    passwords = one.add(*names)
    python = find_python(one)
    bare, student = ({time_of: list[Start]() for time_of in ("first", "again")} for _ in range(2))
    for name in names:
        with tempfile.TemporaryDirectory(prefix="lumihub-bench-") as home:
            for time_of, found in bare.items():
                with bare_lab(python, Path(home)) as start:
                    found.append(start)
                student[time_of].append(start_student(one, name, passwords[name]))
    rows = []
    for time_of in ("first", "again"):
        theirs = summarize(bare[time_of])
        ours = summarize(student[time_of])
        ratios = (f"x {mine / other:.2f}" for mine, other in zip(ours, theirs, strict=True))
        rows += [(f"bare jupyter lab, {time_of}", *theirs, "", "", ""), (f"student, {time_of}", *ours, *ratios)]
    print_table(
        f"from login to a server that answers, {rounds} rounds in turn",
        ("start", "best s", "median s", "processor s", "best to bare", "median to bare", "processor to bare"),
        rows,
    )


def summarize(starts: list[Start]) -> tuple[float, float, float]:
    """Best and median seconds, and the least seconds of processors."""
    seconds = [start.seconds for start in starts]
    return min(seconds), statistics.median(seconds), min(start.work for start in starts)


def start_student(one: Installation, name: str, password: str) -> Start:
    """From opening the login page to a server that answers, the hub's work included; the server is stopped again."""
    began, before = time.perf_counter(), find_work(one)
    with one.student(name, password) as session:
        seconds = time.perf_counter() - began
        server = [psutil.Process(process.pid) for process in find_part(f"{SERVER_MARK}={find_identity(one)}:{name}")]
        work = find_work(one) - before + sum(sum(each.cpu_times()[:4]) for each in server)
        session.stop_server()
    return Start(seconds, work)


@contextmanager
def bare_lab(python: Path, home: Path) -> Iterator[Start]:
    """What it took until a `jupyter lab` started by hand shows its page and answers its API."""
    port = find_free_port()
    words = [
        "-m",
        "jupyterlab",
        "--no-browser",
        f"--port={port}",
        "--ServerApp.ip=127.0.0.1",
        "--IdentityProvider.token=",
    ]
    began = time.perf_counter()
    process = subprocess.Popen(
        [python, "-P", *words, *(["--allow-root"] if os.geteuid() == 0 else [])],
        env={"HOME": str(home), "PATH": f"{python.parent}:/usr/bin:/bin"},
        cwd=home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not all(is_answered(f"http://127.0.0.1:{port}/{path}") for path in ("lab", "api/status")):
            if process.poll() is not None or time.perf_counter() - began > ANSWER_SECONDS:
                raise RuntimeError(f"jupyter lab did not start: {process.returncode}")
            time.sleep(0.1)
        yield Start(time.perf_counter() - began, sum(psutil.Process(process.pid).cpu_times()[:4]))
    finally:
        process.terminate()
        process.wait(20)


def is_answered(url: str) -> bool:
    """Whether a page is there already."""
    try:
        return requests.get(url, timeout=30).ok
    except requests.ConnectionError:
        return False


def measure_memory(one: Installation, students: int) -> None:
    """MiB of the parts while some students' servers run, and of a lesson without and with Dask."""
    names = [f"memory-{number}" for number in range(students)]
    passwords = one.add(*names)
    identity = find_identity(one)
    with ExitStack() as stack:
        sessions = [stack.enter_context(one.student(name, passwords[name])) for name in names]
        time.sleep(3)
        idle = mean_memory(identity, names)
        parts = {name: sum_memory(find_part(f"LUMIHUB_PART={name}@{one.folder}")) for name in ("hub", "proxy")}
        for session in sessions:
            run_lesson(session, dask=False)
        plain = mean_memory(identity, names)
        for session in sessions:
            run_lesson(session, dask=True)
        with_dask = mean_memory(identity, names)
        workers = len(sort_processes(find_part(f"{SERVER_MARK}={identity}:{names[0]}"))["workers"])
        bare = measure_bare(find_python(one))
    worker = with_dask["workers"] / workers
    rows = [
        ("hub", parts["hub"], ""),
        ("proxy", parts["proxy"], ""),
        ("bare jupyter lab, idle", bare, ""),
        ("student's server, idle", idle["server"], f"x {idle['server'] / bare:.2f} of bare"),
        ("kernel, lesson run without Dask", plain["kernel"], ""),
        ("kernel, lesson run with Dask", with_dask["kernel"], ""),
        ("one Dask worker after the lesson", worker, ""),
        (f"student at work, {workers} workers", sum(with_dask.values()), ""),
    ]
    print_table(f"memory while {students} students are logged in, MiB (PSS)", ("part", "MiB", ""), rows)
    each = (idle["server"], plain["server"] + plain["kernel"], sum(with_dask.values()))
    print_table(
        f"students a machine: memory less hub, proxy and {RESERVED} MiB for system and caches",
        ("memory", "logged in", "lesson without Dask", f"lesson with {workers} workers"),
        [
            (f"{size} GiB", *(int((size * 1024 - RESERVED - sum(parts.values())) / value) for value in each))
            for size in MACHINES
        ],
    )


def mean_memory(identity: str, names: list[str]) -> dict[str, float]:
    """MiB of one student's server, kernels and workers: the mean of these students."""
    found = [sort_processes(find_part(f"{SERVER_MARK}={identity}:{name}")) for name in names]
    return {part: sum(sum_memory(each[part]) for each in found) / len(found) for part in found[0]}


def measure_bare(python: Path) -> float:
    """MiB of a bare `jupyter lab` that answers, beside the students' servers, with which it shares as they do."""
    with tempfile.TemporaryDirectory(prefix="lumihub-bench-") as home, bare_lab(python, Path(home)):
        time.sleep(3)
        return sum_memory(find_part(f"HOME={home}"))


def run_lesson(session: StudentSession, *, dask: bool) -> None:
    """Run all cells in a new kernel, which stays; the kernel of an earlier run is ended."""
    for kernel in session.get("api/kernels").json():
        session.delete_kernel(kernel["id"])
    cells = [cell["source"] for cell in session.read_file(LESSON)["cells"] if cell["cell_type"] == "code"]
    kernel = session.open_notebook(LESSON)
    for cell in cells:
        done = kernel.run(cell if dask else cell.replace(DASK, ""))
        if done.error:
            raise RuntimeError(done.traceback)
    kernel.close()


def find_configuration(one: Installation) -> dict:
    """What the hub was started with."""
    return json.loads((one.folder / "hub" / "configuration.json").read_text())


def find_identity(one: Installation) -> str:
    """What marks this installation's processes."""
    return find_configuration(one)["classes"]["LocalSpawner"]["identity"]


def find_python(one: Installation) -> Path:
    """The interpreter of students' servers."""
    return Path(find_configuration(one)["command"][0])


if __name__ == "__main__":
    main()
