"""What fails during a lesson, what the student sees of it, and that nothing of the student's is lost.

The page docs/explanation/when-something-fails.md tells the same to admins.
"""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import requests

from cluster.faults import fill, kill_pod, measure_outage, scale
from cluster.installation import NAMESPACE, USERS, ClusterInstallation, check_memory, working_student
from cluster.machine.disks import find_volume, small_disk
from cluster.machine.layout import NODE
from cluster.machine.processes import find_parts
from lumihub.errors import LumiHubError
from opendata import EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from lumihub.operations.student import CellResult, Kernel
    from servers.link import Link

pytestmark = [pytest.mark.long, pytest.mark.timeout(600), pytest.mark.xrootd, pytest.mark.opendata]

STUDENT = 1000


@pytest.fixture(autouse=True)
def _own_cluster(request: pytest.FixtureRequest) -> None:
    if "one" in request.fixturenames and not request.getfixturevalue("cluster").is_own:
        pytest.skip("only parts of the project's own test cluster are killed")


@pytest.fixture
def _mended(one: ClusterInstallation) -> Iterator[None]:
    """Everything is well before and after."""
    yield
    measure_outage(lambda: _check_health(one))


def _check_health(one: ClusterInstallation) -> None:
    assert one.status()["healthy"]


def read(kernel: Kernel, sample: str) -> CellResult:
    """What a student's cell shows that reads a file."""
    return kernel.run(
        "from lumihub import analysis, data\n"
        f"print(len(analysis.read(data.files('4lep', '{sample}')[0], 'lep_pt', 'lep_type')))"
    )


def check_read(kernel: Kernel, sample: str) -> None:
    """A cell reads a file and finds all events in it."""
    result = read(kernel, sample)
    assert (result.error, result.text) == ("", str(EVENTS[sample][0]))


def tell(what: str, seconds: float) -> None:
    """Print a measured time for whoever reads the log."""
    print(f"{what}: {seconds:.1f} s")


def test_full_home_lets_its_student_in_and_loses_nothing(one: ClusterInstallation) -> None:
    password = one.add("packrat")["packrat"]
    with one.student("packrat", password) as student:
        student.write_file("work.txt", "before")
        student.stop_server()
        home = find_volume(one.cluster, USERS, "home-packrat")
        with small_disk(home, 8):
            fill(home, "first.bin", STUDENT, megabytes=2)
            fill(home, "second.bin", STUDENT)
            tell("start with a full home", student.start_server())
            page = student.get("").text
            assert "Your home is full" in page
            assert "first.bin" in page
            with pytest.raises(LumiHubError, match=r"Your home is full: work\.txt was not saved; .* second\.bin"):
                student.write_file("work.txt", "changed" * 100_000)
            assert student.read_file("work.txt") == "before"
            kernel = student.start_kernel()
            assert "No space left on device" in kernel.run("open('more.txt', 'w').write('x' * 100_000)").error
            check_read(kernel, "data_A")

            student.delete_file("second.bin")
            student.write_file("work.txt", "after")
            assert not kernel.run("import os; os.remove('first.bin'); open('more.txt', 'w').write('x')").error
            kernel.close()
            student.stop_server()
            student.start_server()
            assert "Your home is full" not in student.get("").text
            assert student.read_file("work.txt") == "after"
            student.stop_server()
    one.lumihub("users", "remove", "packrat", "--delete-home", "--yes")


@pytest.mark.usefixtures("_mended")
def test_hub_that_is_killed_costs_a_working_student_nothing(one: ClusterInstallation) -> None:
    with working_student(one, "busy") as kernel, ThreadPoolExecutor(1) as pool:
        password = one.add("late")["late"]
        cell = pool.submit(kernel.run, "import time; print('began', flush=True); time.sleep(15); print('ended')")
        kill_pod(one, "hub")
        tell("no log-in after the hub was killed", measure_outage(lambda: _log_in(one, "late", password)))
        assert cell.result().text == "began\nended"
        one.lumihub("users", "remove", "late", "--delete-home", "--yes")


