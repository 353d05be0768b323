"""A class that reads one collection at the same time: each byte crosses the link once."""

from __future__ import annotations

import os
import subprocess
import sys
import zlib
from typing import TYPE_CHECKING

import pytest

from collection import lay_out_collection
from lumihub.data.cache import find_cache_obstacle
from servers.link import Link
from servers.xrootd import CLIENT_ENVIRONMENT, XRootDCache, XRootDOrigin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.timeout(600), pytest.mark.xrootd]

READERS = 30
# Everybody in an order of their own, as students are; each name in the address gives a connection of its own.
READ = """
import sys, zlib
from concurrent.futures import ThreadPoolExecutor
from random import Random
from XRootD.client import File

address, readers, paths = sys.argv[1], int(sys.argv[2]), sys.argv[3:]

def read(reader):
    total = 0
    for path in Random(reader).sample(paths, len(paths)):
        file = File()
        for status, answer in (file.open(f"root://reader{reader}@{address}/{path}"), file.read(), file.close()):
            assert status.ok, (path, status.message)
            total += zlib.adler32(answer) if isinstance(answer, bytes) else 0
    return total

with ThreadPoolExecutor(readers) as pool:
    print(*pool.map(read, range(readers)))
"""


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[XRootDOrigin]:
    obstacle = find_cache_obstacle("root://127.0.0.1")
    if obstacle:
        pytest.skip(obstacle)
    lay_out_collection(tmp_path / "files")
    with XRootDOrigin(tmp_path / "files") as server:
        yield server


def test_thirty_readers_take_each_byte_over_the_link_once(origin: XRootDOrigin) -> None:
    files = sorted(origin.files.rglob("*.root"))
    contents = [path.read_bytes() for path in files]
    size, total = sum(map(len, contents)), sum(map(zlib.adler32, contents))
    with Link(origin.port) as link, XRootDCache(origin.url(link.port)) as cache:
        assert read(cache, origin, files) == [total] * READERS
        assert size <= link.down < 1.3 * size
        before = link.down
        assert read(cache, origin, files) == [total] * READERS
        assert link.down - before < 0.05 * size


def read(cache: XRootDCache, origin: XRootDOrigin, files: list[Path]) -> list[int]:
    """The sum of the checksums of what each reader got."""
    place = cache.url.partition("//")[2]
    paths = ["/" + str(path.relative_to(origin.run / "files")) for path in files]
    done = subprocess.run(
        [sys.executable, "-c", READ, place, str(READERS), *paths],
        env=os.environ | CLIENT_ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [int(word) for word in done.stdout.split()]
