"""Questions of the lessons, checked on the spot.

`question("4l-charge", result)` shows one, and `answer("4l-charge", 146)` answers it without its card. The texts are in
`questions.en.yaml`. Nothing is asked of the network.
"""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from lumihub.analysis.progress_record import record_attempt, record_hint
from lumihub.analysis.truths import NEEDS_NOTHING, TRUTHS
from lumihub.errors import InputError, LumiHubError


class _Text(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Option(_Text):
    """One answer to choose; `key` is what a computed truth calls it."""

    text: str
    because: str = ""
    right: bool = False
    key: str = ""


class Trap(_Text):
    """A number that is wrong for a reason worth telling."""

    value: float
    because: str


class Question(_Text):
    """One question: with options to choose from, or with a number to find.

    Attributes:
        truth: the number, or the name of the truth in `TRUTHS` that is computed from the data at hand.
        relative: how far from the truth a number may be, as a share of it.
        absolute: the same, in the number's own unit; the larger of both counts.
        hints: each tells more than the one before.
    """

    name: str
    ask: str
    options: tuple[Option, ...] = ()
    truth: float | str | None = None
    relative: float = 0.0
    absolute: float = 1e-9
    unit: str = ""
    right: str = ""
    wrong: str = ""
    traps: tuple[Trap, ...] = ()
    hints: tuple[str, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _can_be_answered(self) -> Question:
        if isinstance(self.truth, str) and self.truth not in TRUTHS:
            raise ValueError(f"{self.truth} is not a known truth")
        if self.truth is None and sum(option.right for option in self.options) != 1:
            raise ValueError("exactly one option must be right, or a truth given")
        return self

    @property
    def needs_data(self) -> bool:
        """Whether the right answer depends on the data at hand."""
        return isinstance(self.truth, str) and self.truth not in NEEDS_NOTHING


@dataclass(frozen=True, slots=True)
class Feedback:
    """Whether an answer is right, and why."""

    right: bool
    because: str

    def __str__(self) -> str:
        return f"{'✓ Right.' if self.right else '✗ Not yet.'} {self.because}"


_NOT_YET = "Look again, or ask for a hint."

# What each question of this notebook is about, so that `answer` need not be told again.
_about: dict[str, Any] = {}


@cache
def load_questions() -> dict[str, Question]:
    """All questions by name."""
    stored = yaml.safe_load((files("lumihub.analysis") / "questions.en.yaml").read_text(encoding="utf-8"))
    return {name: Question(name=name, **entry) for name, entry in stored.items()}


def load_question(name: str) -> Question:
    """One question.

    Raises:
        InputError: there is none of that name.
    """
    known = load_questions()
    if name not in known:
        near = "".join(difflib.get_close_matches(name, known, 1, 0.4))
        raise InputError(f"{name} is not a known question", hint=near, fix=f"take one of {', '.join(known)}")
    return known[name]


def question(name: str, about: Any = None) -> None:
    """Show a question in a notebook, with a button to check the answer and one for hints.

    Args:
        name: of the question.
        about: what the answer is computed from: the result of the analysis, or the label of the data.

    Raises:
        InputError: no such question, or it needs `about` and got none.
    """
    asked = load_question(name)
    if about is not None:
        _about[name] = about
    _truth(asked)
    from lumihub.analysis.question_card import show_card

    show_card(asked)


def answer(name: str, value: float | str) -> None:
    """Answer a question without its card, and print whether it is right and why.

    Args:
        name: of the question.
        value: the number found; for options the place of one, from 1.

    Raises:
        InputError: no such question or option, or the question was not shown in this notebook yet.
    """
    print(give_answer(load_question(name), value))  # noqa: T201


def hint(name: str, number: int = 1) -> None:
    """Print a hint; the first when not told which. Later ones tell more.

    Raises:
        InputError: no such question.
    """
    print(give_hint(load_question(name), number))  # noqa: T201


def give_answer(asked: Question, value: float | str) -> Feedback:
    """Check an answer and remember the attempt."""
    feedback = check(asked, value)
    label = getattr(_about.get(asked.name), "label", "")
    record_attempt(asked.name, str(value), right=feedback.right, data=str(label))
    return feedback


def give_hint(asked: Question, number: int) -> str:
    """A hint, counted from 1 (the last one when there are not so many), and remember that it was asked for."""
    record_hint(asked.name)
    place = min(max(number, 1), len(asked.hints))
    return f"Hint {place} of {len(asked.hints)}: {asked.hints[place - 1]}"


def check(asked: Question, value: float | str) -> Feedback:
    """Whether an answer is right, and why.

    Args:
        asked: the question.
        value: the number found, as number or as typed; for options the place of one, from 1.

    Raises:
        InputError: not a number, or no such option.
    """
    number = _parse_number(asked, value)
    return _check_option(asked, number) if asked.options else _check_number(asked, number)


def _check_option(asked: Question, number: float) -> Feedback:
    if number not in range(1, len(asked.options) + 1):
        raise InputError(f"{asked.name} has no option {number:g}", fix=f"give a number from 1 to {len(asked.options)}")
    chosen = asked.options[int(number) - 1]
    right = chosen.right if asked.truth is None else chosen.key == _truth(asked)
    return Feedback(right, chosen.because or (asked.right if right else asked.wrong or _NOT_YET))


def _check_number(asked: Question, number: float) -> Feedback:
    truth = float(_truth(asked) or 0)
    if math.isclose(number, truth, rel_tol=asked.relative, abs_tol=asked.absolute):
        return Feedback(True, asked.right)
    for trap in asked.traps:
        if math.isclose(number, trap.value, rel_tol=0.02, abs_tol=1e-9):
            return Feedback(False, trap.because)
    direction = "too small" if number < truth else "too large"
    return Feedback(False, f"{number:g} is {direction}. {_NOT_YET}")


def _truth(asked: Question) -> float | str | None:
    if not isinstance(asked.truth, str):
        return asked.truth
    about = _about.get(asked.name)
    if asked.needs_data and about is None:
        raise InputError(
            f"{asked.name} depends on the data, and this notebook has not told which",
            fix=f'run the cell that has question("{asked.name}", ...) first',
        )
    try:
        return TRUTHS[asked.truth](about)
    except (AttributeError, TypeError) as error:
        raise LumiHubError(
            f"{asked.name} cannot be checked with a {type(about).__name__}",
            fix="hand over what the lesson does: the result of the analysis, or the label of the data",
        ) from error


def _parse_number(asked: Question, value: float | str) -> float:
    # Half of Europe writes 0,5 and 1 000.
    text = str(value).strip().rstrip("%").replace(" ", "")
    decimal_comma = text.count(",") == 1 and "." not in text and len(text.rpartition(",")[2]) != 3
    text = text.replace(",", "." if decimal_comma else "")
    try:
        return float(text)
    except ValueError:
        wanted = "the number of an option" if asked.options else "a number"
        raise InputError(f"{value!r} is not a number", fix=f"answer {asked.name} with {wanted}, as 2") from None
