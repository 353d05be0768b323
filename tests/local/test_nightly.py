"""The cache of one machine is filled at night, by a part that waits for it: with nobody logged in, nothing typed."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from opendata import EVENTS, PLACE
from servers.hub import PREFIX, Installation, installation
from servers.link import Link

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from servers.xrootd import XRootDOrigin

pytestmark = [pytest.mark.timeout(600), pytest.mark.xrootd, pytest.mark.opendata]


@pytest.fixture
def link(xrootd_origin: XRootDOrigin) -> Iterator[Link]:
    with Link(xrootd_origin.port) as way:
        yield way


@pytest.fixture
def hub(xrootd_origin: XRootDOrigin, link: Link) -> Iterator[Installation]:
    with installation() as one:
        manifest = one.values.with_name("manifest.json")
        subprocess.run([one.program, "data", "manifest", xrootd_origin.url(), "-o", manifest], check=True, timeout=120)
        one.change(data={"origin": {"url": xrootd_origin.url(link.port), "manifest": str(manifest)}})
        yield one


def wait(found: Callable[[], Any], seconds: float = 90) -> Any:
    end = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < end
        time.sleep(0.5)
    return answer


def find_nightly(hub: Installation) -> dict[str, Any]:
    done = subprocess.run(
        [hub.program, "data", "usage", "--values", str(hub.values), "--json"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)["nightly"]
    return found


def name_time(**away: float) -> str:
    return f"{datetime.now() + timedelta(**away):%H:%M}"


def test_the_cache_is_full_in_the_morning(hub: Installation, link: Link, xrootd_origin: XRootDOrigin) -> None:
    # A night that has begun already, as for a machine that is switched on late.
    hub.change(data={"nightly": {"collections": ["4lep"], "at": name_time(minutes=-1), "hours": 1}})
    before = link.down
    assert "started the warmer" in hub.up()["changes"]
    last = wait(lambda: find_nightly(hub)["last"])
    assert (last["files"], last["whole"], last["late"], last["faults"]) == (len(EVENTS), len(EVENTS), 0, [])
    place = hub.folder / "data" / "cache"
    original = {name: (xrootd_origin.files / PLACE / f"{name}.4lep.root").read_bytes() for name in EVENTS}
    size = sum(map(len, original.values()))
    assert size <= link.down - before < size + 500_000
    there = {path.name.partition(".")[0]: path.read_bytes() for path in place.rglob("*.4lep.root")}
    assert there == original
    if os.geteuid() == 0:
        owner = os.stat(f"/proc/{hub.pid('warmer')}").st_uid  # noqa: PTH116
        assert pwd.getpwuid(owner).pw_name == f"{PREFIX}_cache"

    status = hub.status()
    assert {part["name"]: part["state"] for part in status["parts"]}["warmer"] == "running"
    assert f"{len(EVENTS)} of {len(EVENTS)} files" in status["nightly"]
    assert hub.up()["changes"] == []
    # By typing, the same is there.
    words = [hub.program, "data", "warm", "--nightly", "--values", str(hub.values)]
    typed = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    assert f"all {len(EVENTS)} files are in the cache already" in typed.stderr

    # Without the key it is gone.
    settings = hub.settings
    del settings["data"]["nightly"]
    hub.values.write_text(json.dumps(settings))
    assert hub.up()["changes"] == ["stopped the warmer"]
    assert hub.status()["nightly"] == ""


def test_before_the_night_nothing_is_brought_and_little_memory_taken(hub: Installation, link: Link) -> None:
    before = link.down
    hub.change(data={"nightly": {"collections": ["4lep"], "at": name_time(hours=3), "hours": 2}})
    hub.up()
    state = find_nightly(hub)
    assert (state["running"], state["last"], state["files"]) == (False, None, len(EVENTS))
    assert "none has ended yet" in hub.status()["nightly"]
    assert link.down - before < 100_000
    [part] = [part for part in hub.status()["parts"] if part["name"] == "warmer"]
    assert part["memory"] < 60_000_000


def test_what_ends_the_warmer_ends_its_work(hub: Installation, link: Link) -> None:
    link.rate = 20_000
    hub.change(data={"nightly": {"collections": ["4lep"], "at": name_time(minutes=-1), "hours": 1}})
    hub.up()
    assert wait(lambda: find_nightly(hub)["running"], 30)
    hub.lumihub("down", "--yes")
    link.rate = None
    time.sleep(1)
    before = link.down
    time.sleep(2)
    assert link.down == before
