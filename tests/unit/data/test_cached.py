from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from lumihub.data.cached import count_cached, evict, read_cached

if TYPE_CHECKING:
    from pathlib import Path

# As xrootd 5.5.3 wrote it for a file of 84,525 bytes in two blocks, read once.
RECORD = bytes.fromhex(
    "0400 0000 0000 0100 0000 0000 2d4a 0100 0000 0000 3b01 046b 0000 0000 0000 0000"
    "0000 0000 0100 0000 0000 0000 0200 0000 0100 0000 7063 b9a9 033b 0104 6b00 0000"
    "003b 0104 6b00 0000 0001 0000 0000 0000 0000 0000 0000 0000 0074 3201 0000 0000"
    "001a 0200 0000 0000 0000 0000 0000 0000 0013 c871 ab"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one.root").write_bytes(bytes(84525))
    (tmp_path / "a" / "one.root.cinfo").write_bytes(_repacked(held=0b11))
    return tmp_path


def _repacked(
    *, held: int, size: int = 84525, accesses: tuple[tuple[int, int, int], ...] = ((78452, 538, 0),)
) -> bytes:
    head = struct.pack("<i5qii", 4, 65536, size, 1795424571, 0, len(accesses), 2, len(accesses))
    records = b"".join(struct.pack("<2q4i3q", 1, 2, 1, 0, 0, 0, *counts) for counts in accesses)
    return head + bytes(4) + bytes([held]) + records + bytes(4)


def test_a_record_that_xrootd_wrote(tmp_path: Path) -> None:
    (tmp_path / "one.root.cinfo").write_bytes(RECORD)
    [file] = read_cached(tmp_path)
    assert (file.path, file.size, file.held, file.complete) == ("one.root", 84525, 84525, True)
    assert (file.hit, file.missed, file.bypassed) == (78452, 538, 0)


@pytest.mark.parametrize(("held", "amount"), [(0b00, 0), (0b01, 65536), (0b10, 84525 - 65536), (0b11, 84525)])
def test_held_bytes_come_from_the_block_map(folder: Path, held: int, amount: int) -> None:
    (folder / "a" / "one.root.cinfo").write_bytes(_repacked(held=held))
    [file] = read_cached(folder)
    assert (file.path, file.held, file.complete) == ("a/one.root", amount, amount == 84525)


def test_counters_are_sums(folder: Path) -> None:
    (folder / "a" / "two.root.cinfo").write_bytes(_repacked(held=0b01, accesses=((100_000, 0, 0), (50_000, 1000, 200))))
    counters = count_cached(read_cached(folder))
    assert (counters.files, counters.complete, counters.held) == (2, 1, 84525 + 65536)
    assert counters.served == 78452 + 538 + 151_200
    assert counters.from_origin == 84525 + 65536 + 200
    assert counters.saved == counters.served - counters.from_origin
    assert counters.hit_rate == pytest.approx((78452 + 150_000) / counters.served)


def test_no_reader_no_rate(tmp_path: Path) -> None:
    counters = count_cached(read_cached(tmp_path))
    assert (counters.files, counters.hit_rate, counters.saved) == (0, None, 0)


@pytest.mark.parametrize(
    "raw", [b"", b"\x04", struct.pack("<i5qii", 9, 65536, 1, 0, 0, 0, 0, 0) + bytes(5), RECORD[:60]]
)
def test_records_that_cannot_be_read_are_left_to_xrootd(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "x.cinfo").write_bytes(raw)
    assert list(read_cached(tmp_path)) == []


def test_eviction_takes_data_and_record(folder: Path) -> None:
    assert evict(folder, "a/one.root")
    assert list((folder / "a").iterdir()) == []
    assert not evict(folder, "a/one.root")
