from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lumihub.local.accounts import LONGEST_NAME, SharedAccount, SystemAccounts, safe_name

if TYPE_CHECKING:
    from pathlib import Path


def test_plain_names_stay() -> None:
    assert [safe_name(name) for name in ("anna", "b_2", "x-y")] == ["anna", "b_2", "x-y"]


def test_other_names_are_made_fit_and_stay_apart() -> None:
    names = ["ada.l", "ada+l", "ada@l", "a" * 33, "a" * 34, "0" * 64, "ada-l", "...", "@@@"]
    made = [safe_name(name) for name in names]
    assert len(set(made)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9_][a-z0-9_-]{0,31}", name) for name in made)


def test_a_name_that_looks_like_a_made_one_is_made_too() -> None:
    made = safe_name("ada.l")
    assert safe_name(made) != made


def test_account_names_are_no_longer_than_useradd_takes(tmp_path: Path) -> None:
    accounts = SystemAccounts("prefix8-", tmp_path, tmp_path / "register.json")
    assert len(accounts.name("a" * 64)) <= LONGEST_NAME
    assert accounts.name("anna") == "prefix8-anna"


def test_a_part_s_account_is_no_student_s(tmp_path: Path) -> None:
    accounts = SystemAccounts("lh-", tmp_path, tmp_path / "register.json")
    assert accounts.name("service:cache") == "lh-_cache"


def test_shared_account_gives_private_homes(tmp_path: Path) -> None:
    account = SharedAccount(tmp_path).ensure("ada.l")
    assert account.home.parent == tmp_path
    assert account.home.stat().st_mode & 0o777 == 0o700
    SharedAccount(tmp_path).remove("ada.l", delete_home=False)
    assert account.home.is_dir()
    SharedAccount(tmp_path).remove("ada.l", delete_home=True)
    assert not account.home.exists()
