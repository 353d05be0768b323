"""Hub and proxy are killed while students work: their kernels go on, and `up` brings back the way to them."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest
import requests

from lumihub.local.processes import ProcessId, find_by_environment, find_process

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lumihub.operations.student import Kernel, StudentSession
    from servers.hub import Installation

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def student(hub: Installation) -> Iterator[StudentSession]:
    password = hub.add("lise")["lise"]
    with hub.student("lise", password) as session:
        yield session


@pytest.fixture
def kernel(student: StudentSession) -> Iterator[Kernel]:
    one = student.start_kernel()
    assert not one.run("import os; mass = 125.35; pid = os.getpid()").error
    yield one
    one.close()
    student.delete_kernel(one.identity)


def test_killed_hub_costs_no_variable_and_no_open_connection(hub: Installation, kernel: Kernel) -> None:
    hub.kill("hub")
    assert kernel.run("mass").text == "125.35"
    assert hub.up()["changes"] == ["started the hub"]
    assert kernel.run("mass").text == "125.35"
    kernel.close()
    assert kernel.run("mass, os.getpid() == pid").text == "(125.35, True)"


def test_killed_proxy_costs_no_variable(hub: Installation, kernel: Kernel) -> None:
    hub.kill("proxy")
    kernel.close()
    with pytest.raises(requests.ConnectionError):
        requests.get(hub.url, timeout=5)
    assert hub.up()["changes"] == ["started the proxy"]
    assert kernel.run("mass, os.getpid() == pid").text == "(125.35, True)"


def test_killed_hub_and_proxy_cost_no_variable(hub: Installation, kernel: Kernel) -> None:
    for part in ("hub", "proxy"):
        hub.kill(part)
    kernel.close()
    assert hub.up()["changes"] == ["started the proxy", "started the hub"]
    assert kernel.run("mass, os.getpid() == pid").text == "(125.35, True)"
    running = [one["name"] for one in hub.status()["students"] if one["running"]]
    assert running == ["lise"]


def test_restart_for_a_changed_setting_costs_no_variable(hub: Installation, kernel: Kernel) -> None:
    hub.change(hub={"activeServerLimit": 40})
    assert hub.up()["changes"] == ["restarted the hub"]
    assert kernel.run("mass, os.getpid() == pid").text == "(125.35, True)"


def test_server_can_be_stopped_after_a_killed_hub(hub: Installation, student: StudentSession) -> None:
    kernel = student.start_kernel()
    pids = kernel.run("import os; print(os.getpid(), os.getppid())").text.split()
    kernel.close()
    hub.kill("hub")
    hub.up()
    student.stop_server()
    assert [pid for pid in pids if find_process(int(pid))] == []
    student.start_server()


def test_server_that_died_while_the_hub_was_away_is_noticed(hub: Installation, student: StudentSession) -> None:
    kernel = student.start_kernel()
    server = int(kernel.run("import os; print(os.getppid())").text)
    kernel.close()
    hub.kill("hub")
    os.kill(server, signal.SIGKILL)
    hub.up()
    assert [one["name"] for one in hub.status()["students"] if one["running"]] == []
    student.start_server()


def test_killed_hub_takes_its_culler_along(hub: Installation) -> None:
    port = json.loads((hub.folder / "run" / "ports.json").read_text())["hub"]

    def find_cullers() -> set[ProcessId]:
        address = f"JUPYTERHUB_API_URL=http://127.0.0.1:{port}/hub/api".encode()
        return set(find_by_environment(address)) & set(find_by_environment(b"JUPYTERHUB_SERVICE_NAME=idle-culler"))

    def wait_for(count: int) -> None:
        deadline = time.monotonic() + 60
        while len(find_cullers()) != count and time.monotonic() < deadline:
            time.sleep(0.2)
        assert len(find_cullers()) == count

    wait_for(1)
    hub.kill("hub")
    wait_for(0)
    hub.up()
    wait_for(1)
