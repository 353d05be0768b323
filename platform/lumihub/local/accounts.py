"""Students' accounts of the operating system: unprivileged, one each, with a home that nobody else can enter."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import pwd
import re
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lumihub.errors import LumiHubError
from lumihub.local.folder import explained_write_errors, write_private
from lumihub.local.processes import end_processes, find_by_user
from lumihub.process import find_program, run

if TYPE_CHECKING:
    from collections.abc import Iterator

# useradd refuses longer names; so does utmp.
LONGEST_NAME = 32
# Above the range that distributions give to people, below systemd's and those of containers.
FIRST_UID = 20_000
LAST_UID = 59_999
_SERVICE = "service:"
_PLAIN = re.compile(r"[a-z0-9_][a-z0-9_-]*")
_HASHED = re.compile(r".*-[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class Account:
    """Whom a student's server runs as.

    Attributes:
        name: name of the account.
        uid: its user id; the group of the same number is its own.
        home: the student's folder.
    """

    name: str
    uid: int
    home: Path


def safe_name(student: str, longest: int = LONGEST_NAME) -> str:
    """A name fit for files and accounts, another one for each student.

    A plain short name stays as it is; from any other what is unfit goes, and part of a hash is added.
    """
    if len(student) <= longest and _PLAIN.fullmatch(student) and not _HASHED.fullmatch(student):
        return student
    kept = re.sub(r"[^a-z0-9_]+", "-", student.lower()).strip("-")[: longest - 9].strip("-")
    return f"{kept or 'x'}-{hashlib.sha256(student.encode()).hexdigest()[:8]}"


class SystemAccounts:
    """Makes and removes students' accounts; needs root.

    User ids are kept in a register and never given to somebody else: the files of a student who left belong to nobody.

    Args:
        prefix: what names of accounts begin with.
        homes: folder of the homes.
        register: file that remembers who has which user id.
    """

    def __init__(self, prefix: str, homes: Path, register: Path) -> None:
        self._prefix = prefix
        self._homes = homes
        self._register = register

    def name(self, student: str) -> str:
        """The account's name."""
        if student.startswith(_SERVICE):
            return f"{self._prefix}_{student.removeprefix(_SERVICE)}"  # no student's name begins with _
        return self._prefix + safe_name(student, LONGEST_NAME - len(self._prefix))

    def home(self, student: str) -> Path:
        """The student's folder."""
        return self._homes / safe_name(student)

    def ensure(self, student: str) -> Account:
        """The student's account and home, made where they are missing.

        Raises:
            LumiHubError: an account of that name belongs to somebody else, or could not be made.
        """
        name = self.name(student)
        with self._locked() as uids:
            uid = self._ensure_uid(student, uids)
            self._ensure_account(name, uid, self.home(student))
            self._ensure_home(student, uid)
        return Account(name, uid, self.home(student))

    def ensure_service(self, part: str) -> str:
        """The name of an account for a part that needs no rights, made where it is missing; it has no home."""
        student = f"{_SERVICE}{part}"
        with self._locked() as uids:
            self._ensure_account(self.name(student), self._ensure_uid(student, uids), self._homes / "none")
        return self.name(student)

    def remove(self, student: str, *, delete_home: bool) -> None:
        """Remove the account and end its processes; the home stays, closed to all but root, unless `delete_home`."""
        name = self.name(student)
        with self._locked() as uids:
            uid = uids.get(student)
            if uid is None:
                return
            end_processes(lambda: find_by_user(uid), 3)
            if _find_account(name):
                run([_program("userdel"), name])
            if delete_home:
                shutil.rmtree(self.home(student), ignore_errors=True)

    def students(self) -> dict[str, int]:
        """Every student who ever had an account here, with the user id."""
        try:
            register: dict[str, int] = json.loads(self._register.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return register

    def _ensure_account(self, name: str, uid: int, home: Path) -> None:
        existing = _find_account(name)
        if existing:
            if existing.pw_uid != uid:
                raise LumiHubError(
                    f"the account {name} of this machine exists already and is not LumiHub's",
                    where=f"local.account_prefix {self._prefix!r}",
                    fix="set local.accountPrefix to one that no other account's name begins with",
                )
            return
        limits = {"UID_MIN": FIRST_UID, "UID_MAX": LAST_UID, "GID_MIN": FIRST_UID, "GID_MAX": LAST_UID}
        # No subordinate ids: students have no use for user namespaces.
        limits |= {"SUB_UID_COUNT": 0, "SUB_GID_COUNT": 0}
        keys = [word for key, value in limits.items() for word in ("-K", f"{key}={value}")]
        words = ["--no-create-home", "--home-dir", str(home), "--shell", "/usr/sbin/nologin", "--user-group"]
        run([_program("useradd"), *words, "--uid", str(uid), "--comment", "LumiHub student", *keys, name])

    def _ensure_home(self, student: str, uid: int) -> None:
        home = self.home(student)
        gid = pwd.getpwuid(uid).pw_gid
        with explained_write_errors(self._homes):
            home.mkdir(mode=0o700, exist_ok=True)
        # Not through a link: the folder above belongs to root, so what lies here was put here by us.
        os.chown(home, uid, gid, follow_symlinks=False)
        home.chmod(0o700)

    def _ensure_uid(self, student: str, uids: dict[str, int]) -> int:
        if student not in uids:
            uids[student] = self._free_uid(set(uids.values()))
            write_private(self._register, json.dumps(uids, indent=1, sort_keys=True) + "\n")
        return uids[student]

    def _free_uid(self, taken: set[int]) -> int:
        taken |= {entry.pw_uid for entry in pwd.getpwall()}
        # Each installation of this machine begins elsewhere: what one gave up another must not give to somebody.
        place = hashlib.sha256(bytes(self._register.absolute())).digest()
        begin = FIRST_UID + int.from_bytes(place[:4], "big") % (LAST_UID - FIRST_UID + 1)
        order = (*range(begin, LAST_UID + 1), *range(FIRST_UID, begin))
        free: int | None = next((uid for uid in order if uid not in taken), None)
        if free is None:
            raise LumiHubError(f"no user id from {FIRST_UID} to {LAST_UID} is free on this machine")
        return free

    @contextmanager
    def _locked(self) -> Iterator[dict[str, int]]:
        # Of the whole machine: another installation must not take the same user id between our look and our useradd.
        with Path("/etc/passwd").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield self.students()


class SharedAccount:
    """All students run as the account that started the hub; homes are mere folders.

    Args:
        homes: folder of the homes.
    """

    def __init__(self, homes: Path) -> None:
        self._homes = homes

    def home(self, student: str) -> Path:
        """The student's folder."""
        return self._homes / safe_name(student)

    def ensure(self, student: str) -> Account:
        """The shared account, with the student's own folder made where it is missing."""
        home = self.home(student)
        with explained_write_errors(self._homes):
            home.mkdir(mode=0o700, exist_ok=True)
        return Account(pwd.getpwuid(os.geteuid()).pw_name, os.geteuid(), home)

    def remove(self, student: str, *, delete_home: bool) -> None:
        """Delete the student's folder if `delete_home`."""
        if delete_home:
            shutil.rmtree(self.home(student), ignore_errors=True)


Accounts = SystemAccounts | SharedAccount


def _find_account(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _program(name: str) -> Path:
    found = find_program(name)
    if found is None:
        raise LumiHubError(
            f"{name} is not installed, and students' accounts can't be made or removed without it",
            fix="install it (apt install passwd), or set local.accounts to shared",
        )
    return found
