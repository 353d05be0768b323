"""Stream, cache and mirror through a real XRootD origin, and what stays readable when it is gone."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from lumihub.data.access import DataAccess
from lumihub.data.cache import find_cache_obstacle
from lumihub.data.cached import count_cached, evict, find_damaged, read_cached
from lumihub.data.listing import build_manifest
from lumihub.data.manifest import write_manifest
from lumihub.data.origins import Origin, speaks_xrootd
from lumihub.data.transfer import fetch_files
from lumihub.progress import Silent
from opendata import EVENTS
from servers.link import Link
from servers.web import WebOrigin
from servers.xrootd import CLIENT_ENVIRONMENT, EXPORT, XRootDCache

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers.xrootd import XRootDOrigin

pytestmark = [pytest.mark.xrootd, pytest.mark.opendata]

# A process of its own for every read: each student has one, and the XRootD client keeps connections and threads.
_READ = """
import json
import uproot
from lumihub import data

kept = {}
for sample in ("data_A", "data_B", "data_C"):
    [url] = data.files("4lep", sample)
    with uproot.open(url, **data.storage_options(url)) as file:
        leptons = file["mini"].arrays(["lep_type", "lep_charge"], library="np")
    # The four leading leptons: 4e, 2e2mu or 4mu, and no charge left over.
    keep = [
        sum(map(int, kinds[:4])) in (44, 48, 52) and sum(map(int, charges[:4])) == 0
        for kinds, charges in zip(leptons["lep_type"], leptons["lep_charge"])
    ]
    kept[sample] = [len(keep), sum(keep)]
print(json.dumps({"kept": kept, "label": data.label()}))
"""
_EXPECTED = {sample: list(counts) for sample, counts in EVENTS.items()}


def _read(access: DataAccess) -> dict[str, list[int]]:
    done = subprocess.run(
        [sys.executable, "-c", _READ],
        env=os.environ | access.environment() | CLIENT_ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["label"] == "ATLAS Open Data"
    kept: dict[str, list[int]] = answer["kept"]
    return kept


@pytest.fixture
def manifest(xrootd_origin: XRootDOrigin, tmp_path: Path) -> Path:
    """The origin's own manifest, read through root://."""
    path = tmp_path / "manifest.json"
    write_manifest(build_manifest(xrootd_origin.url(), Silent(), entries=True), path)
    return path


@pytest.fixture
def link(xrootd_origin: XRootDOrigin) -> Iterator[Link]:
    with Link(xrootd_origin.port) as relay:
        yield relay


def test_the_manifest_of_an_origin_counts_bytes_and_events(manifest: Path) -> None:
    files = {entry["path"].rsplit("/", 1)[-1]: entry for entry in json.loads(manifest.read_text())["files"]}

    assert {name: (entry["adler32"], entry["entries"]) for name, entry in files.items()} == {
        "data_A.4lep.root": ("111f642b", 39),
        "data_B.4lep.root": ("9b44f2de", 156),
        "data_C.4lep.root": ("7f498511", 237),
    }


def test_stream_reads_from_the_origin_each_time(xrootd_origin: XRootDOrigin, manifest: Path, link: Link) -> None:
    access = DataAccess(release="2020", mode="stream", origin=xrootd_origin.url(link.port), manifest=manifest)

    assert _read(access) == _EXPECTED
    first = link.down
    assert first > 20_000
    assert _read(access) == _EXPECTED
    assert link.down >= 2 * first * 0.95


def test_the_second_read_through_the_cache_takes_nothing_from_the_origin(
    xrootd_origin: XRootDOrigin, manifest: Path, link: Link
) -> None:
    origin = xrootd_origin.url(link.port)
    with XRootDCache(origin) as cache:
        access = DataAccess(release="2020", mode="cache", origin=origin, cache=cache.url, manifest=manifest)
        assert _read(access) == _EXPECTED
        assert link.down > 20_000
        cache.wait_until_closed()
        before = link.down
        assert _read(access) == _EXPECTED
        assert link.down == before

        xrootd_origin.stop()
        link.cut()
        assert _read(access) == _EXPECTED
        cache.stop()
        cache.start()
        assert _read(access) == _EXPECTED

        counters = count_cached(read_cached(cache.data))
        assert (counters.files, counters.complete) == (3, 3)
        assert counters.from_origin == counters.held == 25_826 + 60_364 + 84_525
        assert counters.saved > counters.from_origin
        assert counters.hit_rate is not None
        assert counters.hit_rate > 0.7


