"""Transfers from a folder whose reads can be made to fail: the faults are injected, everything else is real."""

from __future__ import annotations

import threading
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from lumihub.data.origins import Origin, OriginError, OriginFile
from lumihub.data.partial import PARTIAL, Stopped, open_partial
from lumihub.data.records import DataFile
from lumihub.data.transfer import Transfer, fetch_files, measure_rate
from lumihub.errors import LumiHubError
from lumihub.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BLOCK = 1024 * 1024
CONTENT = bytes(range(256)) * 4096 * 3 + b"the end"


class Faulty(Origin):
    """A folder that calls `before` ahead of every read; what it raises is what the reader gets."""

    def __init__(self, folder: Path, before: Callable[[int], None]) -> None:
        super().__init__(str(folder))
        self._before = before
        self.offsets: list[int] = []

    @contextmanager
    def open(self, path: str, size: int) -> Iterator[OriginFile]:
        with super().open(path, size) as source:
            read = source.read

            def watched(offset: int, length: int) -> bytes:
                self._before(offset)
                self.offsets.append(offset)
                return read(offset, length)

            source.read = watched  # type: ignore[method-assign]
            yield source


@pytest.fixture
def origin_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "origin"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "one.root").write_bytes(CONTENT)
    return folder


@pytest.fixture
def file() -> DataFile:
    return DataFile("a/one.root", len(CONTENT), f"{zlib.adler32(CONTENT):08x}", "4lep", "data_A")


def _transfer(origin: Origin, folder: Path, told: list[float] | None = None) -> Transfer:
    return Transfer(origin, folder, (told if told is not None else []).append, pauses=(0, 0))


def test_a_file_comes_whole_and_the_bar_is_told(origin_folder: Path, tmp_path: Path, file: DataFile) -> None:
    told: list[float] = []
    mirror = tmp_path / "mirror"
    assert _transfer(Origin(str(origin_folder)), mirror, told).fetch(file) == len(CONTENT)
    assert (mirror / file.path).read_bytes() == CONTENT
    assert sum(told) == len(CONTENT)
    assert _transfer(Origin(str(origin_folder)), mirror).fetch(file) == 0


def test_passing_faults_are_tried_again_from_where_it_stopped(
    origin_folder: Path, tmp_path: Path, file: DataFile
) -> None:
    faults = iter(
        [None, OriginError("gone"), OriginError("gone"), None, OriginError("gone"), OriginError("gone"), None]
    )

    def before(_: int) -> None:
        fault = next(faults, None)
        if fault:
            raise fault

    origin = Faulty(origin_folder, before)
    assert _transfer(origin, tmp_path / "mirror").fetch(file) == len(CONTENT)
    assert origin.offsets == [0, BLOCK, 2 * BLOCK, 3 * BLOCK]
    assert (tmp_path / "mirror" / file.path).read_bytes() == CONTENT


