"""The values that hold now, each with the line that sets it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lumihub.errors import InputError
from lumihub.settings.document import load_document
from lumihub.settings.keys import build_keys
from lumihub.settings.loading import VALUES_FILE, build_settings
from lumihub.settings.models import Settings
from lumihub.settings.rendering import render_value

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Current:
    """What a values file and the defaults amount to.

    Attributes:
        name: the file; empty without one.
        faulty: whether the file has faults, so that nothing of it holds.
        values: the value of each key, by its path.
        places: file and line of the keys that the file sets.
    """

    name: str = ""
    faulty: bool = False
    values: dict[str, Any] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    def find(self, path: str) -> str | None:
        """The value of a key as YAML, and where it comes from when a file sets it; None where none holds."""
        if path not in self.values:
            return None
        place = self.places.get(path)
        return render_value(self.values[path]) + (f"  ({place})" if place else "")


def load_current(path: Path | None) -> Current:
    """What holds with a values file (None: values.yaml where there is one), even if the file has faults.

    Raises:
        InputError: the file is named and can't be read.
    """
    if path is None and not VALUES_FILE.exists():
        return Current(values=_flatten(Settings()))
    path = path or VALUES_FILE
    try:
        document = load_document(path)
        settings = build_settings(document, folder=path.absolute().parent)
    except InputError:
        if not path.is_file():
            raise
        return Current(name=str(path), faulty=True)
    values = _flatten(settings)
    places = {key: document.locate(tuple(key.split("."))) for key in values if tuple(key.split(".")) in document.lines}
    return Current(str(path), faulty=False, values=values, places=places)


def _flatten(settings: Settings) -> dict[str, Any]:
    dump = settings.model_dump(mode="json", by_alias=True)
    values = {}
    for key in (below for top in build_keys() for below in top.walk()):
        value: Any = dump
        for part in key.path.split("."):
            if not isinstance(value, dict) or part not in value:
                break
            value = value[part]
        else:
            values[key.path] = value
    return values
