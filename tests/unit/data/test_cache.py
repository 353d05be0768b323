from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lumihub.data import cache
from lumihub.data.cache import (
    CACHE_ENVIRONMENT,
    CacheFolders,
    build_cache_command,
    build_cache_config,
    build_cache_rules,
    find_cache_obstacle,
)
from lumihub.data.outages import PATIENCE
from lumihub.errors import LumiHubError

FOLDERS = CacheFolders(Path("/var/lib/lumihub/data/cache"), Path("/var/lib/lumihub/cache/run"))


def _config(origin: str = "root://eospublic.cern.ch//eos/opendata/atlas", **more: object) -> list[str]:
    return build_cache_config(
        origin=origin,
        folders=FOLDERS,
        rules=Path("/etc/rules"),
        port=11094,
        size=1024**3,
        **more,  # type: ignore[arg-type]
    ).splitlines()


def test_one_origin_one_folder_read_only_for_this_machine_alone() -> None:
    lines = _config()
    assert "xrd.port 11094" in lines
    assert [line for line in lines if line.startswith("xrd.allow")] == ["xrd.allow host 127.0.0.1"]
    assert [line for line in lines if line.startswith("all.export")] == ["all.export /eos/opendata/atlas r/o"]
    assert [line for line in lines if line.startswith("pss.origin")] == ["pss.origin eospublic.cern.ch:1094"]
    assert "oss.localroot /var/lib/lumihub/data/cache" in lines


@pytest.mark.parametrize(
    ("origin", "rules"),
    [
        ("root://a//eos/opendata/atlas/", "u * /eos/opendata/atlas/.. -l /eos/opendata/atlas lr\n"),
        ("https://a", "u * /.. -l / lr\n"),
    ],
)
def test_all_may_read_the_releases_and_nobody_sees_the_folder_above(origin: str, rules: str) -> None:
    assert build_cache_rules(origin) == rules
    assert {"ofs.authorize", "acc.authdb /etc/rules"} <= set(_config(origin))


def test_the_size_leaves_headroom_and_carries_a_unit() -> None:
    [line] = [line for line in _config() if line.startswith("pfc.diskusage")]
    assert line == "pfc.diskusage 0.90 0.95 files 734003k 838860k 943718k purgeinterval 60"


def test_a_disk_smaller_than_the_size_is_not_overbooked(tmp_path: Path) -> None:
    total = shutil.disk_usage(tmp_path).total // 1024
    folders = CacheFolders(tmp_path / "not-yet", FOLDERS.run)
    text = build_cache_config(origin="root://a//b", folders=folders, rules=Path("/r"), port=1, size=2**60)
    low, high, most = (int(word[:-1]) for word in text.split(" files ")[1].split()[:3])
    assert low < high < most < total


def test_small_blocks_nothing_ahead_and_often_remembered() -> None:
    assert {"pfc.blocksize 64k", "pfc.prefetch 0", "pfc.flush 100"} <= set(_config())


def test_the_cache_gives_an_origin_up_before_its_reader_gives_up() -> None:
    seconds = {name: int(value) for name, value in CACHE_ENVIRONMENT.items()}
    # Each try ends up to a second late.
    tries = seconds["XRD_CONNECTIONRETRY"] * (seconds["XRD_CONNECTIONWINDOW"] + seconds["XRD_TIMEOUTRESOLUTION"])
    assert tries < PATIENCE


def test_another_port_and_more_clients_and_monitoring() -> None:
    lines = _config("root://mirror.example.org:2094//data/atlas/", clients=("127.0.0.1", "10.0.0.*"), monitor="h:9931")
    assert "pss.origin mirror.example.org:2094" in lines
    assert "all.export /data/atlas r/o" in lines
    assert "xrd.allow host 10.0.0.*" in lines
    assert lines[-1] == "xrootd.mongstream pfc use flush 5s maxlen 8192 send json dflthdr h:9931"


def test_a_run_folder_too_deep_for_sockets_is_refused() -> None:
    folders = CacheFolders(Path("/data"), Path("/" + "a" * 80))
    with pytest.raises(LumiHubError) as caught:
        build_cache_config(origin="root://a//b", folders=folders, rules=Path("/r"), port=1, size=1)
    assert str(caught.value) == (
        f"error: the path /{'a' * 80} is too long for the cache's sockets (70 characters at most)\n"
        "  fix: set local.folder in the values file to a shorter path"
    )


@pytest.mark.parametrize(("user", "switch"), [(None, []), ("lh-cache", ["-R", "lh-cache"])])
def test_the_command(user: str | None, switch: list[str]) -> None:
    assert build_cache_command(Path("/usr/bin/xrootd"), Path("/a.cfg"), Path("/a.log"), user=user) == [
        "/usr/bin/xrootd",
        "-I",
        "v4",
        *switch,
        "-n",
        "lumihub-cache",
        "-c",
        "/a.cfg",
        "-l",
        "/a.log",
    ]


def test_what_keeps_a_machine_from_caching(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert find_cache_obstacle("/srv/atlas") == (
        "the cache reads from root:// and https:// origins alone, and data.origin.url is /srv/atlas"
    )
    monkeypatch.setattr(cache, "find_xrootd", lambda: None)
    assert find_cache_obstacle("root://a//b") == (
        "the xrootd server is not installed (on Debian and Ubuntu: apt-get install xrootd-server)"
    )
    (tmp_path / "bin").mkdir()
    (tmp_path / "lib").mkdir()
    monkeypatch.setattr(cache, "find_xrootd", lambda: tmp_path / "bin" / "xrootd")
    assert find_cache_obstacle("root://a//b") == (
        "the xrootd server has no proxy plugin (on Debian and Ubuntu: apt-get install xrootd-server-plugins)"
    )
    (tmp_path / "lib" / "libXrdPss-5.so").touch()
    assert find_cache_obstacle("root://a//b") is None
    assert find_cache_obstacle("https://a/b") == (
        "the xrootd server cannot read https:// (on Debian and Ubuntu: apt-get install xrootd-client-http-plugins)"
    )
    (tmp_path / "lib" / "libXrdClHttp-5.so").touch()
    assert find_cache_obstacle("https://a/b") is None


def test_a_web_origin_for_schools_that_close_port_1094() -> None:
    lines = _config("https://opendata.cern.ch/eos/opendata/atlas")
    assert "pss.origin https://opendata.cern.ch:443" in lines
    assert "all.export /eos/opendata/atlas r/o" in lines