def test_blocks_grow_while_they_come_quickly(
    origin_folder: Path, tmp_path: Path, file: DataFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = Faulty(origin_folder, lambda _: None)
    _transfer(origin, tmp_path / "quick").fetch(file)
    assert origin.offsets == [0, BLOCK, 3 * BLOCK]

    monkeypatch.setattr("lumihub.data.reading._QUICK_SECONDS", 0.0)
    origin = Faulty(origin_folder, lambda _: None)
    _transfer(origin, tmp_path / "slow").fetch(file)
    assert origin.offsets == [0, BLOCK, 2 * BLOCK, 3 * BLOCK]


def test_faults_without_end_are_given_up_and_the_bytes_kept(
    origin_folder: Path, tmp_path: Path, file: DataFile
) -> None:
    def before(offset: int) -> None:
        if offset >= BLOCK:
            raise OriginError("no answer within 60 s from there")

    with pytest.raises(LumiHubError) as caught:
        _transfer(Faulty(origin_folder, before), tmp_path / "mirror").fetch(file)
    assert str(caught.value) == (
        "error: a/one.root did not arrive: no answer within 60 s from there\n"
        "  fix: type the same command again; it goes on where it stopped"
    )
    assert (tmp_path / "mirror" / f"{file.path}{PARTIAL}").stat().st_size == BLOCK
    assert not (tmp_path / "mirror" / file.path).exists()


def test_a_damaged_beginning_is_thrown_away_once(origin_folder: Path, tmp_path: Path, file: DataFile) -> None:
    partial = tmp_path / "mirror" / f"{file.path}{PARTIAL}"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(b"\xff" * BLOCK)
    told: list[float] = []
    came = _transfer(Origin(str(origin_folder)), tmp_path / "mirror", told).fetch(file)
    assert came == 2 * len(CONTENT) - BLOCK
    assert sum(told) == len(CONTENT)
    assert (tmp_path / "mirror" / file.path).read_bytes() == CONTENT
    assert not partial.exists()


@pytest.mark.parametrize("length", [len(CONTENT) + 5, len(CONTENT)])
def test_what_is_too_long_or_complete_already(origin_folder: Path, tmp_path: Path, file: DataFile, length: int) -> None:
    partial = tmp_path / "mirror" / f"{file.path}{PARTIAL}"
    partial.parent.mkdir(parents=True)
    partial.write_bytes((CONTENT + b"extra")[:length])
    came = _transfer(Origin(str(origin_folder)), tmp_path / "mirror").fetch(file)
    assert came == (0 if length == len(CONTENT) else len(CONTENT))
    assert (tmp_path / "mirror" / file.path).read_bytes() == CONTENT


def test_a_file_of_the_wrong_size_under_the_name_is_replaced(
    origin_folder: Path, tmp_path: Path, file: DataFile
) -> None:
    target = tmp_path / "mirror" / file.path
    target.parent.mkdir(parents=True)
    target.write_bytes(b"short")
    assert _transfer(Origin(str(origin_folder)), tmp_path / "mirror").fetch(file) == len(CONTENT)
    assert target.read_bytes() == CONTENT


def test_an_origin_that_is_shorter_than_the_manifest_says(origin_folder: Path, tmp_path: Path, file: DataFile) -> None:
    (origin_folder / file.path).write_bytes(CONTENT[:1000])
    with pytest.raises(LumiHubError) as caught:
        _transfer(Origin(str(origin_folder)), tmp_path / "mirror").fetch(file)
    assert caught.value.faults[0].what == (
        f"a/one.root did not arrive: the file at the origin ends after 1000 bytes ({origin_folder}/a/one.root)"
    )


def test_stopping_keeps_what_came(origin_folder: Path, tmp_path: Path, file: DataFile) -> None:
    stop = threading.Event()
    origin = Faulty(origin_folder, lambda offset: stop.set() if offset else None)
    with pytest.raises(Stopped):
        Transfer(origin, tmp_path / "mirror", lambda _: None, stop).fetch(file)
    assert (tmp_path / "mirror" / f"{file.path}{PARTIAL}").stat().st_size == 3 * BLOCK


def test_one_bad_file_does_not_stop_the_others(origin_folder: Path, tmp_path: Path, file: DataFile) -> None:
    gone = DataFile("a/gone.root", 5, "00000001", "4lep", "data_B")
    report = fetch_files([gone, file], Origin(str(origin_folder)), tmp_path / "mirror", Silent())
    assert report.arrived == (file.path,)
    assert report.bytes == len(CONTENT)
    assert [str(error) for error in report.faults.values()] == [
        f"error: a/gone.root did not arrive: the origin does not have {origin_folder}/a/gone.root\n"
        "  fix: see whether the origin holds it"
    ]


def test_a_partial_file_belongs_to_one(tmp_path: Path) -> None:
    stop = threading.Event()
    with open_partial(tmp_path / "x.root", stop):
        threading.Timer(0.3, stop.set).start()
        with pytest.raises(Stopped), open_partial(tmp_path / "x.root", stop):
            pytest.fail("two had the same partial file")


def test_an_umask_that_closes_everything_keeps_no_student_out(
    origin_folder: Path, tmp_path: Path, file: DataFile
) -> None:
    import os

    before = os.umask(0o077)
    try:
        _transfer(Origin(str(origin_folder)), tmp_path / "mirror").fetch(file)
    finally:
        os.umask(before)
    assert (tmp_path / "mirror" / file.path).stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "mirror" / "a").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "mirror").stat().st_mode & 0o777 == 0o755


def test_the_rate_is_measured_by_reading(origin_folder: Path, file: DataFile) -> None:
    assert measure_rate(Origin(str(origin_folder)), file) > 1e6
