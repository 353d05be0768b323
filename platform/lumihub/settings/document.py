"""A YAML file as plain data, with the line of every key, so that a fault can name it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml
from yaml.reader import ReaderError

from lumihub.errors import Fault, InputError

if TYPE_CHECKING:
    from pathlib import Path

Position = tuple[str | int, ...]

_TAG = "tag:yaml.org,2002:"
# What JSON, and therefore Helm, knows. A date or a binary keeps the text that was written.
_SCALARS = {_TAG + name for name in ("null", "bool", "int", "float")}
_PLAIN = _SCALARS | {_TAG + name for name in ("str", "timestamp", "value", "map", "seq")}

# `port:8000`, but not `root://...`.
_NO_SPACE = re.compile(r"\s*([A-Za-z]\w*):([^\s/].*?)\s*")

# What PyYAML says -> what it means in a values file, and what to do.
_SYNTAX = {
    "mapping values are not allowed here": (
        "there is a second ':' in this line, or the line above lacks its ':' or is indented otherwise",
        "indent keys of one section alike, and put a value that contains ': ' in quotes",
    ),
    "could not find expected ':'": (
        "a word that is no key: a colon is missing",
        "write KEY: VALUE, with a space after the colon",
    ),
    "expected <block end>": (
        "this line's indentation matches no line above",
        "indent keys of one section alike, by two spaces a level",
    ),
    "expected ',' or '": (
        "a list or group in brackets is not closed",
        "close it with ] or }, and separate its items by commas",
    ),
    "found unexpected end of stream": ("a quote is opened and never closed", "close the quote"),
    "found undefined alias": ("a value that begins with * is a reference in YAML", "put the value in quotes"),
    "that cannot start any token": ("a value can't begin with this character", "put the value in quotes"),
    "found another document": ("a second document begins here", "remove the line with ---"),
    "found unknown escape character": ("a backslash in double quotes", "use single quotes around this value"),
}


@dataclass(frozen=True, slots=True)
class Document:
    """What a YAML file holds.

    Attributes:
        name: the file's name as errors show it.
        data: mappings, lists, texts, numbers, booleans and None; an empty file is an empty mapping.
        lines: the line (from 1) of each key and each item of a list, by its position in `data`.
        faults: keys that are written twice, and tags.
    """

    name: str
    data: Any
    lines: dict[Position, int] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()

    def locate(self, position: Position) -> str:
        """Where a key stands, or else the nearest key above it: `"values.yaml, line 3"`."""
        for length in range(len(position), 0, -1):
            if line := self.lines.get(position[:length]):
                return f"{self.name}, line {line}"
        return self.name


def load_document(path: Path) -> Document:
    """Read a YAML file.

    Raises:
        InputError: it is not there, can't be read, is not UTF-8 or not YAML.
    """
    return parse_document(_read(path), str(path))


def parse_document(text: str, name: str) -> Document:
    """The plain data of a YAML text.

    Args:
        text: the YAML.
        name: what errors call the file.

    Raises:
        InputError: it is not YAML.
    """
    loader = None
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        reader = _Reader(loader, name)
        data = {} if root is None else reader.read(root, ())
    except yaml.MarkedYAMLError as error:
        _refuse_tabs(text, name)
        raise _explain_syntax(error, text, name) from error
    except ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise InputError(
            "the file holds a control character", where=f"{name}, line {line}", fix="remove it, or type the line anew"
        ) from error
    finally:
        if loader is not None:
            loader.dispose()
    return Document(name, {} if data is None else data, reader.lines, tuple(reader.faults))


class _Reader:
    """Walks the nodes of one file."""

    def __init__(self, loader: yaml.SafeLoader, name: str) -> None:
        self._loader = loader
        self._name = name
        self._open: list[yaml.Node] = []
        self.lines: dict[Position, int] = {}
        self.faults: list[Fault] = []

    def read(self, node: yaml.Node, position: Position) -> Any:
        if node in self._open:
            raise yaml.constructor.ConstructorError(None, None, "a value that contains itself", node.start_mark)
        self._open.append(node)
        self._refuse_tag(node, position)
        try:
            if isinstance(node, yaml.MappingNode):
                return self._read_mapping(node, position)
            if isinstance(node, yaml.SequenceNode):
                return [self._read_item(item, (*position, index)) for index, item in enumerate(node.value)]
            return self._loader.construct_object(node) if node.tag in _SCALARS else node.value
        finally:
            self._open.pop()

    def _read_item(self, node: yaml.Node, position: Position) -> Any:
        self.lines[position] = node.start_mark.line + 1
        return self.read(node, position)

    def _read_mapping(self, node: yaml.MappingNode, position: Position) -> dict[str, Any]:
        data: dict[str, Any] = {}
        here: dict[str, int] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _TAG + "merge":
                data = {**self._read_merged(value_node, position), **data}
                continue
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if key in here:
                self.faults.append(
                    Fault(
                        f"{format_position((*position, key))} is written twice",
                        where=f"{self._name}, line {line}",
                        fix=f"keep one of the two; the first is in line {here[key]}",
                    )
                )
                continue
            here[key] = line
            self.lines[(*position, key)] = line
            data[key] = self.read(value_node, (*position, key))
        return data

    def _read_merged(self, node: yaml.Node, position: Position) -> dict[str, Any]:
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[str, Any] = {}
        for part in parts:
            value = self.read(part, position)
            if not isinstance(value, dict):
                raise yaml.constructor.ConstructorError(None, None, "<< merges groups of keys alone", part.start_mark)
            merged = {**value, **merged}
        return merged

    def _refuse_tag(self, node: yaml.Node, position: Position) -> None:
        if node.tag in _PLAIN:
            return
        tag = node.tag.replace(_TAG, "!!")
        self.faults.append(
            Fault(
                f"{format_position(position)} has the tag {tag}, and tags mean nothing",
                where=f"{self._name}, line {node.start_mark.line + 1}",
                fix="remove the tag, or put the value in quotes",
            )
        )


def format_position(position: Position) -> str:
    """The path of a key as people write it: `auth.admins[0]`."""
    text = ""
    for part in position:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _read(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist", fix="check its name, or make one: ./deploy.py init") from error
    except IsADirectoryError as error:
        raise InputError(f"{path} is a folder", fix="name the values file in it, as in -f values.yaml") from error
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}", fix="give yourself the right to read it") from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise InputError(
            "the file is not UTF-8 text", where=f"{path}, line {line}", fix="save it again with the encoding UTF-8"
        ) from error


def _refuse_tabs(text: str, name: str) -> None:
    lines = [
        number
        for number, line in enumerate(text.splitlines(), start=1)
        if "\t" in line[: len(line) - len(line.lstrip())] and line.strip() and not line.lstrip().startswith("#")
    ]
    if lines:
        raise InputError.from_faults(
            [
                Fault(
                    "the line is indented with a tab, and YAML knows spaces only",
                    where=f"{name}, line {number}",
                    fix="replace the tab by spaces, two a level",
                )
                for number in lines
            ]
        )


def _explain_syntax(error: yaml.MarkedYAMLError, text: str, name: str) -> InputError:
    problem = error.problem or "not readable"
    mark = error.problem_mark
    # An open quote, or a key without its colon, is found out further below; it begins where the context is.
    if ("end of stream" in problem or "expected ':'" in problem) and error.context_mark is not None:
        mark = error.context_mark
    if mark is None:
        return InputError(f"the file is not valid YAML: {problem}", where=name, fix="correct it")
    # A key without its space is found out in the line below, where nothing is wrong.
    for number in (mark.line, mark.line - 1):
        line = text.splitlines()[number] if 0 <= number < len(text.splitlines()) else ""
        if slip := _NO_SPACE.fullmatch(line):
            return InputError(
                "the file is not valid YAML: no space after the colon",
                where=f"{name}, line {number + 1}",
                fix=f"write {slip[1]}: {slip[2]}",
            )
    meaning, fix = next((words for begin, words in _SYNTAX.items() if begin in problem), (problem, "correct this line"))
    return InputError(f"the file is not valid YAML: {meaning}", where=f"{name}, line {mark.line + 1}", fix=fix)
