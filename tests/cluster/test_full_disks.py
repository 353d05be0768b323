"""Disks that fill up while people work on them: a student's home, the cache's volume, the hub's."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from cluster.faults import empty, fill, find_processes, kill_pod, measure_outage, scale
from cluster.installation import NAMESPACE, USERS, ClusterInstallation, check_memory, working_student
from cluster.machine.disks import find_volume, small_disk
from lumihub.errors import LumiHubError
from opendata import PLACE
from servers.xrootd import wait_until_closed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lumihub.operations.student import Kernel, StudentSession
    from servers.xrootd import XRootDOrigin

pytestmark = [pytest.mark.timeout(600), pytest.mark.xrootd, pytest.mark.opendata, pytest.mark.long]

STUDENT = 1000
# Looks at the cache's disk: bytes free, and bytes of data.
LOOK = "df -kP /data | tail -n 1; find /data -name '*.root' -exec du -k {} + | cut -f 1"
# As a program does that writes its results, to the last byte.
FILL = """
import os

os.makedirs("results/deep")
with open("results/deep/fill.bin", "wb", buffering=0) as file:
    try:
        while True:
            file.write(b"x" * 1000)
    except OSError as error:
        print(error.strerror)
"""


@pytest.fixture(autouse=True)
def _as_it_was(one: ClusterInstallation) -> Iterator[None]:
    if not one.cluster.is_own:
        pytest.skip("puts small disks below volumes of the project's own test cluster alone")
    yield
    assert one.plan()["changes"] == []


def build_notebook(text: str) -> dict[str, Any]:
    cell = {"cell_type": "markdown", "id": "one", "metadata": {}, "source": text}
    return {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def test_home_that_fills_up_under_a_running_server_keeps_every_file_as_it_was(one: ClusterInstallation) -> None:
    password = one.add("hoarder")["hoarder"]
    with one.student("hoarder", password) as student:
        student.stop_server()
        with small_disk(find_volume(one.cluster, USERS, "home-hoarder"), 8):
            try:
                student.start_server()
                fill_up_and_clean_up(student)
            finally:
                student.stop_server()
    one.lumihub("users", "remove", "hoarder", "--delete-home", "--yes")


def fill_up_and_clean_up(student: StudentSession) -> None:
    kernel = student.start_kernel()
    student.write_file("notes.txt", "before")
    student.write_file("mine.ipynb", build_notebook("before"))
    assert kernel.run(FILL).text == "No space left on device"
    words = r"was not saved; what you saved before is still there\. .* results/ \(.* most of it in deep/fill\.bin\)"
    for path, content in (("notes.txt", "after" * 9000), ("mine.ipynb", build_notebook("after" * 9000))):
        with pytest.raises(LumiHubError, match=rf"Your home is full: {path} {words}"):
            student.write_file(path, content)
    assert student.read_file("notes.txt") == "before"
    assert student.read_file("mine.ipynb")["cells"][0]["source"] == "before"
    assert student.get("api/contents/mine.ipynb/checkpoints").ok  # as JupyterLab asks when it opens one
    assert ".~" not in kernel.run("print(os.listdir())").text
    other = student.start_kernel()
    assert other.run("print(6 * 7)").text == "42"

    student.delete_file("results")  # a folder with what is in it
    student.write_file("mine.ipynb", build_notebook("after" * 9000))
    assert student.read_file("mine.ipynb")["cells"][0]["source"] == "after" * 9000
    for one in (kernel, other):
        one.close()


def test_cache_on_a_disk_that_is_too_small_for_the_data_makes_room(
    one: ClusterInstallation, origin: XRootDOrigin
) -> None:
    names = write_big_files(origin.files, count=6, megabytes=5)
    read = build_read(names)
    everything = " ".join([str(5 << 20)] * 6)
    with working_student(one, "greedy") as kernel, on_small_disk(one, "statefulset/cache", "data-cache-0", 20):
        assert kernel.run(read).text == everything
        free, held = look(one)
        print(f"just after 30 MB were read: {held / 1e6:.1f} MB are held on a disk of 20 MB, {free / 1e6:.1f} MB free")
        began = time.monotonic()
        measure_outage(lambda: check_free(one, 4 << 20))
        print(f"the cache had made room after {time.monotonic() - began:.0f} s")
        assert look(one)[1] < 0.8 * (20 << 20)
        kernel.close()  # a connection that nobody read from for minutes was closed by the server
        assert kernel.run(read).text == everything
        states = one.get("pod", "cache-0")["status"]["containerStatuses"]
        assert [state["restartCount"] for state in states] == [0] * len(states)


@pytest.mark.timeout(900)
def test_cache_that_makes_room_keeps_what_is_pinned(one: ClusterInstallation, origin: XRootDOrigin) -> None:
    names = write_big_files(origin.files, count=6, megabytes=5)
    pinned, other = (f"{PLACE}/data_{period}.4lep.root" for period in "AB")
    with working_student(one, "greedy") as kernel, on_small_disk(one, "statefulset/cache", "data-cache-0", 20):
        one.lumihub("data", "evict", "--all")
        # Read first of all, so that both would be the first to go.
        assert kernel.run(build_read([pinned, other])).error == ""
        close_all(one, kernel)
        answer = json.loads(one.lumihub("data", "pin", "4lep", "-s", "data_A", "-s", "data_C", "--json").stdout)
        assert [path.rpartition("/")[2] for path in answer["pinned"]] == ["data_A.4lep.root", "data_C.4lep.root"]
        assert [path.rpartition("/")[2] for path in answer["missing"]] == ["data_C.4lep.root"]
        for _ in range(2):
            fill_cache(one, kernel, names)
            assert pinned in find_cached(one)
            assert other not in find_cached(one)
            # A reader makes its record as young as any other's, until the keeper has looked.
            assert kernel.run(build_read([pinned])).error == ""
        [row] = [
            row
            for row in json.loads(one.lumihub("data", "usage", "--json").stdout)["collections"]
            if row["collection"] == "4lep"
        ]
        assert row["pinned"] == 2

        one.lumihub("data", "unpin", "--all")
        close_all(one, kernel)
        # It was read last. Only when all others have been read again is it the first to go.
        for _ in range(2):
            fill_cache(one, kernel, names)
        assert pinned not in find_cached(one)


def close_all(one: ClusterInstallation, kernel: Kernel) -> None:
    """Wait until the cache has closed what a kernel read: it throws out nothing that is open.

    With a busy disk it closes files half a minute late.
    """
    kernel.close()
    for process in find_processes(one.get("pod", "cache-0")["metadata"]["uid"]):
        wait_until_closed(process)


def fill_cache(one: ClusterInstallation, kernel: Kernel, names: list[str]) -> None:
    """Read more than the disk holds, and wait until the cache has made room."""
    assert kernel.run(build_read(names)).error == ""
    kernel.close()  # a connection that nobody reads from for minutes is closed by the server
    measure_outage(lambda: check_free(one, 4 << 20))


def build_read(paths: list[str]) -> str:
    """What reads files to their end, one after the other."""
    return (
        "from fsspec.core import open as open_url\n"
        f"for path in {paths}:\n"
        f"    with open_url(f'root://cache.{NAMESPACE}.svc:1094//eos/opendata/atlas/{{path}}') as file:\n"
        "        print(len(file.read()), end=' ')"
    )


def find_cached(one: ClusterInstallation) -> set[str]:
    """Paths of the files in the cache, below the origin's folder."""
    command = (
        "--namespace",
        NAMESPACE,
        "exec",
        "cache-0",
        "--container=cache",
        "--",
        "find",
        "/data",
        "-name",
        "*.root",
    )
    return {path.rpartition("opendata/atlas/")[2] for path in one.cluster.kubectl(*command).split()}


