"""A student's Dask: who can reach it, and that analyses in its workers give what they give without."""

from __future__ import annotations

import os
import socket
import ssl
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest

from lumihub import compute
from lumihub.analysis.running import run
from lumihub.compute.session import LimitWarning
from lumihub.errors import InputError, LumiHubError
from opendata import EVENTS, PLACE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from distributed import Client

# distributed and bokeh leave sockets to the garbage collector when they close.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("home")
        patch.setenv("HOME", str(folder))
        for name in ("MEM_LIMIT", "CPU_LIMIT", "LUMIHUB_DASK", "JUPYTER_RUNTIME_DIR"):
            patch.delenv(name, raising=False)
        yield folder


@pytest.fixture(scope="module")
def client(home: Path) -> Iterator[Client]:
    yield compute.client(2)
    compute.close()


def listening() -> list[tuple[str, int]]:
    """Every TCP address on which this process or one of its children listens."""
    me = psutil.Process()
    return [
        (connection.laddr.ip, connection.laddr.port)
        for process in (me, *me.children(recursive=True))
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    ]


def test_only_tls_on_loopback_listens_and_plain_http_gets_nothing(client: Client) -> None:
    addresses = listening()
    workers = client.scheduler_info(n_workers=-1)["workers"]
    # The scheduler, and for each worker itself and its nanny.
    assert len(addresses) == 1 + 2 * len(workers) == 5
    for host, port in addresses:
        assert host == "127.0.0.1"
        with socket.create_connection((host, port), timeout=5) as plain:
            plain.sendall(b"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n")
            plain.settimeout(5)
            try:
                reply = plain.recv(4096)
            except OSError:
                reply = b""
        assert b"HTTP" not in reply
        with pytest.raises(OSError, match=r".*"):
            talk_without_certificate(host, port)


