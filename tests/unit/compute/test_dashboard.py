from __future__ import annotations

import stat
from pathlib import Path

import pytest

from lumihub.compute import dashboard

pytestmark = pytest.mark.usefixtures("short_home")


def test_in_a_server_it_lies_beside_the_kernels_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    assert dashboard.socket_path() == Path.home() / ".local/share/lumihub/dask/dashboard.sock"
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", "/run/lumihub-0123abcd")
    assert dashboard.socket_path() == Path("/run/lumihub-0123abcd/dask/dashboard.sock")


def test_only_the_owner_may_open_the_socket_and_its_folder() -> None:
    bound = dashboard.bind()
    assert bound
    listener, own = bound
    with listener:
        assert stat.S_IMODE(own.stat().st_mode) == 0o600
        assert stat.S_IMODE(own.parent.stat().st_mode) == 0o700
        assert dashboard.socket_path().resolve() == own.resolve()
    dashboard.release(own)
    assert list(own.parent.iterdir()) == []


def test_the_newest_is_shown_and_the_one_before_takes_over() -> None:
    first, second = dashboard.bind(), dashboard.bind()
    assert first
    assert second
    with first[0], second[0]:
        assert dashboard.socket_path().readlink() == Path(second[1].name)
        dashboard.release(second[1])
        assert dashboard.socket_path().readlink() == Path(first[1].name)
    dashboard.release(first[1])


def test_an_older_one_that_ends_leaves_the_newest_alone() -> None:
    first, second = dashboard.bind(), dashboard.bind()
    assert first
    assert second
    with first[0], second[0]:
        dashboard.release(first[1])
        assert dashboard.socket_path().readlink() == Path(second[1].name)
    dashboard.release(second[1])


def test_sockets_of_dead_processes_are_removed() -> None:
    dead = dashboard.bind()
    assert dead
    dead[0].close()
    alive = dashboard.bind()
    assert alive
    with alive[0]:
        assert not dead[1].exists()
    dashboard.release(alive[1])


def test_a_home_too_deep_for_a_socket_has_no_dashboard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / ("deep" * 25)))
    assert dashboard.bind() is None


@pytest.mark.parametrize(
    ("prefix", "link"), [("/user/ada/", "/user/ada/dask/status"), ("/hub/user/x", "/hub/user/x/dask/status"), ("", "")]
)
def test_link_lies_below_the_students_server(prefix: str, link: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", prefix)
    assert dashboard.link() == link
