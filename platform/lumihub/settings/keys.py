"""The tree of keys with what people should know of each; `explain`, the references and the errors read it."""

from __future__ import annotations

import types
import typing
from dataclasses import dataclass
from functools import cache
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Ge, Gt, Le
from pydantic.fields import FieldInfo

from lumihub.settings.kinds import Internal, Section, Words
from lumihub.settings.models import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lumihub.settings.document import Position


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the values file.

    Attributes:
        path: from the root, in camelCase: `"cull.timeout"`.
        meaning: what it does, its unit, why the default is so, how to switch it off. Backquotes mark what is typed.
        expected: what may be written there, as it follows "should be".
        default: as JSON knows it; None for a section.
        required: whether it must be written once its section is.
        examples: other values that make sense.
        keys: what a section holds; empty for a leaf.
    """

    path: str
    meaning: str
    expected: str
    default: Any
    required: bool
    examples: tuple[Any, ...] = ()
    keys: tuple[Key, ...] = ()

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]

    @property
    def optional_section(self) -> bool:
        """Whether this is a section that may be absent as a whole (null), as `proxy.https.manual`."""
        return bool(self.keys) and self.expected.endswith(_OR_NULL)

    def walk(self) -> Iterator[Key]:
        """This key and all below it, in the order of the file."""
        yield self
        for key in self.keys:
            yield from key.walk()


_OR_NULL = ", or null"


@cache
def build_keys() -> tuple[Key, ...]:
    """The keys of the values file, with all below them, but for those that the tool writes itself."""
    return _build_keys(Settings, Settings(), "")


def find_key(path: str) -> Key | None:
    """The key with this path, or None."""
    return next((key for top in build_keys() for key in top.walk() if key.path == path), None)


def find_expected(position: Position) -> str:
    """What may be written at a position of the values file, in words, also inside lists and free groups."""
    annotation: Any = Settings
    metadata: Sequence[Any] = ()
    for part in position:
        annotation, metadata = _descend(annotation, part)
    return describe(annotation, metadata)


def describe(annotation: Any, metadata: Sequence[Any] = ()) -> str:
    """A type in words, as they follow "should be": `"a whole number from 1 to 65535"`."""
    if typing.get_origin(annotation) is Annotated:
        return describe(annotation.__origin__, (*metadata, *annotation.__metadata__))
    if _is_optional(annotation):
        return describe(_without_null(annotation), metadata) + _OR_NULL
    flat = [item for entry in metadata for item in (entry.metadata if isinstance(entry, FieldInfo) else (entry,))]
    words = [item.text for item in flat if isinstance(item, Words)]
    return (words[-1] if words else _describe_plain(annotation)) + _describe_range(flat)


def _describe_plain(annotation: Any) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return " or ".join(filter(None, (", ".join(arguments[:-1]), arguments[-1])))
    if origin is dict:
        return f"a group of names, each with {describe(arguments[1])}"
    if origin is tuple:
        return f"a list, each item {describe(arguments[0])}"
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return "a group of keys"
    return {bool: "true or false", int: "a whole number", float: "a number", str: "text", Path: "a path"}.get(
        annotation, "any value"
    )


def _describe_range(metadata: Sequence[Any]) -> str:
    least = next((item.ge for item in metadata if isinstance(item, Ge)), None)
    most = next((item.le for item in metadata if isinstance(item, Le)), None)
    above = next((item.gt for item in metadata if isinstance(item, Gt)), None)
    if least is not None and most is not None:
        return f" from {least} to {most}"
    if least is not None:
        return f", {least} or more"
    return "" if above is None else f" above {above}"


def _build_keys(model: type[Section], defaults: Section | None, above: str) -> tuple[Key, ...]:
    shown = {name: field for name, field in model.model_fields.items() if Internal not in map(type, field.metadata)}
    return tuple(
        _build_key(field, getattr(defaults, name, None), f"{above}{field.alias}") for name, field in shown.items()
    )


def _build_key(field: FieldInfo, default: Any, path: str) -> Key:
    section = _find_section(field.annotation)
    return Key(
        path=path,
        meaning=field.description or cleandoc((section and section.__doc__) or ""),
        expected=describe(field.annotation, field.metadata),
        default=list(default) if isinstance(default, tuple) else None if isinstance(default, Section) else default,
        required=field.is_required(),
        examples=tuple(field.examples or ()),
        keys=_build_keys(section, default, f"{path}.") if section else (),
    )


def _descend(annotation: Any, part: str | int) -> tuple[Any, Sequence[Any]]:
    section = _find_section(annotation)
    if section is not None:
        field = next((field for field in section.model_fields.values() if field.alias == part), None)
        return (field.annotation, field.metadata) if field else (Any, ())
    plain = _without_null(annotation)
    arguments = typing.get_args(plain)
    if typing.get_origin(plain) is dict:
        return arguments[1], ()
    return (arguments[0], ()) if arguments else (Any, ())


def _find_section(annotation: Any) -> type[Section] | None:
    plain = _without_null(annotation)
    return plain if isinstance(plain, type) and issubclass(plain, Section) else None


def _is_optional(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (typing.Union, types.UnionType) and type(None) in typing.get_args(
        annotation
    )


def _without_null(annotation: Any) -> Any:
    if not _is_optional(annotation):
        return annotation
    return next(item for item in typing.get_args(annotation) if item is not type(None))
