from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lumihub.data.cached import CachedFile
from lumihub.data.store import CacheContents
from lumihub.data.work import Report
from lumihub.errors import InputError, LumiHubError
from lumihub.operations.datawork import DataWorkshop
from lumihub.progress import Silent
from lumihub.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lumihub.data.records import DataFile
    from lumihub.data.work import WorkOrder
    from lumihub.progress import Progress

SETTINGS = Settings.model_validate({"data": {"release": "2020", "cache": {"size": "100M"}}})


class Clock:
    """Time that passes while somebody waits."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    one = Clock()
    monkeypatch.setattr("lumihub.operations.datawork.time", one)
    return one


class Store:
    """A cache that holds and pins what it is told to."""

    cache_url = "root://cache//eos/opendata/atlas"

    def __init__(self, *held: DataFile) -> None:
        self.held = tuple(CachedFile(file.path, file.size, file.size, 0, 0, 0) for file in held)
        self.pinned: dict[str, int] = {}

    def contents(self) -> CacheContents:
        return CacheContents(self.held, None, dict(self.pinned))

    def evict(self, paths: Sequence[str]) -> tuple[str, ...]:
        return tuple(paths)

    def pin(self, files: Sequence[DataFile]) -> None:
        self.pinned |= {file.path: file.size for file in files}

    def unpin(self, paths: Sequence[str]) -> None:
        self.pinned = {path: size for path, size in self.pinned.items() if path not in paths}

    def work(self, order: WorkOrder, progress: Progress) -> Report:
        raise AssertionError

    def nightly(self) -> None:
        return None

    def stop(self) -> bool:
        return False


class ReadStore(Store):
    """A cache through which everything was read, and that has no record of it or writes one after some seconds."""

    def __init__(self, clock: Clock, recorded_after: float | None) -> None:
        super().__init__()
        self.clock, self.recorded_after = clock, recorded_after
        self.read: tuple[DataFile, ...] = ()

    def contents(self) -> CacheContents:
        if self.recorded_after is None:
            return CacheContents(())
        held = self.clock.seconds >= self.recorded_after
        return CacheContents(tuple(CachedFile(one.path, one.size, one.size * held, 0, 0, 0) for one in self.read))

    def work(self, order: WorkOrder, progress: Progress) -> Report:
        self.read = order.files
        return Report(tuple(file.path for file in order.files), order.size, 1.0, {})


def test_a_slow_disk_is_not_taken_for_a_file_that_was_thrown_out(clock: Clock) -> None:
    shop = DataWorkshop(SETTINGS, store=ReadStore(clock, 62))
    report = shop.warm(shop.plan_warm(shop.choose(["4lep"], ["data_A"])), Silent(), streams=1)
    assert len(report.done) == 1
    assert clock.seconds == 62


def test_what_was_thrown_out_under_a_reader_is_said_soon(clock: Clock) -> None:
    shop = DataWorkshop(SETTINGS, store=ReadStore(clock, None))
    with pytest.raises(LumiHubError, match="the cache keeps nothing of it"):
        shop.warm(shop.plan_warm(shop.choose(["4lep"], ["data_A"])), Silent(), streams=1)
    assert clock.seconds < 15


def test_a_pin_tells_what_is_not_here_yet_and_usage_counts_it() -> None:
    shop = DataWorkshop(SETTINGS, store=Store())
    first, *others = shop.choose(["4lep"], ["data_*"])
    shop = DataWorkshop(SETTINGS, store=Store(first))
    assert shop.pin((first, *others)) == tuple(others)
    assert {row.collection: row.pinned for row in shop.measure()[0] if row.pinned} == {"4lep": len(others) + 1}
    assert shop.unpin((first,)) == 1
    assert shop.unpin((first,)) == 0


def test_no_more_than_half_of_the_cache_is_pinned() -> None:
    store = Store()
    shop = DataWorkshop(SETTINGS, store=store)
    files = shop.choose(["4lep"], [])
    with pytest.raises(InputError) as caught:
        shop.pin(files)
    assert str(caught.value) == (
        "error: data.cache.size: 528.7 MB would be pinned, and at most 52.4 MB of the cache's 100M may be\n"
        "  fix: pin fewer files, let go of others with `./deploy.py data unpin`, or set data.cache.size to more and"
        " type `./deploy.py up`"
    )
    assert store.pinned == {}
    # What is pinned already counts, though it is not in the cache yet.
    shop.pin(shop.choose(["4lep"], ["ttmumu"]))
    with pytest.raises(InputError, match=r"61\.1 MB would be pinned"):
        shop.pin(shop.choose(["4lep"], ["ggH125_ZZ4lep"]))
