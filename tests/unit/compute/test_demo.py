from __future__ import annotations

import socket

import pytest

from lumihub.compute import demo
from lumihub.compute.demo import NoDemonstrationError, find_demonstration


@pytest.fixture
def scheduler(monkeypatch: pytest.MonkeyPatch) -> socket.socket:
    """Listens where the scheduler would; nobody listens where its pages would be."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        monkeypatch.setattr(demo, "DASHBOARD_PORT", closed.getsockname()[1])
    server = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setattr(demo, "SCHEDULER_PORT", server.getsockname()[1])
    return server


def why(host: str = "127.0.0.1") -> str:
    with pytest.raises(NoDemonstrationError) as caught:
        find_demonstration(host)
    return caught.value.faults[0].what


def test_the_cluster_of_who_may_work_with_it(scheduler: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/ada/")
    with scheduler:
        found = find_demonstration("127.0.0.1")
        assert found.scheduler_address == f"tcp://127.0.0.1:{scheduler.getsockname()[1]}"
    assert found.dashboard_link == "/user/ada/demo/status"


def test_one_that_was_just_started_is_waited_for(scheduler: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    port = scheduler.getsockname()[1]
    scheduler.close()
    coming: list[socket.socket] = []
    monkeypatch.setattr(
        "lumihub.compute.demo.time.sleep", lambda _: coming.append(socket.create_server(("127.0.0.1", port)))
    )
    find_demonstration("127.0.0.1")
    [server] = coming
    server.close()


def test_a_name_that_nobody_has_means_that_none_runs() -> None:
    assert why("demo-scheduler.nowhere.invalid") == "none runs now"


def test_one_that_can_be_watched_alone_is_somebody_elses(
    scheduler: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler.close()
    with monkeypatch.context() as soon:
        soon.setattr(demo, "_COMING_SECONDS", 0)
        assert why() == "it does not answer"
    with socket.create_server(("127.0.0.1", 0)) as pages:
        monkeypatch.setattr(demo, "DASHBOARD_PORT", pages.getsockname()[1])
        assert why() == "the one that runs is somebody else's, for you to look at"