def _log_in(one: ClusterInstallation, name: str, password: str) -> None:
    with one.student(name, password, server=False):
        pass


@pytest.mark.usefixtures("_mended")
def test_proxy_that_is_killed_breaks_the_connection_and_not_the_cell(one: ClusterInstallation) -> None:
    with working_student(one, "cutoff") as kernel, ThreadPoolExecutor(1) as pool:
        cell = pool.submit(kernel.run, "import time; time.sleep(10); open('ended.txt', 'w').write(str(mass))", 20)
        time.sleep(1)  # it must have begun
        kill_pod(one, "proxy")
        tell("no answer after the proxy was killed", measure_outage(lambda: _ask_server(kernel.session.base)))
        with pytest.raises(LumiHubError):
            cell.result()
        check_memory(kernel)
        assert kernel.session.read_file("ended.txt") == "125.25"


def _ask_server(base: str) -> None:
    """A connection of its own each time, given up soon: one to a proxy that died may wait for a minute."""
    try:
        headers = {"Authorization": "token of-nobody"}
        answer = requests.get(f"{base}api/kernels", headers=headers, timeout=2, allow_redirects=False)
    except requests.RequestException as error:
        raise LumiHubError("no answer", where=base) from error
    # How the server refuses a token that it does not know; the hub, where the route is lost, sends elsewhere.
    assert answer.status_code == requests.codes.forbidden


@pytest.mark.usefixtures("_mended")
def test_cache_that_is_killed_comes_back_with_what_it_held(one: ClusterInstallation, link: Link) -> None:
    with working_student(one, "reader") as kernel:
        for sample in EVENTS:
            check_read(kernel, sample)
        kill_pod(one, "cache")
        began = time.monotonic()
        seen = read(kernel, "data_A")
        tell(f"a read after the cache was killed ({seen.error or 'went on'})", time.monotonic() - began)
        assert seen.text == str(EVENTS["data_A"][0]) or "the data cache does not answer" in seen.traceback
        tell("no reading after the cache was killed", measure_outage(lambda: check_read(kernel, "data_A")))
        before = link.down
        for sample in EVENTS:
            check_read(kernel, sample)
        assert link.down - before == 0


@pytest.mark.usefixtures("_mended")
def test_origin_that_is_gone_leaves_what_the_cache_holds(one: ClusterInstallation, link: Link) -> None:
    with working_student(one, "offline") as kernel:
        for sample in EVENTS:
            check_read(kernel, sample)
        _forget(find_volume(one.cluster, NAMESPACE, "data-cache-0"), "data_C")
        kill_pod(one, "cache")
        measure_outage(lambda: check_read(kernel, "data_A"))
        with link.gone():
            check_read(kernel, "data_A")
            began = time.monotonic()
            seen = read(kernel, "data_C")
            tell("until a student hears that the origin is gone", time.monotonic() - began)
            words = f"the origin {one.cluster.host_address} does not answer, and the cache does not hold all of this"
            assert words in seen.error
            assert "go on with files that were read before" in seen.error
            check_read(kernel, "data_B")
        tell("no reading after the origin came back", measure_outage(lambda: check_read(kernel, "data_C")))


@pytest.mark.usefixtures("_mended")
def test_line_that_goes_dead_is_told_within_half_a_minute_and_used_again(one: ClusterInstallation, link: Link) -> None:
    with working_student(one, "waiting") as kernel, ThreadPoolExecutor(1) as pool:
        other = kernel.session.start_kernel()
        with _half_read(one, kernel, link, pool, other) as cell, link.silent():
            began = time.monotonic()
            opened = read(kernel, "data_B")
            tell("until a student hears that the line is dead", time.monotonic() - began)
            interrupted = cell.result()
            tell("until another hears it, whose read was under way", time.monotonic() - began)
            check_read(kernel, "data_A")
        for seen in (opened, interrupted):
            assert f"the origin {one.cluster.host_address} does not answer, and the cache does not hold" in seen.error
        # Each in the kernel that was told so: a connection that broke must not stay broken.
        tell("no new file after the line was back", measure_outage(lambda: check_read(kernel, "data_B")))
        tell("no interrupted one after that", measure_outage(lambda: check_read(other, "data_C")))
        other.close()


