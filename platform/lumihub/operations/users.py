"""`users`: students' accounts, alike on every backend."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lumihub.errors import Fault, InputError
from lumihub.hub.client import BATCH, HubClient
from lumihub.hub.names import NAME, NAME_RULE
from lumihub.hub.passwords import generate_password
from lumihub.operations.backends import pick_backend

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from lumihub.progress import Progress
    from lumihub.settings import Settings

_HEADINGS = ("name", "username", "user", "student", "login")


@dataclass(frozen=True, slots=True)
class Account:
    """An account that is to be made, or was.

    Attributes:
        name: user name.
        password: the first password; empty until one is given or made.
        created: False when the account was there before.
    """

    name: str
    password: str = field(default="", repr=False)
    created: bool = True


def read_roster(path: Path) -> list[Account]:
    """Students from a file: a name a line, or a table (CSV) whose first columns are name and password.

    Raises:
        InputError: it can't be read, or names that can't be user names; all of them at once, with their lines.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [(reader.line_num, row) for reader in [csv.reader(file)] for row in reader]
    except OSError as error:
        raise InputError(
            f"{path} can't be read: {error.strerror}", fix="name a text file with a user name a line"
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} is not a text file or table: {error}", fix="save it as CSV in UTF-8") from error
    accounts, faults = [], []
    for line, row in rows:
        cells = [cell.strip() for cell in row]
        if not any(cells) or cells[0].startswith("#") or (line == 1 and cells[0].lower() in _HEADINGS):
            continue
        fault = _name_fault(cells[0], f"{path}, line {line}")
        if fault:
            faults.append(fault)
        accounts.append(Account(cells[0], cells[1] if len(cells) > 1 else ""))
    if faults:
        raise InputError.from_faults(faults)
    if not accounts:
        raise InputError(f"{path} names nobody", fix="write a user name a line")
    return accounts


def check_names(names: Iterable[str]) -> None:
    """Refuse what can't be a user name, all at once.

    Raises:
        InputError: at least one of them.
    """
    faults = [fault for name in names if (fault := _name_fault(name, ""))]
    if faults:
        raise InputError.from_faults(faults)


def add(settings: Settings, accounts: Sequence[Account], progress: Progress) -> list[Account]:
    """Make accounts, with random passwords for those that have none; existing ones stay as they are.

    Returns:
        Each, with its password where it was made.
    """
    client = _client(settings)
    wanted = {account.name: account.password or generate_password() for account in accounts}
    done = []
    with progress.task("Making accounts", total=len(wanted)) as task:
        pairs = list(wanted.items())
        for batch in (pairs[first : first + BATCH] for first in range(0, len(pairs), BATCH)):
            for answer in client.add(batch):
                name = answer["name"]
                done.append(Account(name, wanted[name] if answer["created"] else "", answer["created"]))
            task.advance(len(batch))
    return done


def find_all(settings: Settings) -> list[dict[str, Any]]:
    """All accounts: name, admin, approved, running, created, lastActivity."""
    return _client(settings).accounts()


def remove(settings: Settings, names: Sequence[str], progress: Progress, *, delete_home: bool) -> None:
    """Stop their servers and remove their accounts; homes stay unless `delete_home`.

    Raises:
        InputError: one of them has no account; then nothing is removed.
    """
    client = _client(settings)
    existing = {account["name"] for account in client.accounts()}
    missing = [
        Fault(f"there is no account {name}", fix="./deploy.py users list") for name in names if name not in existing
    ]
    if missing:
        raise InputError.from_faults(missing)
    with progress.task("Removing accounts", total=len(names)) as task:
        for name in names:
            client.remove(name, delete_home=delete_home)
            task.advance()


def reset_password(settings: Settings, name: str, password: str = "") -> str:
    """Give an account a new password (a random one when empty) and end its sessions; returns it."""
    password = password or generate_password()
    _client(settings).change(name, password=password)
    return password


def approve(settings: Settings, names: Sequence[str]) -> None:
    """Let students in who signed up at the login page."""
    client = _client(settings)
    for name in names:
        client.change(name, approved=True)


def _client(settings: Settings) -> HubClient:
    return HubClient(pick_backend(settings).access())


def _name_fault(name: str, where: str) -> Fault | None:
    if NAME.fullmatch(name):
        return None
    near = name.strip().lower().replace(" ", ".")
    hint = near if NAME.fullmatch(near) else ""
    return Fault(f"{name!r} can't be a user name", where=where, hint=hint, fix=f"use {NAME_RULE}")
