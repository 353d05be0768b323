from __future__ import annotations

import json
import math
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from lumihub.analysis import questions
from lumihub.analysis.progress_record import answers_path, load_answers, record_attempt, record_hint
from lumihub.analysis.question_card import as_text, build_card
from lumihub.analysis.questions import Question, check, give_answer, give_hint, load_question, load_questions
from lumihub.errors import InputError, LumiHubError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(questions, "_about", {})
    return tmp_path


NUMBER = Question(
    name="n",
    ask="?",
    truth=120.0,
    relative=0.25,
    right="yes",
    traps=({"value": 26410, "because": "Z only"},),
    hints=("a", "b"),
)
CHOICE = Question(
    name="c",
    ask="Which <one>?",
    options=({"text": "this", "because": "no"}, {"text": "that", "right": True, "because": "indeed"}),
    hints=("a", "b"),
)


@pytest.mark.parametrize("name", load_questions())
def test_every_question_can_be_answered_and_explains_itself(name: str) -> None:
    asked = load_question(name)
    assert len(asked.hints) >= 2
    assert all(option.because or (asked.right and asked.wrong) for option in asked.options)
    assert asked.options or asked.right
    if asked.options and asked.truth is None:
        verdicts = [check(asked, place).right for place in range(1, len(asked.options) + 1)]
        assert verdicts.count(True) == 1


@pytest.mark.parametrize(
    ("typed", "right"),
    [
        (120, True),
        ("149", True),
        ("91", True),
        ("89", False),
        ("120,5", True),
        ("1,200", False),
        ("120 %", True),
        ("1 20", True),
    ],
)
def test_numbers_may_be_near_and_are_read_as_people_type_them(typed: float | str, right: bool) -> None:
    assert check(NUMBER, typed).right is right


def test_feedback_says_why() -> None:
    assert str(check(NUMBER, 120)) == "✓ Right. yes"
    assert str(check(NUMBER, 26410)) == "✗ Not yet. Z only"
    assert str(check(NUMBER, 2)) == "✗ Not yet. 2 is too small. Look again, or ask for a hint."
    assert str(check(NUMBER, 2000)) == "✗ Not yet. 2000 is too large. Look again, or ask for a hint."
    assert str(check(CHOICE, 1)) == "✗ Not yet. no"
    assert str(check(CHOICE, "2")) == "✓ Right. indeed"


@pytest.mark.parametrize("typed", ["nan", "inf"])
def test_no_number_at_all_is_never_right(typed: str) -> None:
    assert not check(NUMBER, typed).right


@pytest.mark.parametrize(
    ("asked", "typed", "text"),
    [
        (NUMBER, "many", "error: 'many' is not a number\n  fix: answer n with a number, as 2"),
        (CHOICE, "that", "error: 'that' is not a number\n  fix: answer c with the number of an option, as 2"),
        (CHOICE, 3, "error: c has no option 3\n  fix: give a number from 1 to 2"),
        (CHOICE, 0, "error: c has no option 0\n  fix: give a number from 1 to 2"),
    ],
)
def test_what_is_no_answer_is_told(asked: Question, typed: Any, text: str) -> None:
    with pytest.raises(InputError) as caught:
        check(asked, typed)
    assert str(caught.value) == text


def test_an_unknown_question_names_a_near_one() -> None:
    with pytest.raises(InputError, match="4l-charg is not a known question") as caught:
        load_question("4l-charg")
    assert caught.value.faults[0].hint == "4l-charge"


def test_the_truth_is_computed_from_the_label_at_hand(capsys: pytest.CaptureFixture[str]) -> None:
    for label, real in (("ATLAS Open Data", True), ("simulated sample, not ATLAS data", False)):
        questions.question("welcome-label", label)
        assert check(load_question("welcome-label"), 1).right is real
        assert check(load_question("welcome-label"), 2).right is not real


def test_the_truth_is_computed_from_the_result_at_hand() -> None:
    class Table(dict[str, Any]):
        def count(self, sample: str, cut: str) -> SimpleNamespace:
            assert cut == "charge-and-flavour"
            return SimpleNamespace(events_out={"data_A": 27, "data_B": 86}[sample])

    result = SimpleNamespace(data_samples=["data_A", "data_B"], cutflow=Table(), label="ATLAS Open Data")
    questions.question("4l-charge", result)
    assert give_answer(load_question("4l-charge"), 113).right
    assert not give_answer(load_question("4l-charge"), 112).right
    assert load_answers()["4l-charge"].data == "ATLAS Open Data"


