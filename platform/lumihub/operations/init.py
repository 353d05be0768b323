"""The few questions that a values file begins with, and the file that the answers make."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from lumihub.errors import Fault, InputError
from lumihub.settings.document import Document
from lumihub.settings.keys import find_key
from lumihub.settings.loading import build_settings
from lumihub.settings.quantities import parse_memory
from lumihub.settings.rendering import render_value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Kept for the operating system, the hub (about 170 MB), its proxy and the data cache.
_MEMORY_OF_PLATFORM = parse_memory("2G")

_HEAD = """\
# Settings of LumiHub. Every other key, and what it means: values.example.yaml, or ./deploy.py explain
# After a change: ./deploy.py validate, then ./deploy.py up
"""


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer that has a name.

    Attributes:
        value: what the file gets.
        meaning: what the person gets, in a few words.
    """

    value: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that `init` asks.

    Attributes:
        key: the key that the answer sets.
        option: the option that answers it in a script.
        text: what is asked.
        choices: answers by name.
        free: whether any valid value is an answer too.
        note: the comment in the file, before the meaning of the choice.
    """

    key: str
    option: str
    text: str
    choices: Mapping[str, Choice] = field(default_factory=dict)
    free: bool = False
    note: str = ""

    @property
    def default(self) -> str:
        """The answer of somebody who just presses Enter."""
        value = getattr(find_key(self.key), "default", None)
        named = (name for name, choice in self.choices.items() if choice.value == value)
        return next(named, ",".join(value) if isinstance(value, list) else str(value))


# Those of one section follow each other: the file keeps their order.
QUESTIONS = (
    Question(
        "auth.admins",
        "--admin",
        "Name of the admin's account (several with commas)",
        free=True,
        note="accounts that approve students and stop servers",
    ),
    Question(
        "auth.native.signup",
        "--signup",
        "How students get accounts",
        {
            "approval": Choice("approval", "they ask at the login page, an admin approves"),
            "open": Choice("open", "whoever reaches the login page is in: only for a closed network"),
            "closed": Choice("closed", "./deploy.py users add makes them"),
        },
        note="students' accounts",
    ),
    Question(
        "proxy.address",
        "--listen",
        "Who connects to the hub",
        {
            "network": Choice("0.0.0.0", "every machine of the network"),  # noqa: S104
            "this-machine": Choice("127.0.0.1", "browsers of this machine alone"),
        },
        free=True,
        note="who connects, by the address of this machine",
    ),
    Question(
        "proxy.port",
        "--port",
        "Port that browsers open",
        free=True,
        note="the port that browsers open; below 1024 needs root",
    ),
    Question("singleuser.memory.limit", "--memory", "Most memory for one student's server", free=True),
    Question(
        "data.mode",
        "--data-mode",
        "How data gets to the students",
        {
            "cache": Choice("cache", "what one student has read is kept for the next"),
            "stream": Choice("stream", "every read goes to the origin; takes no disk"),
            "mirror": Choice("mirror", "whole files beforehand (./deploy.py data fetch); lessons need no internet"),
        },
        note="how data travels",
    ),
    Question(
        "data.origin.url",
        "--origin",
        "Where the data comes from",
        {
            "cern": Choice("root://eospublic.cern.ch//eos/opendata/atlas", "CERN, by XRootD (port 1094)"),
            "cern-https": Choice(
                "https://opendata.cern.ch/eos/opendata/atlas", "CERN, by https, where 1094 is closed; not cached"
            ),
        },
        free=True,
        note="where data comes from",
    ),
)


def read_answer(question: Question, text: str) -> Any:
    """The value that an answer stands for, as the values file holds it.

    Raises:
        InputError: it is no answer; begins with the question's option.
    """
    text = text.strip()
    if text in question.choices:
        return question.choices[text].value
    if not question.free:
        names = ", ".join(question.choices)
        raise InputError(f"{question.option} should be one of {names}, not {text!r}")
    value: Any = text
    if question.key == "auth.admins":
        value = [name.strip() for name in text.split(",")]
    elif text.isdecimal() and isinstance(getattr(find_key(question.key), "default", None), int):
        value = int(text)
    try:
        build_settings(Document("", _nest({question.key: value})))
    except InputError as error:
        # A list's item at fault is the answer at fault, and "null" is nothing that can be typed here.
        what = re.sub(rf"^{re.escape(question.key)}(\[\d+\])?", question.option, error.faults[0].what)
        names = f"{', '.join(question.choices)}, or " if question.choices else ""
        what = what.replace(", or null", "").replace("should be ", f"should be {names}", 1)
        raise InputError(what, hint=error.faults[0].hint) from error
    return value


def read_answers(texts: Mapping[str, str]) -> dict[str, Any]:
    """The values for answers given by option, defaults for the rest.

    Args:
        texts: answers by option, as in `{"--port": "80"}`.

    Returns:
        A value for the key of each question.

    Raises:
        InputError: with the faults of all of them.
    """
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for question in QUESTIONS:
        try:
            values[question.key] = read_answer(question, texts.get(question.option, question.default))
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError.from_faults(faults)
    return values


def count_servers(limit: str, memory: int) -> int:
    """How many students' servers fit into a machine when each takes all of its memory.

    Args:
        limit: of one server, as in `"2G"`.
        memory: of the machine, in bytes.
    """
    return max(0, memory - _MEMORY_OF_PLATFORM) // parse_memory(limit)


def describe_capacity(limit: str, memory: int) -> str:
    """The same in words."""
    count = count_servers(limit, memory)
    return (
        f"this machine ({memory / 1024**3:.0f}G) holds {count} such server{'' if count == 1 else 's'} at full use,"
        " more when students use less"
    )


def build_values_file(values: Mapping[str, Any], memory: int) -> str:
    """The text of a values file with these values, each with a comment.

    Args:
        values: by the path of the key.
        memory: of the machine, in bytes.
    """
    lines: list[str] = []
    open_sections: list[str] = []
    for question in QUESTIONS:
        *sections, name = question.key.split(".")
        pairs = zip(sections, open_sections, strict=False)
        shared = len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))
        if shared == 0:
            lines.append("")
        lines += [f"{'  ' * depth}{sections[depth]}:" for depth in range(shared, len(sections))]
        open_sections = sections
        indent = "  " * len(sections)
        value = values[question.key]
        lines += [f"{indent}# {_comment(question, value, memory)}", f"{indent}{name}: {render_value(value)}"]
    return _HEAD + "\n".join(lines) + "\n"


def write_values_file(path: Path, text: str, *, replace: bool) -> None:
    """Write the file, whole or not at all.

    Raises:
        InputError: it exists and may not be replaced, or the folder is not there or not writable.
    """
    if path.exists() and not replace:
        raise InputError(
            f"{path} exists already", fix="keep it, name another with --output, or replace it with --force"
        )
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(text, "utf-8")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise InputError(f"{path} can't be written: {error.strerror}", fix="name another file with --output") from error


def _comment(question: Question, value: Any, memory: int) -> str:
    if question.key == "singleuser.memory.limit":
        return describe_capacity(value, memory)
    chosen = next((choice.meaning for choice in question.choices.values() if choice.value == value), None)
    return f"{question.note}: {chosen}" if chosen else question.note


def _nest(values: Mapping[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for key, value in values.items():
        *sections, name = key.split(".")
        here = tree
        for section in sections:
            here = here.setdefault(section, {})
        here[name] = value
    return tree