@pytest.mark.usefixtures("_mended")
def test_read_goes_on_through_the_death_of_the_cache(one: ClusterInstallation, link: Link) -> None:
    with (
        working_student(one, "steady") as kernel,
        ThreadPoolExecutor(1) as pool,
        _half_read(one, kernel, link, pool, kernel) as cell,
    ):
        kill_pod(one, "cache")
        assert not cell.done()
        began = time.monotonic()
        seen = cell.result()
        tell(f"a read after the cache was killed in its middle ({seen.error or 'went on'})", time.monotonic() - began)
        assert seen.text == str(EVENTS["data_C"][0]) or "the data cache does not answer" in seen.error
        measure_outage(lambda: check_read(kernel, "data_C"))


@contextmanager
def _half_read(
    one: ClusterInstallation, kernel: Kernel, link: Link, pool: ThreadPoolExecutor, reader: Kernel
) -> Iterator[Future[CellResult]]:
    """A cell of `reader` in the middle of data_C, over a slow link; the cache holds data_A, and nothing of data_B."""
    check_read(kernel, "data_A")
    for sample in ("data_B", "data_C"):
        _forget(find_volume(one.cluster, NAMESPACE, "data-cache-0"), sample)
    kill_pod(one, "cache")
    measure_outage(lambda: check_read(kernel, "data_A"))
    before, link.rate = link.down, 8_000
    try:
        cell = pool.submit(read, reader, "data_C")
        measure_outage(lambda: _check_passed(link, before + 30_000))
        assert not cell.done()
        yield cell
    finally:
        link.rate = None


def _check_passed(link: Link, count: int) -> None:
    assert link.down > count


def _forget(cache: Path, sample: str) -> None:
    for path in cache.rglob(f"{sample}.4lep.root*"):
        path.unlink()


@pytest.mark.usefixtures("_mended")
def test_cache_whose_volume_is_full_goes_on_serving(one: ClusterInstallation) -> None:
    volume = find_volume(one.cluster, NAMESPACE, "data-cache-0")
    with working_student(one, "thirsty") as kernel:
        scale(one, "statefulset/cache", 0)
        for sample in EVENTS:
            _forget(volume, sample)
        with small_disk(volume, 64):  # XRootD refuses one of less than 10 MB
            fill(volume, "full.bin", STUDENT)
            scale(one, "statefulset/cache", 1)
            for _ in range(2):
                for sample in EVENTS:
                    check_read(kernel, sample)
            states = one.get("pod", "cache-0")["status"]["containerStatuses"]
            assert [state["restartCount"] for state in states] == [0] * len(states)
            scale(one, "statefulset/cache", 0)
        scale(one, "statefulset/cache", 1)
        check_read(kernel, "data_A")


def test_node_agent_that_is_killed_comes_back_and_kernels_go_on(one: ClusterInstallation) -> None:
    with working_student(one, "unaware") as kernel:
        agent = _find_agent()
        os.kill(agent, signal.SIGKILL)
        check_memory(kernel)
        tell("no node agent after it was killed", measure_outage(lambda: _ask_agent(one)))
        assert _find_agent() != agent
        # It looks at every pod anew, and until then no Service leads to them.
        tell("parts not ready after it came back", measure_outage(lambda: _check_health(one)))
        check_memory(kernel)


def _find_agent() -> int:
    return next((part.pid for part in find_parts() if part.name == "kubelet"), 0)


def _ask_agent(one: ClusterInstallation) -> None:
    assert one.cluster.kubectl("get", "--raw", f"/api/v1/nodes/{NODE}/proxy/healthz") == "ok"
