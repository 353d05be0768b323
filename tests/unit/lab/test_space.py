from __future__ import annotations

from typing import TYPE_CHECKING

from lumihub.lab.space import Entry, describe_biggest, find_biggest, home_is_writable

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)


def test_a_home_that_cannot_be_written_is_noticed(tmp_path: Path) -> None:
    assert home_is_writable(tmp_path)
    assert not home_is_writable(tmp_path / "gone")
    assert list(tmp_path.iterdir()) == []


def test_the_biggest_come_first_and_name_what_fills_them(tmp_path: Path) -> None:
    write(tmp_path / "results/run 1/events.root", 400_000)
    write(tmp_path / "results/plot.png", 20_000)
    for number in range(4):
        write(tmp_path / f".cache/{number}.bin", 50_000)
    write(tmp_path / "notes.txt", 10_000)
    (tmp_path / "empty").mkdir()

    first, second, third = find_biggest(tmp_path)

    assert (first.name, first.mostly) == ("results/", "run 1/events.root")
    assert 420_000 <= first.size < 450_000
    assert (second.name, second.mostly) == (".cache/", "")
    assert (third.name, third.mostly) == ("notes.txt", "")
    assert find_biggest(tmp_path, most=1) == [first]


def test_links_and_sparse_files_take_no_room(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    write(outside / "big.bin", 100_000)
    home = tmp_path / "home"
    home.mkdir()
    (home / "link").symlink_to(outside)
    with (home / "sparse").open("wb") as file:
        file.truncate(10_000_000)
    assert sum(entry.size for entry in find_biggest(home)) < 100_000


def test_what_is_said_of_them(tmp_path: Path) -> None:
    assert str(Entry("results/", 80_000_000, "deep/fill.bin")) == "results/ (80.0 MB, most of it in deep/fill.bin)"
    assert str(Entry("plot.png", 1_200)) == "plot.png (1.2 kB)"
    assert describe_biggest(tmp_path) == "nothing of yours"
