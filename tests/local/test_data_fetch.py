"""`data fetch`, `verify`, `usage` and `remove` as typed, against a real XRootD origin that is slow, broken or gone."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lumihub.data.cache import find_cache_obstacle
from opendata import PLACE
from servers.link import Link
from servers.xrootd import CLIENT_ENVIRONMENT, XRootDCache, XRootDOrigin

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.xrootd

LUMIHUB = str(Path(sys.executable).with_name("lumihub"))
SIZE = 4_000_000


class School:
    """A values file with an origin, and the verbs typed in its folder."""

    def __init__(self, folder: Path, origin: str, *, port: int = 11094, data: Path | None = None) -> None:
        self.folder = folder
        self.data = data or folder / "state" / "data"
        self.mirror = self.data / "mirror"
        self.manifest = folder / "manifest.json"
        self.values = folder / "values.yaml"
        self.values.write_text(
            "local:\n  folder: state\n"
            f"data:\n  folder: {self.data}\n  mode: mirror\n  cache:\n    port: {port}\n"
            f"  origin:\n    url: {origin}\n    manifest: {self.manifest}\n"
        )

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [LUMIHUB, "data", *words],
            cwd=self.folder,
            env=os.environ | CLIENT_ENVIRONMENT | {"NO_COLOR": "1", "COLUMNS": "200"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def type(self, *words: str, code: int = 0) -> tuple[str, str]:
        process = self.start(*words)
        out, err = process.communicate(timeout=120)
        assert process.returncode == code, f"exit {process.returncode}\n{out}\n{err}"
        return out, err

    def take(self, origin: str) -> None:
        self.type("manifest", origin, "-o", str(self.manifest))


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    """A folder as at CERN with four files of 4 MB: their names are real, their bytes are not."""
    folder = tmp_path / "copies"
    place = folder / PLACE
    place.mkdir(parents=True)
    for seed, period in enumerate("ABCD"):
        (place / f"data_{period}.4lep.root").write_bytes(random.Random(seed).randbytes(SIZE))  # noqa: S311
    return folder


@pytest.fixture
def origin(copies: Path) -> Iterator[XRootDOrigin]:
    obstacle = find_cache_obstacle("root://127.0.0.1")
    if obstacle:
        pytest.skip(obstacle)
    with XRootDOrigin(copies) as server:
        yield server


def _whole(mirror: Path) -> list[str]:
    return sorted(path.name for path in mirror.rglob("*.root"))


def _adlers(folder: Path) -> dict[str, int]:
    return {path.name: zlib.adler32(path.read_bytes()) for path in folder.rglob("*.root")}


def _wait_for_bytes(mirror: Path, amount: int) -> None:
    end = time.monotonic() + 60
    while sum(path.stat().st_size for path in mirror.rglob("*.part")) < amount:
        assert time.monotonic() < end, "nothing came in"
        time.sleep(0.02)


def _wait_until_quiet(link: Link) -> int:
    """What was on its way when a reader died still crosses the link; returns the count once nothing moves."""
    before = -1
    while link.down != before:
        before = link.down
        time.sleep(1)
    return before


def test_a_fetch_killed_in_the_middle_goes_on_where_it_stopped(
    origin: XRootDOrigin, tmp_path: Path, copies: Path
) -> None:
    with Link(origin.port, rate=4_000_000) as link:
        school = School(tmp_path, origin.url(link.port))
        school.take(origin.url())
        running = school.start("fetch", "4lep", "--streams", "2")
        _wait_for_bytes(school.mirror, 5_000_000)
        os.kill(running.pid, signal.SIGKILL)
        running.communicate()
        kept = sum(path.stat().st_size for path in school.mirror.rglob("*") if path.is_file())
        assert all(path.stat().st_size == SIZE for path in school.mirror.rglob("*.root"))

        crossed = _wait_until_quiet(link)
        out, err = school.type("fetch", "4lep", "--json")
        answer = json.loads(out)

        assert answer["bytes"] == 4 * SIZE - kept
        assert link.down - crossed < 4 * SIZE - kept + 500_000
        assert _adlers(school.mirror) == _adlers(copies)
        assert not list(school.mirror.rglob("*.part"))
        assert f"of 4 files to fetch, {(4 * SIZE - kept) / 1e6:.1f} MB" in err
        assert "all 4 files are here already (16.0 MB)" in school.type("fetch", "4lep")[1]


def test_an_interrupted_fetch_says_how_to_go_on(origin: XRootDOrigin, tmp_path: Path, copies: Path) -> None:
    with Link(origin.port, rate=3_000_000) as link:
        school = School(tmp_path, origin.url(link.port))
        school.take(origin.url())
        running = school.start("fetch", "4lep")
        _wait_for_bytes(school.mirror, 2_000_000)
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=60)
        assert running.returncode == 130
        assert err.endswith("! interrupted; type the same command again to go on\n")
    school = School(tmp_path, origin.url())
    assert json.loads(school.type("fetch", "4lep", "--json")[0])["bytes"] < 4 * SIZE - 1_900_000
    assert _adlers(school.mirror) == _adlers(copies)


def test_a_link_that_breaks_again_and_again_is_survived(origin: XRootDOrigin, tmp_path: Path, copies: Path) -> None:
    with Link(origin.port, rate=4_000_000) as link:
        school = School(tmp_path, origin.url(link.port))
        school.take(origin.url())
        running = school.start("fetch", "4lep", "--streams", "2")
        for amount in (1_500_000, 4_000_000):
            _wait_for_bytes(school.mirror, amount)
            link.cut()
        _, err = running.communicate(timeout=120)
        assert running.returncode == 0, err
    assert _adlers(school.mirror) == _adlers(copies)


def test_two_fetches_at_once_bring_each_file_once(origin: XRootDOrigin, tmp_path: Path, copies: Path) -> None:
    with Link(origin.port, rate=8_000_000) as link:
        school = School(tmp_path, origin.url(link.port))
        school.take(origin.url())
        pair = [school.start("fetch", "4lep", "--json") for _ in range(2)]
        answers = [json.loads(process.communicate(timeout=120)[0]) for process in pair]
        assert [process.returncode for process in pair] == [0, 0]
        assert sum(answer["bytes"] for answer in answers) == 4 * SIZE
    assert _adlers(school.mirror) == _adlers(copies)
    assert not list(school.mirror.rglob("*.part"))


def test_wrong_bytes_never_get_the_name(origin: XRootDOrigin, tmp_path: Path) -> None:
    school = School(tmp_path, origin.url())
    school.take(origin.url())
    manifest = json.loads(school.manifest.read_text())
    right = manifest["files"][1]["adler32"]
    manifest["files"][1]["adler32"] = "00000bad"
    school.manifest.write_text(json.dumps(manifest))

    _, err = school.type("fetch", "4lep", code=1)

    assert err.split("error: ", 1)[1] == (
        f"{PLACE}/data_B.4lep.root came in with adler32 {right}, and the manifest says 00000bad\n"
        f"  in {origin.url()}/{PLACE}/data_B.4lep.root\n"
        "  fix: if the origin's file differs on purpose, make a manifest of it with `data manifest` and name it as"
        " data.origin.manifest\n"
        "\n"
        "error: 1 of 4 files did not arrive; what came in is kept\n"
        "  fix: type the same command again once the cause is gone\n"
    )
    assert _whole(school.mirror) == ["data_A.4lep.root", "data_C.4lep.root", "data_D.4lep.root"]


def test_an_origin_that_is_not_there(origin: XRootDOrigin, tmp_path: Path) -> None:
    school = School(tmp_path, origin.url())
    school.take(origin.url())
    origin.stop()
    began = time.monotonic()

    _, err = school.type("fetch", "4lep", code=1)

    assert err == (
        f"error: data.origin.url: 127.0.0.1 refuses connections on port {origin.port}\n"
        "  fix: try `doctor`; where port 1094 is closed, https://opendata.cern.ch/eos/opendata/atlas may pass\n"
    )
    assert time.monotonic() - began < 20
    assert not list(school.mirror.rglob("*")) if school.mirror.exists() else True


def test_a_file_that_the_origin_has_not_got(origin: XRootDOrigin, tmp_path: Path) -> None:
    school = School(tmp_path, origin.url())
    school.take(origin.url())
    (origin.files / PLACE / "data_C.4lep.root").unlink()

    _, err = school.type("fetch", "4lep", "-s", "data_C", code=1)

    name = f"{PLACE}/data_C.4lep.root"
    assert err.split("error: ", 1)[1] == (
        f"{name} did not arrive: the origin does not have {origin.url()}/{name}\n"
        "  fix: see whether the origin holds it\n"
    )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    folder = tmp_path / "small"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=10m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"this machine does not let a test mount a tmpfs: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.root
def test_too_small_a_disk_is_said_before_anything_comes(origin: XRootDOrigin, tmp_path: Path, small_disk: Path) -> None:
    school = School(tmp_path, origin.url(), data=small_disk / "data")
    school.take(origin.url())

    _, err = school.type("fetch", "4lep", code=1)

    assert err == (
        "error: the files need 16.0 MB and 10.5 MB are free: 6.0 MB too little, 524.3 kB kept free included\n"
        f"  in {small_disk}/data/mirror\n"
        "  fix: make room, choose fewer samples with --sample, or set data.folder to a bigger disk\n"
    )
    assert list(school.mirror.iterdir()) == []


@pytest.mark.root
def test_a_disk_that_fills_up_leaves_nothing_that_looks_whole(
    origin: XRootDOrigin, tmp_path: Path, small_disk: Path, copies: Path
) -> None:
    with Link(origin.port, rate=4_000_000) as link:
        school = School(tmp_path, origin.url(link.port), data=small_disk / "data")
        school.take(origin.url())
        running = school.start("fetch", "4lep", "-s", "data_A", "-s", "data_B", "--streams", "1")
        _wait_for_bytes(school.mirror, 500_000)
        somebody_else = small_disk / "somebody-else"
        somebody_else.write_bytes(bytes(7_000_000))
        _, err = running.communicate(timeout=60)
        assert running.returncode == 1
        held = next(school.mirror.rglob("*.part"))
        missing = (2 * SIZE - held.stat().st_size) / 1e6
        assert err.split("error: ", 1)[1] == (
            f"the disk is full: {missing:.1f} MB still have to come\n"
            f"  in {school.mirror}\n"
            "  fix: make room or set data.folder to a bigger disk; the same command then goes on where it stopped\n"
        )
        assert _whole(school.mirror) == []
        somebody_else.unlink()
        kept = held.stat().st_size
        answer = json.loads(school.type("fetch", "4lep", "-s", "data_A", "-s", "data_B", "--json")[0])
        assert answer["bytes"] == 2 * SIZE - kept
    expected = _adlers(copies)
    assert _adlers(school.mirror) == {name: expected[name] for name in ("data_A.4lep.root", "data_B.4lep.root")}


def test_verify_names_the_bad_file_and_repairs_it(origin: XRootDOrigin, tmp_path: Path, copies: Path) -> None:
    school = School(tmp_path, origin.url())
    school.take(origin.url())
    school.type("fetch", "4lep")
    assert "mirror: 4 files right (16.0 MB read), 0 wrong" in school.type("verify")[1]
    victim = school.mirror / PLACE / "data_D.4lep.root"
    right = f"{zlib.adler32(victim.read_bytes()):08x}"
    with victim.open("r+b") as stream:
        stream.seek(1234)
        byte = stream.read(1)
        stream.seek(1234)
        stream.write(bytes([byte[0] ^ 8]))
    wrong = f"{zlib.adler32(victim.read_bytes()):08x}"

    _, err = school.type("verify", "4lep", code=1)
    assert err.split("error: ", 1)[1] == (
        f"{PLACE}/data_D.4lep.root: adler32 {wrong} in place of {right}\n  in the mirror\n  fix: data verify --repair\n"
    )
    answer = json.loads(school.type("verify", "--repair", "--json")[0])
    assert answer["repaired"] == [f"{PLACE}/data_D.4lep.root"]
    assert _adlers(school.mirror) == _adlers(copies)


def test_usage_and_removal(origin: XRootDOrigin, tmp_path: Path) -> None:
    school = School(tmp_path, origin.url())
    school.take(origin.url())
    school.type("fetch", "4lep", "-s", "data_[AB]")
    [row] = json.loads(school.type("usage", "--json")[0])["collections"]
    assert (row["files"], row["total_files"], row["bytes"], row["total_bytes"]) == (2, 4, 2 * SIZE, 4 * SIZE)

    _, err = school.type("remove", "4lep", "-s", "data_A", code=2)
    assert err == (
        "error: Remove 1 files (4.0 MB) from the mirror and 0 from the cache: nobody is there to ask\n"
        "  fix: add --yes\n"
    )
    _, err = school.type("remove", "4lep", "-s", "data_A", "--yes")
    assert err.splitlines()[-2:] == [
        "✓ removed; 4.0 MB are free again",
        "✓ to have them back: ./deploy.py data fetch 4lep -s 'data_A'",
    ]
    assert _whole(school.mirror) == ["data_B.4lep.root"]
    school.type("remove", "--all", "--yes")
    assert list(school.mirror.iterdir()) == []


def test_usage_shows_the_caches_own_counters(origin: XRootDOrigin, tmp_path: Path) -> None:
    with XRootDCache(origin.url()) as cache:
        school = School(tmp_path, origin.url(), port=cache.port)
        school.take(origin.url())
        (school.data).mkdir(parents=True)
        (school.data / "cache").symlink_to(cache.folders.data)
        program = (
            "import sys; from lumihub.data.origins import Origin\n"
            f"with Origin(sys.argv[1], timeout=20).open('{PLACE}/data_A.4lep.root', {SIZE}) as file:\n"
            "    for offset in range(0, 2_000_000, 500_000): file.read(offset, 500_000)\n"
        )
        url = f"{cache.url}//eos/opendata/atlas"
        for _ in range(2):
            subprocess.run(
                [sys.executable, "-c", program, url], check=True, timeout=60, env=os.environ | CLIENT_ENVIRONMENT
            )
        cache.wait_until_closed()
        counters = json.loads(school.type("usage", "--json")[0])["cache"]
        assert counters["served"] == 4_000_000
        blocks = -(-2_000_000 // 65536) * 65536
        assert counters["from_origin"] == counters["held"] == blocks
        assert counters["saved"] == 4_000_000 - blocks
        assert (counters["files"], counters["complete"]) == (1, 0)
        # The second reader found everything; the first found parts of blocks that its earlier reads had brought.
        assert 0.5 <= counters["hit_rate"] < 1
        _, err = school.type("verify")
        assert "cache: 1 files are here in part, and have no checksum to compare with" in err