def test_a_question_about_data_says_what_it_needs() -> None:
    with pytest.raises(InputError) as caught:
        questions.answer("4l-charge", 27)
    assert str(caught.value) == (
        "error: 4l-charge depends on the data, and this notebook has not told which\n"
        '  fix: run the cell that has question("4l-charge", ...) first'
    )
    with pytest.raises(LumiHubError, match="4l-charge cannot be checked with a int"):
        questions.question("4l-charge", 27)


def test_a_published_truth_needs_nothing() -> None:
    assert check(load_question("welcome-four-leptons"), 120).right
    assert not check(load_question("welcome-four-leptons"), 12).right


def test_answer_and_hint_print(capsys: pytest.CaptureFixture[str]) -> None:
    questions.answer("welcome-most-common", 2)
    questions.hint("welcome-most-common")
    questions.hint("welcome-most-common", 99)
    said = capsys.readouterr().out
    assert said.startswith("✓ Right. More than half of all Higgs bosons (58.1 %)")
    assert "Hint 1 of 2: The width of a stream" in said
    assert "Hint 2 of 2: The widest stream" in said


def test_the_record_counts_attempts_and_hints_and_stays_solved(home: Path) -> None:
    asked = load_question("welcome-most-common")
    for value in (1, 2, 3):
        give_answer(asked, value)
    give_hint(asked, 1)
    record = load_answers()["welcome-most-common"]
    assert (record.attempts, record.hints, record.right, record.answer) == (3, 1, True, "3")
    assert record.first <= record.solved
    stored = json.loads((home / ".lumihub/answers.json").read_text())
    assert stored["format"] == 1
    assert set(stored["questions"]["welcome-most-common"]) == {
        "attempts",
        "hints",
        "right",
        "answer",
        "first",
        "solved",
    }


@pytest.mark.parametrize("damage", ["", "[]", '{"questions": 3}', '{"questions": {"a": 1}}'])
def test_a_broken_record_starts_anew(damage: str) -> None:
    answers_path().parent.mkdir()
    answers_path().write_text(damage)
    assert record_attempt("q", "1", right=True)
    assert load_answers()["q"].right


def test_a_record_that_cannot_be_written_stops_nobody(home: Path) -> None:
    (home / ".lumihub").write_text("in the way")
    assert not record_hint("q")
    assert give_answer(load_question("welcome-most-common"), 2).right


def parts(card: Any) -> tuple[Any, Any, Any, Any]:
    _, field, buttons, reply = card.children
    check_button, hint_button = buttons.children
    return field, check_button, hint_button, reply


def test_the_card_checks_and_helps_step_by_step() -> None:
    field, check_button, hint_button, reply = parts(build_card(load_question("welcome-most-common")))
    check_button.click()
    assert "Choose or type an answer first." in reply.value
    hint_button.click()
    assert "Hint 1 of 2" in reply.value
    hint_button.click()
    hint_button.click()
    assert "Hint 2 of 2" in reply.value
    field.value = 1
    check_button.click()
    assert "✗ Not yet." in reply.value
    field.value = 2
    check_button.click()
    assert "✓ Right." in reply.value
    assert load_answers()["welcome-most-common"].attempts == 2


def test_the_card_explains_what_is_no_number_and_remembers_what_was_solved() -> None:
    asked = load_question("welcome-four-leptons")
    field, check_button, _, reply = parts(build_card(asked))
    field.value = "lots"
    check_button.click()
    assert "&#x27;lots&#x27; is not a number" in reply.value
    assert "welcome-four-leptons" not in load_answers()
    field.value = "120"
    check_button.click()
    assert "solved this one before" in parts(build_card(asked))[3].value


def test_the_card_shows_text_as_text() -> None:
    heading, *_ = build_card(CHOICE).children
    assert "Which &lt;one&gt;?" in heading.value


def test_without_controls_the_question_is_text() -> None:
    assert as_text(CHOICE) == (
        'Which <one>?\n  1. this\n  2. that\nAnswer in a new cell: answer("c", 2)   A hint: hint("c")'
    )


def test_a_question_without_a_right_answer_is_refused() -> None:
    for wrong in ({"options": [{"text": "a"}, {"text": "b"}]}, {"truth": "nonsense"}, {}):
        with pytest.raises(ValueError, match="Value error"):
            Question(name="x", ask="?", hints=("a", "b"), **wrong)
    assert math.isclose(float(NUMBER.truth or 0), 120)
