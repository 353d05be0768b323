"""The lessons' analyses on four worker pods: the numbers of one pod and of a plain script, and who did what."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from cluster.dask_students import BEGIN, DEFAULT, Student, find_pods, is_worker
from cluster.waiting import until
from comparison import SPECTRA, Found, check_same, count_plainly, tell_numbers
from opendata import EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cluster.installation import ClusterInstallation
    from servers.link import Link
    from servers.xrootd import XRootDOrigin

pytestmark = [pytest.mark.timeout(900), pytest.mark.xrootd, pytest.mark.opendata]

WORKERS = 4
# Bytes that the cache and the origin exchange without any of a file: far more than there are, far less than is read.
WORDS = 20_000
# What a student types in the lessons, and what came of it.
LESSONS = f"""
def do_lessons(workers):
    client = compute.client(workers=workers)
    client.wait_for_workers(workers, timeout=120)
    client.run(os.getpid)  # each has imported what it needs
    results = {{name: analysis.run(name, client=client) for name in {list(SPECTRA)}}}
    assert all(result.workers == workers for result in results.values())
    return {{
        path: numbers
        for name, spectrum in {SPECTRA}.items()
        for path, numbers in tell_numbers(results[name], spectrum).items()
    }}
"""
# An analysis, first event and the one after the last, file.
Part = tuple[str, int, int, str]
LINE = re.compile(r" - INFO - (\S+): events (\d+) to (\d+) of (\S+) in [\d.]+ s$", re.MULTILINE)


@pytest.fixture(scope="module")
def eve(installed: tuple[ClusterInstallation, dict[str, Any]]) -> Iterator[Student]:
    """A student who may have four workers, and who has none yet."""
    one, _ = installed
    with one.changed(dask={"maxWorkers": WORKERS}):
        one.up("--no-check")
        password = one.add("eve")["eve"]
        with one.student("eve", password) as session:
            student = Student("eve", password, session, session.start_kernel())
            student.run("from __future__ import annotations\n" + BEGIN + inspect.getsource(tell_numbers) + LESSONS)
            yield student
            student.kernel.close()
        one.lumihub("users", "remove", "eve", "--delete-home", "--yes")
    one.up("--no-check")


@pytest.fixture(scope="module")
def plain(origin: XRootDOrigin) -> Found:
    """What a script finds that knows nothing of the platform, in the files as the origin has them."""
    return count_plainly(find_files(origin.files))


def test_four_pods_find_what_one_pod_and_a_plain_script_find(
    one: ClusterInstallation, eve: Student, plain: Found, link: Link
) -> None:
    one.lumihub("data", "evict", "--all")
    before = link.down
    alone = eve.value("do_lessons(1)")
    came = link.down
    # At the origin they are read: nothing else has the files.
    assert came - before > WORDS
    assert {name: alone[f"{name}.4lep.root"]["events"][2] for name in EVENTS} == {
        name: kept for name, (_, kept) in EVENTS.items()
    }
    check_same(alone, plain)
    [first] = find_workers(one)
    parts = read_parts(one, first)
    check_whole(parts, plain)

    together = eve.value(f"do_lessons({WORKERS})")
    check_same(together, plain)
    # Through the cache: what one pod has read, none brings over the link again.
    assert link.down - came < WORDS
    pods = find_workers(one)
    assert len(pods) == WORKERS
    assert first in pods
    done = {pod: read_parts(one, pod) for pod in pods}
    done[first] -= parts
    check_whole(sum(done.values(), Counter()), plain)
    for pod, own in done.items():
        # Twelve files are twelve parts, nine of them of one analysis: enough for each of four.
        assert any(analysis == "higgs-gamgam" for analysis, *_ in own), (pod, done)
    assert len([pod for pod, own in done.items() if any(analysis == "higgs-4l" for analysis, *_ in own)]) > 1, done


def test_a_warmed_lesson_runs_in_pods_without_the_origin(
    one: ClusterInstallation, eve: Student, plain: Found, link: Link
) -> None:
    eve.run("compute.close()")
    until(lambda: not find_pods(one, DEFAULT, student="eve"), 60)
    one.lumihub("data", "evict", "--all")
    one.lumihub("data", "warm", "4lep", "GamGam")
    before = link.down
    with link.gone():
        check_same(eve.value(f"do_lessons({WORKERS})"), plain)
        parts = [read_parts(one, pod) for pod in find_workers(one)]
        assert len(parts) == WORKERS
        assert all(parts)
        check_whole(sum(parts, Counter()), plain)
        assert "does not answer, and the cache does not hold all of this" in read_cold(eve)
        assert link.down == before
    # For whoever comes next.
    until(lambda: "does not answer" not in read_cold(eve), 120)


def read_cold(student: Student) -> str:
    """What a worker says of a file that was not warmed, and that holds no events."""
    code = "print(client.submit(analysis.read, data.files('3lep', 'data_A')[0], 'lep_pt').exception())"
    return student.run(f"from lumihub import data\nclient = compute.client()\n{code}").text


def find_files(folder: Path) -> list[Path]:
    """The lessons' files at the origin."""
    return sorted(path for kind in ("4lep", "GamGam") for path in folder.rglob(f"*.{kind}.root"))


def find_workers(one: ClusterInstallation) -> list[str]:
    """Names of the student's worker pods."""
    return [pod["metadata"]["name"] for pod in find_pods(one, DEFAULT, student="eve") if is_worker(pod)]


def read_parts(one: ClusterInstallation, pod: str) -> Counter[Part]:
    """The parts of analyses that a worker did, as its pod's own log tells."""
    log = one.cluster.kubectl("--namespace", DEFAULT, "logs", pod)
    return Counter((name, int(start), int(stop), file) for name, start, stop, file in LINE.findall(log))


def check_whole(parts: Counter[Part], plain: Found) -> None:
    """Each event of each file was read once."""
    edges: dict[str, list[int]] = {name: [0] for name in plain}
    for _, start, stop, name in sorted(parts.elements()):
        assert edges[name][-1] == start, (name, parts)
        edges[name].append(stop)
    assert {name: found[-1] for name, found in edges.items()} == {
        name: numbers["events"][0] for name, numbers in plain.items()
    }
