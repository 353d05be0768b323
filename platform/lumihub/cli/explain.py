"""`explain`: what a key means, what may be written there, and what holds now."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lumihub.cli.options import Json, ValuesFile
from lumihub.cli.output import output
from lumihub.errors import InputError
from lumihub.settings.current import Current, load_current
from lumihub.settings.faults import find_near
from lumihub.settings.keys import Key, build_keys, find_key
from lumihub.settings.rendering import render_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_WIDTH = 100
_LABELS = 10


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("explain")(_explain)


def _explain(
    key: Annotated[
        str | None, typer.Argument(metavar="[KEY]", help="A key such as cull.timeout, or a section such as cull.")
    ] = None,
    values: ValuesFile = None,
    as_json: Json = False,
) -> None:
    """Explain a key of the values file: meaning, what may be written, default, example, and the value that holds now.

    A section shows its keys. Without KEY: the whole tree.
    """
    found = _find(key.strip(".")) if key else None
    current = load_current(values)
    if current.faulty:
        output.warn(f"{current.name} has faults, so no values of it are shown; see them with ./deploy.py validate")
    keys = (found,) if found else build_keys()
    if as_json:
        output.json([_build_json(leaf, current) for top in keys for leaf in _leaves(top)])
    elif found and not found.keys:
        _show_leaf(found, current)
    else:
        _show_sections(keys, current, whole=found is None)


def _find(path: str) -> Key:
    found = find_key(path) or _find_free_group(path)
    if found is None:
        near = find_near(path)
        raise InputError(
            f"{path} is not a known key",
            hint=" or ".join(near),
            fix="run ./deploy.py explain to see all keys" if len(near) != 1 else f"run ./deploy.py explain {near[0]}",
        )
    return found


def _find_free_group(path: str) -> Key | None:
    """The key above, where that takes names of the admin's own, as hub.config and singleuser.extraEnv do."""
    while path := path.rpartition(".")[0]:
        key = find_key(path)
        if key is not None:
            return key if isinstance(key.default, dict) else None
    return None


def _leaves(key: Key) -> Iterator[Key]:
    return (below for below in key.walk() if not below.keys or below.optional_section)


def _show_leaf(key: Key, current: Current) -> None:
    output.result(key.path)
    for line in textwrap.wrap(key.meaning, _WIDTH - 2, break_on_hyphens=False):
        output.result(f"  {line}")
    output.result()
    rows = {"May be": key.expected, "Default": "none; it must be given" if key.required else render_value(key.default)}
    if (value := current.find(key.path)) is not None:
        rows["Now"] = value
    for label, text in rows.items():
        output.result(f"  {label:<{_LABELS}}{text}")
    for number, line in enumerate(_build_example(key)):
        output.result(f"  {'' if number else 'Example':<{_LABELS}}{line}")


def _show_sections(keys: Iterable[Key], current: Current, *, whole: bool) -> None:
    for top in keys:
        output.result(f"{top.path}  {top.meaning}")
        for key in (below for below in top.walk() if below is not top):
            if whole and key.required and key.path not in current.values:  # of a section that is null as a whole
                continue
            indent = "  " * (key.path.count(".") - top.path.count("."))
            head = f"{indent}{key.name}: {_show_value(key, current, place=whole)}".rstrip()
            output.result(head if whole else f"{head:<34} {_first_sentence(key.meaning)}")
        if whole:
            output.result()
    if whole:
        output.result("./deploy.py explain KEY explains one, as in ./deploy.py explain cull.timeout")


def _show_value(key: Key, current: Current, *, place: bool) -> str:
    if key.path not in current.values or (key.keys and current.values[key.path] is not None):
        return ""
    return (current.find(key.path) or "") if place else render_value(current.values[key.path])


def _first_sentence(text: str) -> str:
    return text.split(". ", maxsplit=1)[0].rstrip(".")


def _build_example(key: Key) -> list[str]:
    value = key.examples[0] if key.examples else key.default
    parts = key.path.split(".")
    lines = [f"{'  ' * depth}{part}:" for depth, part in enumerate(parts)]
    lines[-1] += f" {render_value(value)}"
    return lines


def _build_json(key: Key, current: Current) -> dict[str, Any]:
    return {
        "key": key.path,
        "meaning": key.meaning,
        "mayBe": key.expected,
        "required": key.required,
        "default": key.default,
        "examples": list(key.examples),
        "now": current.values.get(key.path),
        "where": current.places.get(key.path),
    }
