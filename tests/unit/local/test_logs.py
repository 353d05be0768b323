from __future__ import annotations

from typing import TYPE_CHECKING

from lumihub.local.logs import follow, last_lines, lines_that_matter, open_log, rotate

if TYPE_CHECKING:
    from pathlib import Path


def test_rotation_keeps_a_few_and_the_writer_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "hub.log"
    with open_log(path) as log:
        for number in range(6):
            log.write(b"%d" % number * 100)
            log.flush()
            assert rotate(path, largest=50, kept=2)
        log.write(b"end")
    assert path.read_text() == "end"
    assert (tmp_path / "hub.log.1").read_text() == "5" * 100
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["hub.log", "hub.log.1", "hub.log.2"]
    assert {entry.stat().st_mode & 0o777 for entry in tmp_path.iterdir()} == {0o600}


def test_small_log_stays(tmp_path: Path) -> None:
    (tmp_path / "hub.log").write_text("x")
    assert not rotate(tmp_path / "hub.log", largest=50)


def test_last_lines(tmp_path: Path) -> None:
    assert last_lines(tmp_path / "none.log", 3) == []
    (tmp_path / "hub.log").write_text("a\nb\nc\n")
    assert last_lines(tmp_path / "hub.log", 2) == ["b", "c"]


def test_lines_that_matter_begin_with_the_trouble_of_this_start(tmp_path: Path) -> None:
    path = tmp_path / "hub.log"
    old = "Error of yesterday\n"
    path.write_text(f"{old}starting\nTraceback (most recent call last):\n  File x\nValueError: no\n")
    assert lines_that_matter(path, len(old)) == ["Traceback (most recent call last):", "  File x", "ValueError: no"]
    path.write_text("one\ntwo\nthree\n")
    assert lines_that_matter(path, 0, count=2) == ["two", "three"]


def test_follow_gives_whole_new_lines_and_survives_rotation(tmp_path: Path) -> None:
    path = tmp_path / "hub.log"
    path.write_text("old\n")
    lines = follow({"hub": path, "proxy": tmp_path / "proxy.log"}, pause=0.01)
    # The position is taken when the first line is asked for, so it is written from a thread.
    import threading
    import time

    def write() -> None:
        time.sleep(0.1)
        with path.open("a") as file:
            file.write("new\nhal")
            file.flush()
            time.sleep(0.1)
            file.write("f\n")
        time.sleep(0.1)
        path.write_text("r\n")

    thread = threading.Thread(target=write)
    thread.start()
    assert [next(lines) for _ in range(3)] == ["hub: new", "hub: half", "hub: r"]
    thread.join()
