from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lumihub.errors import InputError
from lumihub.operations.users import Account, check_names, read_roster

if TYPE_CHECKING:
    from pathlib import Path


def test_roster_of_names(tmp_path: Path) -> None:
    path = tmp_path / "roster.txt"
    path.write_text("# class 10b\nanna\n\n ben \r\n", encoding="utf-8")
    assert read_roster(path) == [Account("anna"), Account("ben")]


def test_roster_as_a_table_from_a_spreadsheet(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_text('\ufeffName,Password,Group\nanna,"with, comma",A\nben,,B\n', encoding="utf-8")
    assert read_roster(path) == [Account("anna", "with, comma"), Account("ben")]


def test_missing_empty_and_unreadable_rosters(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="can't be read: No such file"):
        read_roster(tmp_path / "none.txt")
    (tmp_path / "empty.txt").write_text("\n# nobody\n")
    with pytest.raises(InputError) as caught:
        read_roster(tmp_path / "empty.txt")
    assert str(caught.value) == f"error: {tmp_path}/empty.txt names nobody\n  fix: write a user name a line"
    (tmp_path / "roster.xlsx").write_bytes(b"PK\x03\x04\xff\xfe")
    with pytest.raises(InputError, match="is not a text file or table"):
        read_roster(tmp_path / "roster.xlsx")


def test_all_unfit_names_at_once() -> None:
    with pytest.raises(InputError) as caught:
        check_names(["fine", "Anna", "a/b"])
    assert [fault.what for fault in caught.value.faults] == [
        "'Anna' can't be a user name",
        "'a/b' can't be a user name",
    ]
    assert caught.value.faults[0].hint == "anna"