def test_the_cache_in_front_of_a_web_server(xrootd_origin: XRootDOrigin, manifest: Path) -> None:
    with WebOrigin(xrootd_origin.files.parents[2]) as web:
        origin = f"{web.url}{EXPORT}"
        obstacle = find_cache_obstacle(origin)
        if obstacle:
            pytest.skip(obstacle)
        with XRootDCache(origin) as cache:
            access = DataAccess(release="2020", mode="cache", origin=origin, cache=cache.url, manifest=manifest)
            assert _read(access) == _EXPECTED
            cache.wait_until_closed()
            served = web.served
            assert served == 25_826 + 60_364 + 84_525
            assert _read(access) == _EXPECTED
            assert web.served == served


def test_mirrored_files_read_without_the_origin(xrootd_origin: XRootDOrigin, manifest: Path, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    access = DataAccess(release="2020", mode="mirror", origin=xrootd_origin.url(), mirror=mirror, manifest=manifest)
    report = fetch_files(access.catalogue().files, Origin(access.origin, timeout=10), mirror, Silent())
    assert (len(report.arrived), report.bytes, report.faults) == (3, 25_826 + 60_364 + 84_525, {})
    xrootd_origin.stop()

    assert _read(access) == _EXPECTED


def test_a_flipped_byte_in_the_cache_is_found_and_comes_anew(
    xrootd_origin: XRootDOrigin, manifest: Path, tmp_path: Path
) -> None:
    with XRootDCache(xrootd_origin.url()) as cache:
        access = DataAccess(
            release="2020", mode="cache", origin=xrootd_origin.url(), cache=cache.url, manifest=manifest
        )
        assert _read(access) == _EXPECTED
        cache.wait_until_closed()
        files = access.catalogue().files
        assert find_damaged(cache.data, files, Silent()) == ([], 3, 0)
        victim = cache.data / files[1].path
        with victim.open("r+b") as stream:
            stream.seek(30_000)
            byte = stream.read(1)
            stream.seek(30_000)
            stream.write(bytes([byte[0] ^ 1]))

        damaged, compared, partial = find_damaged(cache.data, files, Silent())
        assert (damaged, compared, partial) == ([files[1]], 3, 0)
        assert evict(cache.data, files[1].path)
        assert not evict(cache.data, files[1].path)
        assert _read(access) == _EXPECTED
        cache.wait_until_closed()
        assert find_damaged(cache.data, files, Silent()) == ([], 3, 0)


def test_the_cache_lets_this_machine_in_alone(xrootd_origin: XRootDOrigin) -> None:
    address = _outward_address()
    if address is None:
        pytest.skip("this machine has no address but loopback")
    with XRootDCache(xrootd_origin.url()) as cache:
        assert speaks_xrootd("127.0.0.1", cache.port)
        # Reached by this address, the connection comes from it too, as another machine's would.
        assert not speaks_xrootd(address, cache.port)


def _outward_address() -> str | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Nothing is sent: connecting a datagram socket only picks the address that would be used.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address = str(probe.getsockname()[0])
    return None if address.startswith("127.") else address


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (EXPORT, f"{EXPORT}/OutreachDatasets"),
        (f"{EXPORT}/..", "permission denied"),
        (f"{EXPORT}/../..", "is disallowed"),
        ("/", "is disallowed"),
    ],
)
def test_the_cache_shows_the_releases_and_nothing_above(xrootd_origin: XRootDOrigin, path: str, said: str) -> None:
    with XRootDCache(xrootd_origin.url()) as cache:
        words = ["xrdfs", cache.url, "ls", path]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert said in done.stdout + done.stderr
