"""Brings lessons into a student's home and keeps them fresh without ever touching what the student did.

Runs as the student. What was delivered is remembered in `lessons/.delivered.json`, by SHA-256: a lesson that is still
as it was delivered is replaced by an update; a changed one gets the update beside it, once; a deleted one stays away
until `restore` is asked for. Of a notebook only the cells count, with their text and their outputs: JupyterLab writes
the name of the kernel into every notebook that is merely opened.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path, PurePosixPath

from lumihub.errors import InputError, LumiHubError

FOLDER = "lessons"
WELCOME = "00-welcome.ipynb"
STATE = ".delivered.json"
LANGUAGE = "en"
VARIABLE = "LUMIHUB_LESSONS"
"""Names the folders of lessons, one after the other, parted like `PATH`."""
BUILT_IN = "built-in"
"""Stands there for the lessons of this installation, wherever they lie."""


@dataclass
class Delivery:
    """What one delivery did; names are relative to the folder of lessons."""

    new: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    first_time: bool = False

    def lines(self) -> list[str]:
        """One line for each thing done, for the log; empty when everything was in place."""
        said = (("delivered", self.new), ("updated", self.updated), ("put beside the student's own", self.beside))
        return [f"{verb}: {', '.join(names)}" for verb, names in said if names] + [
            f"not delivered: {line}" for line in self.failed
        ]


@dataclass(frozen=True, slots=True)
class _Record:
    """The version a student was last given, and the newest that was put beside an edited one."""

    delivered: str
    beside: str = ""


def find_lessons() -> list[Path]:
    """The folders of lessons: those of the variable `LUMIHUB_LESSONS`, or else those of this installation.

    Raises:
        LumiHubError: neither is there.
    """
    named = [part for part in os.environ.get(VARIABLE, "").split(os.pathsep) if part]
    return [_find_built_in() if part == BUILT_IN else Path(part) for part in named or [BUILT_IN]]


def find_files(folder: Path) -> dict[str, Path]:
    """What is delivered of a folder, by its name below it: no links, nothing hidden, nothing that Python left."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = PurePosixPath(path.relative_to(folder))
        hidden = any(part.startswith(".") or part == "__pycache__" for part in name.parts)
        if not hidden and path.is_file() and not path.is_symlink():
            found[str(name)] = path
    return found


def _find_built_in() -> Path:
    package = Path(str(files("lumihub")))
    for folder in (package / "notebooks" / LANGUAGE, package.parents[1] / "notebooks" / LANGUAGE):
        if folder.is_dir():
            return folder
    raise LumiHubError("the lessons are not installed", where=str(package / "notebooks"), fix="install LumiHub again")


def deliver(sources: list[Path], home: Path, today: str | None = None) -> Delivery:
    """Bring every lesson of `sources` into `home/lessons`, as far as the student did not decide otherwise.

    Args:
        sources: folders of lessons; a file of the same name in a later folder takes the place of an earlier one.
        home: the student's home.
        today: the date in names of new versions, as 2026-11-23; today's when None.

    Returns:
        What was done. A file that could not be read or written is listed there and stops no other.

    Raises:
        OSError: the folder of lessons cannot be made, or what was delivered cannot be remembered.
        LumiHubError: the folder's place is taken by something else.
    """
    folder = _ensure_folder(home)
    first_time = not (folder / STATE).exists()
    records = _load_records(folder)
    delivery = Delivery(first_time=first_time)
    before = dict(records)
    for name, source in _find_all(sources, delivery).items():
        try:
            records[name] = _deliver_one(
                name, source.read_bytes(), folder, records.get(name), delivery, today or _today()
            )
        except OSError as error:
            delivery.failed.append(f"{name} ({error.strerror or error})")
    if first_time or records != before:
        _save_records(folder, records)
    return delivery


