from __future__ import annotations

import asyncio
import errno
import os
import sqlite3
from typing import IO, TYPE_CHECKING

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from lumihub.lab.contents import HomeContentsManager, written_whole

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_written_takes_the_name_and_keeps_permissions(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("before")
    path.chmod(0o640)
    with written_whole(path, text=True) as file:
        file.write("naïve\n")
        assert path.read_text() == "before"
    assert path.read_bytes() == "naïve\n".encode()
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def write_on_a_full_disk(file: IO[bytes]) -> None:
    file.write(b"after")
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_an_error_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("before")
    with pytest.raises(OSError, match="No space left"), written_whole(path, text=False) as file:
        write_on_a_full_disk(file)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_of_signatures_keeps_no_notebook_from_being_saved_and_read(tmp_path: Path) -> None:
    manager = HomeContentsManager(root_dir=str(tmp_path))
    manager.notary.data_dir = str(tmp_path)
    store = manager.notary.store
    [[pages]] = store.db.execute("PRAGMA page_count")
    store.db.execute(f"PRAGMA max_page_count={pages}")
    manager.notary.store_factory = lambda: store
    for number in range(300):
        try:
            store.store_signature(f"{number:064}", "sha256")
        except sqlite3.OperationalError:
            break
    else:
        pytest.fail("there is always room")
    notebook = new_notebook(cells=[new_code_cell("6 * 7")])
    asyncio.run(manager.save({"type": "notebook", "content": notebook}, "mine.ipynb"))
    found = asyncio.run(manager.get("mine.ipynb"))
    assert found["content"]["cells"][0]["source"] == "6 * 7"


def test_a_link_stays_one(tmp_path: Path) -> None:
    target, link = tmp_path / "target.txt", tmp_path / "link.txt"
    target.write_text("before")
    link.symlink_to(target)
    with written_whole(link, text=True) as file:
        file.write("after")
    assert link.is_symlink()
    assert target.read_text() == "after"


def test_a_file_that_is_not_to_be_written_to_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("before")
    monkeypatch.setattr("os.access", lambda *_: False)  # root may always
    with pytest.raises(PermissionError), written_whole(path, text=True) as file:
        file.write("after")
    assert path.read_text() == "before"