def talk_without_certificate(host: str, port: int) -> None:
    """A stranger encrypts, but has no certificate of this cluster: the other side hangs up."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((host, port), timeout=5) as raw, context.wrap_socket(raw) as encrypted:
        encrypted.settimeout(5)
        encrypted.sendall(b"x" * 100)
        if not encrypted.recv(1):
            raise ConnectionError("closed")


def test_the_dashboard_answers_its_owner_on_the_socket(client: Client, home: Path) -> None:
    path = home / ".local/share/lumihub/dask/dashboard.sock"
    with socket.socket(socket.AF_UNIX) as page:
        page.settimeout(60)
        page.connect(str(path))
        page.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert page.recv(4096).startswith(b"HTTP/1.1 200")


def test_what_it_keeps_on_the_disk_is_in_its_owners_folder(client: Client, home: Path) -> None:
    own = home / ".local/share/lumihub/dask"
    places = [client.run_on_scheduler(lambda dask_scheduler: dask_scheduler.local_directory)]
    places += client.run(lambda dask_worker: dask_worker.local_directory).values()
    places += client.run(lambda dask_worker: dask_worker.local_directory, nanny=True).values()
    assert len(places) == 5
    assert all(Path(place).is_relative_to(own) for place in places)
    assert own.stat().st_mode & 0o777 == 0o700


def test_asking_again_gives_the_same(client: Client) -> None:
    assert compute.client() is client
    assert compute.client(2) is client


def test_workers_have_one_thread_each_for_numerical_libraries(client: Client) -> None:
    threads = client.run(lambda: os.environ["OPENBLAS_NUM_THREADS"])
    assert list(threads.values()) == ["1", "1"]


@pytest.mark.opendata
def test_workers_find_what_one_process_finds(client: Client, opendata: Path) -> None:
    files = [str(opendata / PLACE / f"{sample}.4lep.root") for sample in EVENTS]
    alone, shared = run("higgs-4l", files), run("higgs-4l", files, client=client)
    assert shared.workers == 2
    assert list(shared.counts) == list(alone.counts)
    for sample, (_, kept) in EVENTS.items():
        assert shared.cutflow.count(sample, "charge-and-flavour").events_out == kept
        assert np.array_equal(shared.counts[sample].cuts, alone.counts[sample].cuts)
        assert shared.counts[sample].histograms == alone.counts[sample].histograms


def test_an_error_in_a_worker_arrives_whole(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "data_A.4lep.root"
    with pytest.raises(InputError) as caught:
        run("higgs-4l", [str(path)], client=client)
    assert str(caught.value).startswith(f"error: the file is not there\n  in {path}\n  fix: ")
    path.write_bytes(b"root but not really")
    with pytest.raises(LumiHubError) as caught_broken:
        run("higgs-4l", [str(path)], client=client)
    assert "it may be cut short or damaged" in str(caught_broken.value)


class _Interrupting:
    """Progress that plays the user who presses Ctrl-C once the first file was looked at."""

    def step(self, text: str) -> None: ...

    def warn(self, text: str) -> None: ...

    def task(self, text: str, total: float | None = None, unit: str = "steps") -> Any:
        from contextlib import nullcontext

        return nullcontext(self)

    def advance(self, amount: float = 1) -> None:
        raise KeyboardInterrupt

    def describe(self, text: str) -> None: ...


@pytest.mark.opendata
def test_ctrl_c_leaves_nothing_running(client: Client, opendata: Path) -> None:
    files = [str(opendata / PLACE / f"{sample}.4lep.root") for sample in EVENTS]
    with pytest.raises(KeyboardInterrupt):
        run("higgs-4l", files, client=client, progress=_Interrupting())
    deadline = time.monotonic() + 60
    while any(client.processing().values()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert run("higgs-4l", files[:1], client=client).events == 39


def test_too_little_memory_runs_in_this_process_and_says_so(
    home: Path, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    compute.close()
    monkeypatch.setenv("MEM_LIMIT", str(600 * 1024**2))
    with pytest.warns(LimitWarning) as said:
        small = compute.client()
    assert str(said[0].message) == "600 MiB of memory are too few for a Dask worker; everything runs in this process"
    assert small.submit(os.getpid).result() == os.getpid()
    assert listening() == []
    compute.close()
    assert not (home / ".local/share/lumihub/dask/dashboard.sock").is_symlink()


def test_what_the_administrator_switched_off_stays_off(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    compute.close()
    monkeypatch.setenv("LUMIHUB_DASK", '{"enabled": false, "maxWorkers": 4}')
    with pytest.warns(LimitWarning, match="Dask workers are switched off on this platform"):
        off = compute.client(2)
    assert off.submit(os.getpid).result() == os.getpid()
    compute.close()


def test_no_workers_at_all_is_refused() -> None:
    with warnings.catch_warnings(), pytest.raises(InputError) as caught:
        compute.client(0)
    assert str(caught.value) == (
        "error: workers is 0, but at least one is needed\n  fix: give workers=1 or more, or leave it out"
    )


def test_a_place_that_is_none_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        compute.client(where="moon")  # type: ignore[arg-type]
    assert str(caught.value) == (
        'error: where is \'moon\'\n  fix: give where="here", "pods" or "demo", or leave it out'
    )


def test_pods_on_one_machine_are_processes_of_it(home: Path) -> None:
    with pytest.warns(LimitWarning) as said:
        client = compute.client(1, where="pods")
    assert [str(one.message) for one in said] == [
        "there are no Dask workers in pods on this platform; this notebook uses those of your own server"
    ]
    assert said[0].filename == __file__
    assert client.submit(sum, [1, 2]).result() == 3
    assert compute.client(1) is client
    compute.close()


def test_a_gateway_that_does_not_answer_costs_one_sentence(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUMIHUB_DASK", '{"enabled": true, "maxWorkers": 4, "gateway": "http://127.0.0.1:9"}')
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "random")
    with pytest.warns(LimitWarning) as said:
        client = compute.client(1)
    assert [str(one.message) for one in said] == [
        "no Dask workers in pods, for the Dask gateway does not answer;"
        " this notebook goes on with those of your own server"
    ]
    assert client.submit(sum, [1, 2]).result() == 3
    # It goes on there as long as nobody asks for more.
    assert compute.client() is client
    compute.close()
