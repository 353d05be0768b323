"""`data warm`, `evict` and `fetch --to` as typed on one machine, through a real cache from a real origin."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lumihub.data.cache import find_cache_obstacle
from lumihub.data.origins import Origin
from opendata import PLACE
from servers.link import Link
from servers.xrootd import CLIENT_ENVIRONMENT, EXPORT, XRootDCache, XRootDOrigin

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.xrootd

LUMIHUB = str(Path(sys.executable).with_name("lumihub"))
SIZE = 3_000_000


class School:
    """A values file whose cache and origin run."""

    def __init__(self, folder: Path, origin: XRootDOrigin, link: Link, cache: XRootDCache) -> None:
        self.origin, self.link, self.cache = origin, link, cache
        self.folder = folder
        # Where `up` would have put the cache.
        place = folder / "data" / "cache"
        place.parent.mkdir(parents=True)
        place.symlink_to(cache.folders.data)
        (folder / "values.yaml").write_text(
            f"local:\n  folder: state\ndata:\n  folder: {folder / 'data'}\n  cache:\n    port: {cache.port}\n"
            f"  origin:\n    url: {origin.url(link.port)}\n    manifest: manifest.json\n"
        )
        self.type("manifest", origin.url(), "-o", "manifest.json")

    def type(self, *words: str, code: int = 0) -> tuple[str, str]:
        done = subprocess.run(
            [LUMIHUB, "data", *words],
            cwd=self.folder,
            env=os.environ | CLIENT_ENVIRONMENT | {"NO_COLOR": "1", "COLUMNS": "200"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout, done.stderr


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    obstacle = find_cache_obstacle("root://127.0.0.1")
    if obstacle:
        pytest.skip(obstacle)
    place = tmp_path / "copies" / PLACE
    place.mkdir(parents=True)
    for seed, period in enumerate("ABCD"):
        (place / f"data_{period}.4lep.root").write_bytes(random.Random(seed).randbytes(SIZE))  # noqa: S311
    with (
        XRootDOrigin(tmp_path / "copies") as origin,
        Link(origin.port) as link,
        XRootDCache(f"root://127.0.0.1:{link.port}/{EXPORT}") as cache,
    ):
        yield School(tmp_path, origin, link, cache)


def test_a_warmed_collection_comes_over_the_link_once(school: School) -> None:
    before = school.link.down
    out, err = school.type("warm", "4lep", "--json")
    assert "4 of 4 files to warm, 12.0 MB" in err
    assert len(json.loads(out)["warmed"]) == 4
    came = school.link.down - before
    assert 4 * SIZE <= came < 4 * SIZE + 1_000_000
    assert "all 4 files are in the cache already (12.0 MB)" in school.type("warm", "4lep")[1]
    assert school.link.down - before == came

    school.cache.wait_until_closed()
    school.type("evict", "4lep", "-s", "data_B")
    assert "1 of 4 files to warm, 3.0 MB" in school.type("warm", "4lep")[1]
    sums = {path.name: zlib.adler32(path.read_bytes()) for path in school.cache.data.rglob("*.root")}
    assert sums == {path.name: zlib.adler32(path.read_bytes()) for path in school.origin.files.rglob("*.root")}


def test_a_list_of_files_and_what_is_none_of_the_release(school: School) -> None:
    (school.folder / "files.txt").write_text("# of the first lesson\ndata_A.4lep.root\n\ndata_C.4lep.root\n")
    assert "2 of 2 files to warm" in school.type("warm", "--list", "files.txt")[1]
    (school.folder / "files.txt").write_text("data_Z.4lep.root\n")
    assert school.type("warm", "--list", "files.txt", code=2)[1] == (
        "error: --list: data_Z.4lep.root is no file of the release\n"
        "  in files.txt\n"
        "  fix: one path or file name a line, as `./deploy.py data list --samples --json` tells them\n"
    )
    assert "no collection is named" in school.type("warm", code=2)[1]


def test_a_file_that_changed_at_the_origin_is_not_left_in_the_cache(school: School) -> None:
    changed = next(school.origin.files.rglob("data_D.4lep.root"))
    changed.write_bytes(changed.read_bytes()[::-1])
    err = school.type("warm", "4lep", code=1)[1]
    assert "data_D.4lep.root came in with adler32" in err
    assert "1 of 4 files did not arrive; what came in is kept" in err
    names = {path.name for path in school.cache.data.rglob("*.root")}
    assert names == {f"data_{period}.4lep.root" for period in "ABC"}


def test_a_file_that_was_thrown_out_under_a_reader_is_not_called_warm(school: School) -> None:
    school.type("warm", "4lep")
    name = next(path.relative_to(school.cache.data).as_posix() for path in school.cache.data.rglob("data_B.4lep.root"))
    with Origin(f"{school.cache.url}/{EXPORT}", timeout=30).open(name, SIZE) as reader:
        reader.read(0, 1000)
        school.type("evict", "4lep", "-s", "data_B")
        assert school.type("warm", "4lep", code=1)[1].endswith(
            f"error: {name} was read, but the cache keeps nothing of it: it was thrown out while a reader had it open\n"
            "  fix: close the notebooks that read it, or restart their kernels\n"
        )
    school.cache.wait_until_closed()
    before = school.link.down
    assert "1 files warmed" in school.type("warm", "4lep")[1]
    assert school.link.down - before >= SIZE
    assert (school.cache.data / name).stat().st_size == SIZE
    assert "all 4 files are in the cache already" in school.type("warm", "4lep")[1]


def test_without_a_cache_that_runs_it_says_so(school: School) -> None:
    school.cache.stop()
    assert school.type("warm", "4lep", code=1)[1] == (
        "error: the cache does not run\n"
        f"  in port {school.cache.port} of this machine\n"
        "  fix: ./deploy.py up (with data.mode: cache), then ./deploy.py status\n"
    )


def test_pinning_leads_to_the_mirror_here(school: School) -> None:
    assert school.type("pin", "4lep", code=2)[1] == (
        "error: files are pinned in the cache of a cluster alone\n"
        "  fix: to keep them on this machine for good, bring them with `./deploy.py data fetch`, set data.mode: mirror"
        " and type `./deploy.py up`\n"
    )


def test_a_copy_in_another_folder(school: School) -> None:
    target = school.folder / "usb"
    school.type("fetch", "4lep", "--to", str(target))
    assert {path.name for path in target.rglob("*.root")} == {f"data_{period}.4lep.root" for period in "ABCD"}
    assert json.loads(school.type("fetch", "4lep", "--to", str(target), "--json")[0])["bytes"] == 0
    assert "pvc:x is a volume of a cluster" in school.type("fetch", "4lep", "--to", "pvc:x", code=2)[1]
    assert (
        "relative is no place that files are copied to" in school.type("fetch", "4lep", "--to", "relative", code=2)[1]
    )
