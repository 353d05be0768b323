"""What `down` leaves and what it removes; these tests take the shared installation away, so they come last."""

from __future__ import annotations

import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from cluster.installation import NAMESPACE, USERS, ClusterInstallation

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.timeout(1200), pytest.mark.xrootd, pytest.mark.opendata]


@pytest.mark.long
def test_down_keeps_homes_and_accounts_and_up_brings_them_back(one: ClusterInstallation) -> None:
    password = one.add("keeper")["keeper"]
    with one.student("keeper", password) as student:
        kernel = student.start_kernel()
        assert not kernel.run("open('kept.txt', 'w').write('still here')").error
        kernel.close()
    said = one.lumihub("down", "--yes").stderr
    assert "stopped students' servers (1)" in said
    claims = one.cluster.kubectl("get", "persistentvolumeclaims", "--all-namespaces", "--output=name")
    assert {"hub-db", "data-cache-0", "home-keeper"} <= {line.partition("/")[2] for line in claims.splitlines()}
    assert {part["state"] for part in one.status()["parts"]} <= {"stopped", "off"}
    assert one.up("--no-check")["admin"] is None
    with one.student("keeper", password) as student:
        assert student.read_file("kept.txt") == "still here"


def test_down_with_delete_data_leaves_nothing(one: ClusterInstallation) -> None:
    one.lumihub("down", "--delete-data", "--yes")
    left = one.cluster.kubectl("get", "namespaces", "--output=name")
    assert not {f"namespace/{NAMESPACE}", f"namespace/{USERS}"} & set(left.splitlines())
    assert one.lumihub("down", "--yes").stderr.endswith("nothing to stop\n")


@pytest.mark.long
@pytest.mark.parametrize("major", [3, 4])
def test_first_installation_that_is_killed_is_begun_anew(
    one: ClusterInstallation, helm: dict[int, Path], major: int
) -> None:
    mine = ClusterInstallation(one.cluster, one.folder, helm[major])
    up = subprocess.Popen(
        mine.command("up", "--no-check"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=mine.environment,
    )
    deadline = time.monotonic() + 120
    while not mine.cluster.kubectl("--namespace", NAMESPACE, "get", "deployment", "hub", "--ignore-not-found"):
        assert up.poll() is None, up.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    up.kill()
    up.communicate()
    answer = mine.up("--no-check")
    assert "an earlier change (pending-install) was not finished: its remains were removed" in answer["changes"]
    assert mine.status()["healthy"]
    shutil.rmtree(mine.folder / "state")
    mine.lumihub("down", "--delete-data", "--yes")
