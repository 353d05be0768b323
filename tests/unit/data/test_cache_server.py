import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from lumihub.data import cache_server
from lumihub.data.cache import CACHE_ENVIRONMENT, CacheFolders
from lumihub.data.cache_server import CacheServer, load_server, prepare
from lumihub.errors import InputError, LumiHubError

ORIGIN = "root://eospublic.cern.ch//eos/opendata/atlas"
PROJECT = Path(__file__).resolve().parents[3]


def test_what_the_environment_says():
    assert load_server({"LUMIHUB_CACHE_ORIGIN": ORIGIN, "LUMIHUB_CACHE_SIZE": "1000"}) == CacheServer(
        ORIGIN, 1094, 1000, CacheFolders(Path("/data"), Path("/run/lumihub"))
    )
    variables = {"ORIGIN": ORIGIN, "SIZE": "1", "PORT": "11094", "DATA": "/d", "RUN": "/r"}
    assert load_server({f"LUMIHUB_CACHE_{name}": value for name, value in variables.items()}) == CacheServer(
        ORIGIN, 11094, 1, CacheFolders(Path("/d"), Path("/r"))
    )


def test_an_institutions_authority_is_beside_the_configuration(xrootd, tmp_path):
    variables = {"ORIGIN": "https://s3.example.org/lake", "SIZE": "1", "DATA": str(tmp_path / "d"), "CA": "-----BEGIN"}
    server = load_server(
        {f"LUMIHUB_CACHE_{name}": value for name, value in {**variables, "RUN": str(tmp_path / "r")}.items()}
    )
    prepare(server)
    assert (tmp_path / "r/ca.pem").read_text() == "-----BEGIN"


def test_all_faults_at_once():
    with pytest.raises(InputError) as caught:
        load_server({"LUMIHUB_CACHE_SIZE": "50G", "LUMIHUB_CACHE_PORT": "65536"})
    assert str(caught.value) == (
        "error: LUMIHUB_CACHE_ORIGIN is not set\n"
        "  fix: set it to the origin's URL, as root://HOST//FOLDER\n\n"
        "error: LUMIHUB_CACHE_SIZE is 50G\n"
        f"  fix: set it to a whole number from 1 to {sys.maxsize}\n\n"
        "error: LUMIHUB_CACHE_PORT is 65536\n"
        "  fix: set it to a whole number from 1 to 65535"
    )


@pytest.fixture
def tmp_path():
    """Not pytest's own folder, whose path may be too long for the cache's sockets."""
    with tempfile.TemporaryDirectory(prefix="lumihub-", dir="/tmp") as place:
        yield Path(place)


@pytest.fixture
def xrootd(tmp_path, monkeypatch):
    program = tmp_path / "bin/xrootd"
    program.parent.mkdir()
    program.touch(mode=0o755)
    monkeypatch.setattr(cache_server, "find_xrootd", lambda: program)
    monkeypatch.setattr(cache_server, "find_cache_obstacle", lambda origin: None)
    return program


def test_the_folders_and_the_configuration_are_made(xrootd, tmp_path):
    server = CacheServer(ORIGIN, 1094, 10**9, CacheFolders(tmp_path / "data", tmp_path / "run"))
    assert prepare(server) == [str(xrootd), "-n", "lumihub-cache", "-c", str(tmp_path / "run/xrootd.cfg")]
    lines = (tmp_path / "run/xrootd.cfg").read_text().splitlines()
    assert "xrd.port 1094" in lines
    assert "pss.origin eospublic.cern.ch:1094" in lines
    assert f"oss.localroot {tmp_path / 'data'}" in lines
    # A cluster's policies keep strangers out; XRootD knows no pods.
    assert not [line for line in lines if line.startswith("xrd.allow")]


def test_a_volume_keeps_the_permissions_that_the_cluster_gave_it(xrootd, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data").chmod(0o2775)
    prepare(CacheServer(ORIGIN, 1094, 10**9, CacheFolders(tmp_path / "data", tmp_path / "run")))
    assert (tmp_path / "data").stat().st_mode & 0o7777 == 0o2775


def test_a_volume_that_belongs_to_somebody_else(xrootd, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path / "data")
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    monkeypatch.setattr(os, "getgroups", lambda: [1000, 4])
    with pytest.raises(LumiHubError) as caught:
        prepare(CacheServer(ORIGIN, 1094, 10**9, CacheFolders(tmp_path / "data", tmp_path / "run")))
    assert str(caught.value) == (
        f"error: the cache may not write to {tmp_path / 'data'}\n"
        "  in account 1000, groups 4, 1000\n"
        "  fix: give the volume to one of those groups (fsGroup in the pod's securityContext)"
    )


def test_an_origin_that_xrootd_cannot_read():
    with pytest.raises(LumiHubError) as caught:
        prepare(CacheServer("s3://bucket", 1094, 1, CacheFolders(Path("/d"), Path("/r"))))
    assert str(caught.value) == (
        "error: the cache cannot start: the cache reads from root:// and https:// origins alone, and data.origin.url"
        " is s3://bucket; name the bucket by its https:// address"
    )


def test_the_cache_gets_its_limits_of_waiting_unless_the_administrator_set_others(xrootd, tmp_path, monkeypatch):
    variables = {"ORIGIN": ORIGIN, "SIZE": "1", "DATA": str(tmp_path / "data"), "RUN": str(tmp_path / "run")}
    for name, value in variables.items():
        monkeypatch.setenv(f"LUMIHUB_CACHE_{name}", value)
    for name in CACHE_ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XRD_REQUESTTIMEOUT", "90")
    monkeypatch.setattr(os, "umask", lambda mask: mask)
    started = []
    monkeypatch.setattr(os, "execve", lambda *words: started.append(words))
    cache_server.main()
    [(program, command, environment)] = started
    assert (program, command[0]) == (str(xrootd), str(xrootd))
    wanted = {**CACHE_ENVIRONMENT, "XRD_REQUESTTIMEOUT": "90"}
    assert {name: environment[name] for name in wanted} == wanted


def test_it_starts_with_what_its_image_has(tmp_path):
    text = (PROJECT / "images/cache/Containerfile").read_text("utf-8")
    copied = re.findall(r"platform/(lumihub/\S+\.py)", text)
    assert len(copied) > 1
    for name in copied:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / "platform" / name, tmp_path / name)
    # -S leaves site-packages out.
    done = subprocess.run(
        [sys.executable, "-S", "-m", "lumihub.data.cache_server"],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: LUMIHUB_CACHE_ORIGIN is not set\n")
