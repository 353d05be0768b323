"""`up`, `status`, `logs` and `down` with a real hub: from nothing, twice, with other settings, after every mishap."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from servers.hub import Installation, installation

pytestmark = pytest.mark.timeout(600)


def test_second_up_changes_nothing_and_says_so(hub: Installation) -> None:
    before = {part: hub.pid(part) for part in ("proxy", "hub")}
    done = hub.lumihub("up")
    assert {part: hub.pid(part) for part in ("proxy", "hub")} == before
    assert "nothing to change: everything runs as the settings ask" in done.stderr
    assert "password" not in done.stdout


def test_first_password_is_shown_once_and_kept_privately(hub: Installation) -> None:
    kept = hub.folder / "secrets" / "admin.password"
    assert kept.read_text().strip() == hub.admin_password
    assert kept.stat().st_mode & 0o777 == 0o600
    with hub.student("admin", hub.admin_password, server=False):
        pass


def test_secrets_logs_and_database_are_private(hub: Installation) -> None:
    private = [hub.folder / name for name in ("secrets", "hub", "proxy", "logs", "run")]
    assert [folder.stat().st_mode & 0o777 for folder in private] == [0o700] * len(private)
    files = [path for folder in private for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 8
    assert [path for path in files if path.stat().st_mode & 0o077] == []


def test_no_secret_is_in_a_log_or_on_a_command_line(hub: Installation) -> None:
    secrets = [path.read_text().strip() for path in (hub.folder / "secrets").iterdir()]
    assert len(secrets) >= 4
    logs = "".join(path.read_text() for path in (hub.folder / "logs").rglob("*.log"))
    lines = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True, check=True).stdout
    assert [secret for secret in secrets if secret in logs or secret in lines] == []


def test_status_names_parts_data_and_address(hub: Installation) -> None:
    status = hub.status()
    assert {part["name"]: part["state"] for part in status["parts"]} == {
        "proxy": "running",
        "hub": "running",
        "cache": "off",
        "warmer": "off",
    }
    assert status["healthy"]
    assert status["url"] == hub.url
    assert status["data"] == "simulated sample, not ATLAS data (the origin did not answer when `up` ran last)"


def test_status_exits_with_1_when_a_part_died(hub: Installation) -> None:
    hub.kill("hub")
    done = hub.lumihub("status", check=False)
    assert done.returncode == 1
    assert "it ended by itself; type: ./deploy.py up" in done.stdout
    assert hub.up()["changes"] == ["started the hub"]


def test_logs_shows_one_part_or_all(hub: Installation) -> None:
    one = hub.lumihub("logs", "hub", "-n", "5").stdout.splitlines()
    assert len(one) == 5
    everything = hub.lumihub("logs").stdout
    assert "hub: [I " in everything
    done = hub.lumihub("logs", "hubb", check=False)
    assert done.returncode == 2
    assert done.stderr == (
        "error: there is no part hubb, and no student of that name has had a server\n"
        "  fix: name one of proxy, hub, cache, warmer, or a student\n"
    )


def test_logs_follows_new_lines(hub: Installation) -> None:
    with subprocess.Popen(hub.command("logs", "hub", "-f", "-n", "0"), stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        ended = threading.Event()

        def ask() -> None:
            while not ended.wait(0.2):
                requests.get(f"{hub.url}hub/somewhere-{os.getpid()}", timeout=10)

        asking = threading.Thread(target=ask)
        asking.start()
        try:
            assert any(f"somewhere-{os.getpid()}" in following.stdout.readline() for _ in range(10))
        finally:
            ended.set()
            asking.join()
            following.terminate()


def test_changed_setting_restarts_the_hub_alone(hub: Installation) -> None:
    proxy = hub.pid("proxy")
    hub.change(cull={"timeout": 1800})
    assert hub.up()["changes"] == ["restarted the hub"]
    assert hub.pid("proxy") == proxy
    assert hub.up()["changes"] == []


def test_stale_process_record_is_not_believed(hub: Installation) -> None:
    record = hub.folder / "run" / "hub.json"
    hub.kill("hub")
    # The id belongs to another process by now: this one.
    record.write_text(f'{{"pid": {os.getpid()}, "started": 1, "fingerprint": "x"}}')
    assert hub.up()["changes"] == ["started the hub"]
    assert requests.get(f"{hub.url}hub/login", timeout=10).ok


def test_lost_process_record_is_found_again(hub: Installation) -> None:
    before = hub.pid("proxy")
    (hub.folder / "run" / "proxy.json").unlink()
    assert hub.up()["changes"] == []
    assert hub.pid("proxy") == before


def test_two_at_once_wait_for_each_other(hub: Installation) -> None:
    hub.kill("hub")
    answers: list[dict[str, Any]] = []
    threads = [threading.Thread(target=lambda: answers.append(hub.up())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer["changes"] for answer in answers) == [[], ["started the hub"]]


@pytest.mark.parametrize(
    "after", [0.6, pytest.param(1.2, marks=pytest.mark.long), 2.0, pytest.param(3.0, marks=pytest.mark.long)]
)
def test_kill_in_the_middle_of_up_recovers(hub: Installation, after: float) -> None:
    hub.lumihub("down", "--yes")
    with subprocess.Popen(hub.command("up"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as interrupted:
        time.sleep(after)
        interrupted.kill()
    hub.up()
    assert hub.status()["healthy"]
    for part in ("traefik", "lumihub.local.hub"):
        lines = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True, check=True).stdout
        own = [line for line in lines.splitlines() if part in line and (part != "traefik" or str(hub.folder) in line)]
        assert len(own) == 1 or part == "lumihub.local.hub", own


def test_hub_that_hangs_is_restarted(hub: Installation) -> None:
    os.kill(hub.pid("hub"), signal.SIGSTOP)
    assert hub.up()["changes"] == ["restarted the hub, which did not answer"]


def test_port_taken_names_who_holds_it() -> None:
    with installation() as one, socket.socket() as holder:
        holder.bind(("127.0.0.1", one.settings["proxy"]["port"]))
        holder.listen()
        done = one.lumihub("up", check=False)
        port = one.settings["proxy"]["port"]
        name = Path(f"/proc/{os.getpid()}/comm").read_text().strip()
        assert done.returncode == 1
        assert done.stderr.endswith(
            f"error: proxy.port: port {port} is taken by {name} (process {os.getpid()})\n"
            "  fix: stop it, or set proxy.port to another port\n"
        )


def test_hub_that_can_not_start_shows_the_lines_that_matter() -> None:
    with installation(hub={"config": {"JupyterHub": {"db_url": "sqlite:////nowhere/at/all.sqlite"}}}) as one:
        done = one.lumihub("up", check=False)
        assert done.returncode == 1
        assert "error: the hub ended right after its start; it wrote:" in done.stderr
        assert "unable to open database file" in done.stderr
        assert f"in {one.folder}/logs/hub.log" in done.stderr


def fill_disk(folder: Path) -> None:
    with (folder / "fill").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)


@pytest.mark.root
def test_full_disk_says_so_and_what_to_do() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    with installation() as one:
        small = one.folder
        small.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(small)], check=True)
        try:
            done = one.lumihub("up", check=False)
            assert done.returncode == 1
            assert done.stderr.endswith(
                f"error: local.folder: {small} has 8.4 MB free, and 100.0 MB are needed\n"
                "  fix: make room there (./deploy.py data remove), or name a folder on a larger disk at local.folder\n"
            )
            (small / "secrets" / "tool_token").unlink()
            fill_disk(small)
            done = one.lumihub("up", check=False)
            assert done.returncode == 1
            assert done.stderr.endswith(
                f"error: local.folder: the disk that holds {small} is full\n"
                "  fix: make room there (./deploy.py data remove), or name a folder on a larger disk at local.folder\n"
            )
        finally:
            one.lumihub("down", "--yes", check=False)
            subprocess.run(["umount", str(small)], check=True)


def test_down_keeps_homes_and_up_brings_accounts_back(hub: Installation) -> None:
    passwords = hub.add("keeper")
    with hub.student("keeper", passwords["keeper"]) as student:
        kernel = student.start_kernel()
        assert not kernel.run("open('kept.txt', 'w').write('still here')").error
        kernel.close()
        done = hub.lumihub("down", check=False, given="n\n")
        assert "1 running servers are stopped (keeper)" in done.stderr
        assert done.returncode == 1
        assert hub.status()["healthy"]
    hub.lumihub("down", "--yes")
    assert {part["state"] for part in hub.status()["parts"]} <= {"stopped", "off"}
    assert hub.lumihub("down", "--yes").stderr.endswith("nothing to stop\n")
    hub.up()
    with hub.student("keeper", passwords["keeper"]) as student:
        assert student.read_file("kept.txt") == "still here"
