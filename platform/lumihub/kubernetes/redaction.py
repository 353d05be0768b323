"""Two versions of an object side by side, with what is secret hidden; that it differs still shows."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lumihub.kubernetes.access import Object

HIDDEN = "(hidden)"
# The hub's values: most of them are no secret, and what changes in them is what the admin wants to see.
_VALUES = ("hub-values", "values.json")
_SECRET_KEY = re.compile(r"(secret|password|token|credential|private)|^(key|url)$", re.IGNORECASE)
# Addresses that hold no password by their meaning; any other `url` may.
_OPEN = (("data", "origin", "url"),)
# What anybody may write into, secrets included.
_FREE = ("config", "extraEnv", "annotations")


def hide_secrets(before: Object, after: Object) -> tuple[Object, Object]:
    """Both without the values of a Secret.

    Args:
        before: the object as it is; empty where there is none.
        after: as it will be; empty where there is none.
    """
    if "Secret" not in (before.get("kind"), after.get("kind")):
        return before, after
    return _hide(before, after, "before"), _hide(after, before, "changed")


def _hide(one: Object, other: Object, word: str) -> Object:
    copy = dict(one)
    for field in ("data", "stringData"):
        if one.get(field):
            told = other.get(field) or {}
            copy[field] = {
                name: _show(one, name, value, told.get(name, value), word) for name, value in one[field].items()
            }
    return copy


def _show(found: Object, name: str, value: str, told: str, word: str) -> Any:
    if (found["metadata"]["name"], name) == _VALUES:
        mine, others = _decode(value), _decode(told)
        if isinstance(mine, dict) and isinstance(others, dict):
            return mask(mine, others, word)
    return HIDDEN if value == told else f"(hidden, {word})"


def mask(values: Any, told: Any, word: str, path: tuple[str, ...] = ()) -> Any:
    """The chart's values with secrets hidden.

    Args:
        values: what is shown.
        told: what they are compared with.
        word: says of a hidden value which of the two it is, where they differ.
        path: of keys, down to here.
    """
    if isinstance(values, dict):
        below = told if isinstance(told, dict) else {}
        return {name: mask(value, below.get(name), word, (*path, str(name))) for name, value in values.items()}
    if not is_secret(path) or values in (None, "", [], {}):
        return values
    return HIDDEN if values == told else f"(hidden, {word})"


def is_secret(path: tuple[str, ...]) -> bool:
    """Whether a value may be secret, by the keys that lead to it."""
    if path in _OPEN:
        return False
    return bool(set(path) & set(_FREE)) or any(_SECRET_KEY.search(name) for name in path[-2:])


def _decode(value: str) -> Any:
    try:
        return json.loads(base64.b64decode(value))
    except (binascii.Error, ValueError):
        return None
