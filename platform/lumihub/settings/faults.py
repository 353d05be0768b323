"""What pydantic found, in words: each fault begins with the key, names the line, the nearest key and the fix."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

from pydantic.alias_generators import to_camel

from lumihub.errors import Fault
from lumihub.settings.document import format_position
from lumihub.settings.keys import build_keys, find_expected, find_key
from lumihub.settings.renamed import describe_renamed, find_new_name

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from lumihub.settings.document import Document, Position

# From this likeness on a misspelt neighbour is meant, even if the word is a key of another section.
_SURELY_MISSPELT = 0.8
_MOST_SUGGESTIONS = 3
_LONGEST_QUOTE = 60
# What YAML reads as true or false where no quotes are.
_BOOLEANS = {"true", "false", "yes", "no", "on", "off"}


def build_fault(error: ErrorDetails, document: Document) -> Fault:
    """One of pydantic's errors as a fault of the file."""
    position = tuple(error["loc"])
    match error["type"]:
        case "extra_forbidden":
            return _build_unknown_key(position, document)
        case "missing":
            return _build_missing(position, document)
        case "broken_rule":
            return _build_broken_rule(error, document)
        case _:
            return _build_wrong_value(position, error["input"], document)


def find_involved(error: ErrorDetails) -> tuple[Position, ...]:
    """The keys that an error is about: its own, what was meant by a misspelt one, and all that a broken rule joins."""
    position = tuple(error["loc"])
    if error["type"] == "extra_forbidden":
        return (position, *(tuple(path.split(".")) for path in find_near(format_position(position))))
    if error["type"] != "broken_rule":
        return (position,)
    context = error["ctx"]
    return tuple((*position, *path.split(".")) for path in (context["key"], *context["involved"]))


def find_near(path: str) -> tuple[str, ...]:
    """The keys (whole paths, best first, at most 3) that were probably meant by a path that is no key."""
    above, name = _split(path)
    siblings = {key.name: key.path for key in _find_siblings(above)}
    if (camel := to_camel(name.replace("-", "_"))) in siblings:
        return (siblings[camel],)
    near = difflib.get_close_matches(name, siblings, n=1, cutoff=0.6)
    if near and difflib.SequenceMatcher(None, name, near[0]).ratio() >= _SURELY_MISSPELT:
        return (siblings[near[0]],)
    return _find_elsewhere(path, above) or tuple(siblings[name] for name in near)


def _find_elsewhere(path: str, above: str) -> tuple[str, ...]:
    """Keys of other sections that end in these words; those below the section itself come first."""
    every = [key for top in build_keys() for key in top.walk()]
    tail = path.removeprefix(f"{above}.") if above else path
    found = [key.path for key in every if f".{key.path}".endswith(f".{tail}")]
    if not found:
        similar = difflib.get_close_matches(tail, {key.name for key in every}, n=1, cutoff=_SURELY_MISSPELT)
        found = [key.path for key in every if key.name in similar]
    found.sort(key=lambda other: not other.startswith(f"{above}."))
    return tuple(found[:_MOST_SUGGESTIONS])


def _split(path: str) -> tuple[str, str]:
    """The longest section that is known, and the first name below it that is not."""
    above = ""
    for name in path.split("."):
        below = f"{above}.{name}" if above else name
        key = find_key(below)
        if key is None:
            return above, name
        above = below
    return above, ""


def _find_siblings(above: str) -> tuple[Any, ...]:
    key = find_key(above) if above else None
    return key.keys if key else build_keys()


def _build_unknown_key(position: Position, document: Document) -> Fault:
    path = format_position(position)
    above = format_position(position[:-1])
    if new := find_new_name(path):
        section = new.partition(".config.")[0] + (".config" if ".config." in new else "")
        return Fault(
            describe_renamed(path),
            where=document.locate(position),
            fix=f"move it there, or run ./deploy.py explain {section}",
        )
    near = find_near(path)
    hint, fix = " or ".join(near), "remove it"
    if len(near) == 1 and near[0].rpartition(".")[0] == above:
        hint, fix = near[0].rpartition(".")[2], "rename it"
    elif near:
        fix = f"move it below {near[0].rpartition('.')[0]}" if len(near) == 1 else "move it to where it belongs"
    return Fault(
        f"{path} is not a known key",
        where=document.locate(position),
        hint=hint,
        fix=f"{fix}, or run ./deploy.py explain {above}".rstrip(),
    )


def _build_missing(position: Position, document: Document) -> Fault:
    path = format_position(position)
    key = find_key(path)
    example = f", as in {position[-1]}: {key.examples[0]}" if key and key.examples else ""
    return Fault(
        f"{path} is missing",
        where=document.locate(position),
        fix=f"write it below {format_position(position[:-1])}{example}",
    )


def _build_broken_rule(error: ErrorDetails, document: Document) -> Fault:
    written = (position for position in find_involved(error) if position in document.lines)
    own = find_involved(error)[0]
    return Fault(
        f"{format_position(own)} {error['ctx']['message']}",
        where=document.locate(next(written, own)),
        fix=error["ctx"]["fix"],
    )


def _build_wrong_value(position: Position, given: Any, document: Document) -> Fault:
    expected = find_expected(position)
    path = format_position(position)
    known = next(
        (key for end in range(len(position), 0, -1) if (key := find_key(format_position(position[:end])))), None
    )
    words = re.split(r", or |, | or ", expected)
    choices = words if all(word.isalpha() for word in words) else []
    near = difflib.get_close_matches(str(given), choices, n=1, cutoff=0.6)
    remedy = f"write {near[0]}" if near else _find_remedy(expected, given)
    return Fault(
        f"{path} should be {expected}, not {format_value(given)}",
        where=document.locate(position),
        hint=near[0] if near else "",
        fix=f"{remedy or 'change it'}, or run ./deploy.py explain {known.path if known else ''}".rstrip(),
    )


def _find_remedy(expected: str, given: Any) -> str:
    """What to type in place of a usual slip, or empty."""
    if expected.startswith("a group of"):
        slip = re.fullmatch(r"(\w+):(\S.*)", given) if isinstance(given, str) else None
        return f"write a space after the colon: {slip[1]}: {slip[2]}" if slip else "write its keys below it, indented"
    if expected.startswith("a list") and isinstance(given, str):
        return f"write a list: [{given}]"
    if "with a unit" in expected and (
        amount := re.fullmatch(r"(\d+(?:\.\d+)?) ?([kmgt]?)i?b?", str(given), re.IGNORECASE)
    ):
        written = f"{amount[1]}{amount[2].upper() or 'G'}"
        return "" if written == given else f"write {written}"
    if "number" in expected and isinstance(given, str) and re.fullmatch(r"[0-9.]+", given):
        return f"write {given} without quotes"
    if expected == "true or false" and isinstance(given, str) and given.lower() in _BOOLEANS:
        return f"write {given} without quotes"
    if isinstance(given, (bool, int, float)) and "number" not in expected and "true or false" not in expected:
        return f'put it in quotes: "{format_value(given)}"'
    return ""


def format_value(value: Any) -> str:
    """A value as it stands in YAML, short enough for one line."""
    match value:
        case None:
            return "nothing (null)"
        case bool():
            return str(value).lower()
        case str():
            text = f"'{value}'"
        case dict():
            return "a group of keys"
        case list():
            text = f"[{', '.join(str(item) for item in value)}]"
        case _:
            text = str(value)
    return text if len(text) <= _LONGEST_QUOTE else f"{text[: _LONGEST_QUOTE - 1]}…"