def restore(name: str = "", home: Path | None = None) -> list[Path]:
    """Give back lessons as they came: those deleted in their place, a fresh copy beside those that were changed.

    Args:
        name: one lesson, as `01-higgs-to-four-leptons.ipynb`; all of them when empty.
        home: whose; your own when None.

    Returns:
        The files written; none where a lesson is there unchanged.

    Raises:
        InputError: there is no lesson of that name.
    """
    folder = _ensure_folder(home or Path.home())
    found = _find_all(find_lessons(), Delivery())
    if name and name not in found:
        raise InputError(f"there is no lesson {name}", fix=f"take one of: {', '.join(sorted(found))}")
    written = []
    records = _load_records(folder)
    for lesson in [name] if name else sorted(found):
        content = found[lesson].read_bytes()
        target = _place(folder, lesson)
        if _digest_of(target) == _digest(content):
            continue
        if _is_taken(target):
            target = _free_name(target, "fresh copy")
        _write(target, content)
        records[lesson] = _Record(_digest(content))
        written.append(target)
    _save_records(folder, records)
    return written


def _deliver_one(
    name: str, content: bytes, folder: Path, record: _Record | None, delivery: Delivery, today: str
) -> _Record:
    fresh, target = _digest(content), _place(folder, name)
    if record and record.delivered == fresh:
        return record
    present = _digest_of(target)
    if present == fresh:
        return _Record(fresh)
    if not _is_taken(target):
        if record:
            return _Record(fresh)
        _write(target, content)
        delivery.new.append(name)
        return _Record(fresh)
    if record and present == record.delivered:
        _write(target, content)
        delivery.updated.append(name)
        return _Record(fresh)
    if record and record.beside == fresh:
        return record
    copy = _free_name(target, f"new version {today}")
    _write(copy, content)
    delivery.beside.append(str(copy.relative_to(folder)))
    return _Record(record.delivered if record else "", beside=fresh)


def _ensure_folder(home: Path) -> Path:
    folder = home / FOLDER
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise LumiHubError(
            f"{folder} is not a folder, so no lessons were delivered", fix=f"rename {folder} and start the server again"
        )
    folder.mkdir(exist_ok=True)
    return folder


def _find_all(sources: list[Path], delivery: Delivery) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for source in sources:
        if not source.is_dir():
            delivery.failed.append(f"{source} (no such folder)")
        found |= find_files(source)
    return found


def _free_name(target: Path, why: str) -> Path:
    candidates = [
        target.with_name(f"{target.stem} ({why}{number}){target.suffix}")
        for number in ("", *(f" {n}" for n in range(2, 100)))
    ]
    for candidate in candidates:
        if not _is_taken(candidate):
            return candidate
    raise FileExistsError(f"too many copies of {target.name}")


def _write(target: Path, content: bytes) -> None:
    """Whole or not at all, and never through a link: the new file takes the name's place."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".new-{secrets.token_hex(4)}")
    try:
        with temporary.open("xb") as file:
            file.write(content)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _place(folder: Path, name: str) -> Path:
    """Where a lesson goes, refusing to leave the folder through a link on the way."""
    target = folder / name
    for parent in target.relative_to(folder).parents[:-1]:
        if (folder / parent).is_symlink():
            raise FileExistsError(f"{parent} is a link")
    return target


def _is_taken(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _digest(content: bytes) -> str:
    return hashlib.sha256(_substance(content)).hexdigest()


def _substance(content: bytes) -> bytes:
    """What a student can have changed: the cells of a notebook, every byte of anything else."""
    try:
        cells = [
            [cell["cell_type"], "".join(cell["source"]), cell.get("outputs", []), cell.get("attachments", {})]
            for cell in json.loads(content)["cells"]
        ]
    except (ValueError, KeyError, TypeError):
        return content
    return json.dumps(cells, sort_keys=True).encode()


def _digest_of(path: Path) -> str:
    """The digest of a regular file; empty for anything else, a link included: that is the student's own."""
    return _digest(path.read_bytes()) if path.is_file() and not path.is_symlink() else ""


def _load_records(folder: Path) -> dict[str, _Record]:
    try:
        stored = json.loads((folder / STATE).read_bytes())
        return {
            name: _Record(str(entry["delivered"]), str(entry.get("beside", "")))
            for name, entry in stored["files"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        # Lost or broken: lessons that are there are then taken for edited, and never overwritten.
        return {}


def _save_records(folder: Path, records: dict[str, _Record]) -> None:
    entries = {
        name: {"delivered": record.delivered, "beside": record.beside} for name, record in sorted(records.items())
    }
    _write(folder / STATE, json.dumps({"format": 1, "files": entries}, indent=1).encode())


def _today() -> str:
    return datetime.now(UTC).astimezone().date().isoformat()