def write_big_files(folder: Path, count: int, megabytes: int) -> list[str]:
    """Names of files at the origin that nobody has read yet."""
    names = [f"big-{number}.root" for number in range(count)]
    for name in names:
        (folder / name).write_bytes(bytes(megabytes << 20))
        (folder / name).chmod(0o644)
    return names


def look(one: ClusterInstallation) -> tuple[int, int]:
    """Bytes that are free on the cache's disk, and bytes of data that it holds."""
    first, *sizes = one.cluster.kubectl(
        "--namespace", NAMESPACE, "exec", "cache-0", "--container=cache", "--", "sh", "-c", LOOK
    ).splitlines()
    return int(first.split()[3]) * 1024, sum(int(size) for size in sizes) * 1024


def check_free(one: ClusterInstallation, count: int) -> None:
    assert look(one)[0] > count


def test_hub_whose_disk_is_full_keeps_running_servers_and_its_accounts(one: ClusterInstallation) -> None:
    with working_student(one, "settled") as kernel:
        password = one.add("newcomer")["newcomer"]
        volume = find_volume(one.cluster, NAMESPACE, "hub-db")
        # Room that accounts of other tests have left in the database is room on a full disk.
        with closing(sqlite3.connect(volume / "jupyterhub.sqlite", timeout=60)) as database:
            database.execute("VACUUM")
        with on_small_disk(one, "deployment/hub", "hub-db", 8):
            fill(volume, "ballast", STUDENT)
            with (
                one.student("newcomer", password, server=False) as student,
                pytest.raises(LumiHubError, match="the server of newcomer did not start"),
            ):
                student.start_server()
            assert "database or disk is full" in one.lumihub("logs", "hub", "-n", "400").stdout
            check_memory(kernel)
            kill_pod(one, "hub")
            empty(volume, "ballast")
            seconds = measure_outage(lambda: check_start(one, "newcomer", password))
            print(f"a hub that was killed on its full disk, which then had room, served again after {seconds:.1f} s")
            check_memory(kernel)
        one.lumihub("users", "remove", "newcomer", "--delete-home", "--yes")


def check_start(one: ClusterInstallation, name: str, password: str) -> None:
    with one.student(name, password) as student:
        student.stop_server()


@contextmanager
def on_small_disk(one: ClusterInstallation, kind: str, claim: str, megabytes: int) -> Iterator[None]:
    """A part of the platform whose volume is a small disk while the block runs."""
    scale(one, kind, 0)
    try:
        with small_disk(find_volume(one.cluster, NAMESPACE, claim), megabytes):
            try:
                scale(one, kind, 1)
                yield
            finally:
                scale(one, kind, 0)
    finally:
        scale(one, kind, 1)
