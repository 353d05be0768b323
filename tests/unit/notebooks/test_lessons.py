"""Rules that every lesson keeps, so that it opens, can be followed and gives no noise in git."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

from lumihub.analysis.questions import load_questions

FOLDER = Path(__file__).parents[3] / "notebooks"
LESSONS = sorted(FOLDER.glob("*/*.ipynb"))
MOST_CODE_CELLS = 12
LONGEST_CELL = 8
# What would leave the machine, or hide from a student what a lesson does.
FORBIDDEN = re.compile(r"https?://|\b(requests|urllib|httpx|socket|subprocess|os\.system)\b|^\s*[!%]", re.MULTILINE)
ALLOWED_ROOMS = {"lumihub", "lumihub.analysis", "lumihub.compute", "lumihub.data"}


@pytest.fixture(params=LESSONS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def lesson(request: pytest.FixtureRequest) -> Any:
    return nbformat.read(request.param, as_version=4)


def code_of(lesson: Any) -> list[Any]:
    return [cell for cell in lesson.cells if cell.cell_type == "code"]


def asked_in(lesson: Any) -> list[str]:
    return re.findall(r'^question\("([^"]+)"', "\n".join(cell.source for cell in code_of(lesson)), re.MULTILINE)


def test_the_three_lessons_are_there() -> None:
    names = [path.name for path in LESSONS if path.parent.name == "en"]
    assert names == ["00-welcome.ipynb", "01-higgs-to-four-leptons.ipynb", "02-higgs-to-two-photons.ipynb"]


def test_it_is_a_valid_notebook_for_the_kernel_that_every_server_has(lesson: Any) -> None:
    nbformat.validate(lesson)
    assert lesson.metadata.kernelspec.name == "python3"


def test_it_holds_no_outputs(lesson: Any) -> None:
    left = [cell.id for cell in code_of(lesson) if cell.outputs or cell.execution_count is not None]
    assert left == []


def test_its_cells_are_few_and_short(lesson: Any) -> None:
    cells = code_of(lesson)
    assert 1 <= len(cells) <= MOST_CODE_CELLS
    assert [cell.id for cell in cells if len(cell.source.splitlines()) > LONGEST_CELL] == []


def test_cell_names_are_words_and_unique(lesson: Any) -> None:
    names = [cell.id for cell in lesson.cells]
    assert len(names) == len(set(names))
    # A name made by a program is eight hexadecimal digits: it would change with every rewriting.
    assert [name for name in names if re.fullmatch(r"[0-9a-f]{8}(-.*)?", name)] == []


def test_it_reaches_for_nothing_outside(lesson: Any) -> None:
    found = [(cell.id, match.group()) for cell in code_of(lesson) for match in FORBIDDEN.finditer(cell.source)]
    assert found == []


def test_it_imports_only_what_notebooks_may_see(lesson: Any) -> None:
    for cell in code_of(lesson):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.ImportFrom):
                room = ".".join((node.module or "").split(".")[:2])
                assert room in ALLOWED_ROOMS, cell.id
            assert not isinstance(node, ast.Import), cell.id


def test_every_question_is_known_and_asked_once(lesson: Any) -> None:
    asked = asked_in(lesson)
    assert len(asked) >= 4
    assert len(asked) == len(set(asked))
    assert set(asked) <= set(load_questions())


def test_it_predicts_and_says_what_was_found(lesson: Any) -> None:
    text = "\n".join(cell.source for cell in lesson.cells if cell.cell_type == "markdown")
    for part in ("redict", "## What you found", "simulat", "For teachers"):
        assert part in text
    assert re.search(r"\b(team|pairs)\b", text)


def test_no_question_is_forgotten() -> None:
    asked = [name for path in LESSONS for name in asked_in(nbformat.read(path, as_version=4))]
    assert sorted(asked) == sorted(load_questions())
