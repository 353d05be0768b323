"""Reads the values that the chart gives the hub."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lumihub.settings import Settings
from lumihub.settings.keys import build_keys

if TYPE_CHECKING:
    from pathlib import Path

_OR_NULL = ", or null"


def load_values(path: Path) -> Settings:
    """The settings in a file of Helm's values as JSON."""
    values: dict[str, Any] = json.loads(path.read_bytes())
    return Settings.model_validate_json(json.dumps(restore_nulls(values)), by_alias=True, by_name=False)


def restore_nulls(values: dict[str, Any]) -> dict[str, Any]:
    """The same values, with null where an admin wrote null: Helm drops such keys, as if nothing had been written.

    The chart's own defaults hold every key, so what lacks in a section can only have been null.
    """
    restored: dict[str, Any] = json.loads(json.dumps(values))
    for key in (below for top in build_keys() for below in top.walk()):
        *sections, name = key.path.split(".")
        here: Any = restored
        for section in sections:
            here = here.get(section) if isinstance(here, dict) else None
        if isinstance(here, dict) and key.expected.endswith(_OR_NULL):
            here.setdefault(name, None)
    return restored
