"""What fails during a lesson, what the student sees of it, and that nothing of the student's is lost.

The page docs/explanation/when-something-fails.md tells the same to admins.
"""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import requests

from cluster.faults import PATIENCE, fill, kill_pod, measure_outage
from cluster.installation import NAMESPACE, USERS, ClusterInstallation, check_memory, working_student
from cluster.machine.disks import find_volume, small_disk
from cluster.machine.layout import NODE
from cluster.machine.processes import find_parts
from lumihub.errors import LumiHubError
from opendata import EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterator
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
        answer = requests.get(f"{base}api/kernels", timeout=2, allow_redirects=False)
    except requests.RequestException as error:
        raise LumiHubError("no answer", where=base) from error
    # How the server refuses whoever is not logged in; the hub, where the proxy has lost the route, sends to the log-in.
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


def _forget(cache: Path, sample: str) -> None:
    for path in cache.rglob(f"{sample}.4lep.root*"):
        path.unlink()


@pytest.mark.usefixtures("_mended")
def test_cache_whose_volume_is_full_goes_on_serving(one: ClusterInstallation) -> None:
    volume = find_volume(one.cluster, NAMESPACE, "data-cache-0")
    with working_student(one, "thirsty") as kernel:
        _scale_cache(one, 0)
        for sample in EVENTS:
            _forget(volume, sample)
        with small_disk(volume, 64):  # XRootD refuses one of less than 10 MB
            fill(volume, "full.bin", STUDENT)
            _scale_cache(one, 1)
            for _ in range(2):
                for sample in EVENTS:
                    check_read(kernel, sample)
            states = one.get("pod", "cache-0")["status"]["containerStatuses"]
            assert [state["restartCount"] for state in states] == [0] * len(states)
            _scale_cache(one, 0)
        _scale_cache(one, 1)
        check_read(kernel, "data_A")


def _scale_cache(one: ClusterInstallation, replicas: int) -> None:
    """Its volume can be exchanged while there is none of it."""
    begin = ("--namespace", NAMESPACE)
    one.cluster.kubectl(*begin, "scale", "statefulset/cache", f"--replicas={replicas}")
    if replicas:
        one.cluster.kubectl(*begin, "rollout", "status", "statefulset/cache", f"--timeout={PATIENCE}s")
    else:
        one.cluster.kubectl(*begin, "wait", "--for=delete", "pod/cache-0", f"--timeout={PATIENCE}s")


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
