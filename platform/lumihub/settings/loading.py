"""Reading the values file: all its faults at once, or the settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from lumihub.errors import Fault, InputError
from lumihub.settings.document import Document, load_document
from lumihub.settings.faults import build_fault, find_involved, format_value
from lumihub.settings.keys import build_keys
from lumihub.settings.models import Settings

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from lumihub.settings.document import Position
    from lumihub.settings.keys import Key

VALUES_FILE = Path("values.yaml")


def load_settings(path: Path | None = None, *, folders: bool = False) -> Settings:
    """The settings that hold.

    Args:
        path: the values file; None for values.yaml in the current folder where there is one, else the defaults.
        folders: whether folders that are to be brought to students must be there; for verbs that bring them, since
            no other may fail over a disk that is not mounted.

    Raises:
        InputError: with every fault of the file: what, line, nearest key, fix.
    """
    if path is None:
        if not VALUES_FILE.exists():
            return Settings()
        path = VALUES_FILE
    return build_settings(load_document(path), folder=path.absolute().parent, folders=folders)


def build_settings(document: Document, folder: Path | None = None, *, folders: bool = False) -> Settings:
    """The settings that a document holds.

    Args:
        document: the values file.
        folder: where relative paths in it start; they stay as they are when None.
        folders: whether folders that are to be brought to students must be there.

    Raises:
        InputError: with every fault of the document.
    """
    if not isinstance(document.data, dict):
        raise InputError(
            f"the file should hold keys with values, not {format_value(document.data)}",
            where=document.name,
            fix="write it as in values.example.yaml, or make one: ./deploy.py init",
        )
    data = _drop_empty_sections(document.data, build_keys())
    context = {"folder": folder, "folders": folders}
    settings, errors = _validate(data, context)
    # Rules that join keys are only looked at once each key by itself is right. So look again without what is wrong.
    wrong = [position for error in errors for position in find_involved(error)]
    if errors:
        _, later = _validate(_drop(data, wrong), context)
        errors += [error for error in later if not _touches(error, wrong)]
    faults = [*document.faults, *(build_fault(error, document) for error in errors)]
    if faults or settings is None:
        raise InputError.from_faults(sorted(dict.fromkeys(faults), key=_line))
    return settings


def _validate(data: dict[str, Any], context: dict[str, Any]) -> tuple[Settings | None, list[ErrorDetails]]:
    """Strictly and by JSON's types, as Helm reads the file: "8000" is not a number, `max_workers` is not a key."""
    try:
        settings = Settings.model_validate_json(
            json.dumps(data), strict=True, by_alias=True, by_name=False, context=context
        )
    except ValidationError as error:
        errors = error.errors(include_url=False)
        # A list of one wrong item is also too short for pydantic, which counts the right ones; the item says it all.
        above = {tuple(other["loc"])[:length] for other in errors for length in range(len(other["loc"]))}
        return None, [error for error in errors if tuple(error["loc"]) not in above]
    return settings, []


def _drop_empty_sections(data: dict[str, Any], keys: tuple[Key, ...]) -> dict[str, Any]:
    """Without sections that hold nothing: a section whose every line is commented out is null in YAML."""
    below = {key.name: key.keys for key in keys if key.keys}
    kept = {}
    for name, value in data.items():
        if name in below and value is None:
            continue
        kept[name] = _drop_empty_sections(value, below[name]) if name in below and isinstance(value, dict) else value
    return kept


def _drop(data: Any, positions: list[Position]) -> Any:
    if isinstance(data, list):
        return data
    here = {position[0] for position in positions if len(position) == 1}
    kept = {}
    for name, value in data.items():
        below = [position[1:] for position in positions if position[0] == name and len(position) > 1]
        # An item of a list, or a key that is missing, takes the whole list or section with it.
        if name in here or any(
            not isinstance(value, dict) or (len(rest) == 1 and rest[0] not in value) for rest in below
        ):
            continue
        kept[name] = _drop(value, below) if below else value
    return kept


def _touches(error: ErrorDetails, wrong: list[Position]) -> bool:
    """Whether an error is about a key that is wrong already, or about one above or below it."""
    return any(
        mine[: len(other)] == other or other[: len(mine)] == mine for mine in find_involved(error) for other in wrong
    )


def _line(fault: Fault) -> tuple[int, str]:
    number = fault.where.rpartition(" line ")[2]
    return (int(number) if number.isdigit() else 0, fault.what)
