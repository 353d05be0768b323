"""How a question looks in a notebook: plain controls that a keyboard and a screen reader can use."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from lumihub.analysis.progress_record import load_answers
from lumihub.analysis.questions import Feedback, Question, give_answer, give_hint
from lumihub.errors import LumiHubError

if TYPE_CHECKING:
    from collections.abc import Callable

_RIGHT, _WRONG, _NEUTRAL = "#1b7837", "#a63603", "#4d4d4d"


def show_card(asked: Question) -> None:
    """Show the question with controls; where there are none to be had, as text with the line to type."""
    from IPython.display import display

    try:
        card = build_card(asked)
    except ImportError:
        print(as_text(asked))  # noqa: T201
        return
    display(card)  # type: ignore[no-untyped-call]


def as_text(asked: Question) -> str:
    """The question, its options, and what to type to answer it."""
    options = [f"  {place}. {option.text}" for place, option in enumerate(asked.options, 1)]
    example = "2" if asked.options else "123"
    how = f'Answer in a new cell: answer("{asked.name}", {example})   A hint: hint("{asked.name}")'
    return "\n".join([asked.ask, *options, how])


def build_card(asked: Question) -> Any:
    """The question's controls.

    Raises:
        ImportError: ipywidgets is not installed.
    """
    import ipywidgets as widgets

    wide = widgets.Layout(width="auto", max_width="60em")
    if asked.options:
        choices = [(option.text, place) for place, option in enumerate(asked.options, 1)]
        field = widgets.RadioButtons(options=choices, value=None, layout=wide)
    else:
        field = widgets.Text(
            placeholder="your number",
            description=asked.unit and f"in {asked.unit}:",
            layout=widgets.Layout(width="22em"),
        )
        field.style.description_width = "initial"
    check = widgets.Button(description="Check", button_style="primary", tooltip="Check my answer")
    more = widgets.Button(description="Hint", tooltip="Show a hint")
    reply = widgets.HTML(_remembered(asked), layout=wide)
    heading = widgets.HTML(f"<div style='line-height:1.4'><b>{html.escape(asked.ask)}</b></div>", layout=wide)
    shown = {"hints": 0}

    def on_check(_: object) -> None:
        reply.value = _reply(lambda: give_answer(asked, field.value), nothing=field.value in (None, ""))

    def on_hint(_: object) -> None:
        shown["hints"] = min(shown["hints"] + 1, len(asked.hints))
        reply.value = _say(give_hint(asked, shown["hints"]), _NEUTRAL)

    check.on_click(on_check)
    more.on_click(on_hint)
    card = widgets.VBox([heading, field, widgets.HBox([check, more]), reply])
    card.layout = widgets.Layout(border_left="4px solid #0072B2", padding="0.4em 0.4em 0.4em 1em", margin="0.5em 0")
    return card


def _reply(ask: Callable[[], Feedback], *, nothing: bool) -> str:
    if nothing:
        return _say("Choose or type an answer first.", _NEUTRAL)
    try:
        feedback = ask()
    except LumiHubError as error:
        return _say(" ".join(f"{fault.what}. {fault.fix}" for fault in error.faults), _WRONG)
    return _say(str(feedback), _RIGHT if feedback.right else _WRONG)


def _say(text: str, color: str) -> str:
    # Screen readers speak what appears in a status; the mark before the text carries what the colour says.
    return f"<div role='status' aria-live='polite' style='color:{color};line-height:1.4'>{html.escape(text)}</div>"


def _remembered(asked: Question) -> str:
    record = load_answers().get(asked.name)
    return _say("✓ You have solved this one before.", _RIGHT) if record and record.right else _say("", _NEUTRAL)
