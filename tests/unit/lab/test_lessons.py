from __future__ import annotations

import json
from pathlib import Path

import pytest

from lumihub.errors import InputError, LumiHubError
from lumihub.lab import lessons

LESSON = "01-higgs.ipynb"
EDITED = b"my own work"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "figures").mkdir(parents=True)
    (folder / LESSON).write_bytes(b"version 1")
    (folder / "figures/decay.png").write_bytes(b"picture")
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def names(home: Path) -> set[str]:
    folder = home / lessons.FOLDER
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {lessons.STATE}


def test_first_delivery_brings_everything_and_a_second_changes_nothing(source: Path, home: Path) -> None:
    first = lessons.deliver([source], home)
    assert (first.first_time, first.new, first.failed) == (True, [LESSON, "figures/decay.png"], [])
    times = {path: path.stat().st_mtime_ns for path in (home / lessons.FOLDER).rglob("*")}
    second = lessons.deliver([source], home)
    assert (second.first_time, second.lines()) == (False, [])
    assert times == {path: path.stat().st_mtime_ns for path in (home / lessons.FOLDER).rglob("*")}


def test_an_untouched_lesson_is_replaced_by_its_update(source: Path, home: Path) -> None:
    lessons.deliver([source], home)
    (source / LESSON).write_bytes(b"version 2")
    assert lessons.deliver([source], home).updated == [LESSON]
    assert (home / lessons.FOLDER / LESSON).read_bytes() == b"version 2"


def notebook(text: str, outputs: tuple[str, ...] = (), **metadata: str) -> bytes:
    cell = {"cell_type": "code", "source": text.splitlines(keepends=True), "outputs": outputs, "metadata": {}}
    return json.dumps({"cells": [cell], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}).encode()


def test_a_notebook_that_was_only_opened_is_replaced_by_its_update(source: Path, home: Path) -> None:
    (source / LESSON).write_bytes(notebook("1 + 1"))
    lessons.deliver([source], home)
    # What JupyterLab saves a few seconds after a student looked at it.
    (home / lessons.FOLDER / LESSON).write_bytes(notebook("1 + 1", kernelspec="python3", language_info="3.11"))
    (source / LESSON).write_bytes(notebook("2 + 2"))
    assert lessons.deliver([source], home).updated == [LESSON]
    assert (home / lessons.FOLDER / LESSON).read_bytes() == notebook("2 + 2")


@pytest.mark.parametrize("work", [notebook("1 + 2"), notebook("1 + 1", ("2",)), b"{}"], ids=["text", "output", "gone"])
def test_a_notebook_that_was_worked_in_stays(source: Path, home: Path, work: bytes) -> None:
    (source / LESSON).write_bytes(notebook("1 + 1"))
    lessons.deliver([source], home)
    (home / lessons.FOLDER / LESSON).write_bytes(work)
    (source / LESSON).write_bytes(notebook("2 + 2"))
    assert len(lessons.deliver([source], home).beside) == 1
    assert (home / lessons.FOLDER / LESSON).read_bytes() == work


def test_the_update_of_an_edited_lesson_arrives_beside_it_once_per_version(source: Path, home: Path) -> None:
    lessons.deliver([source], home)
    own = home / lessons.FOLDER / LESSON
    own.write_bytes(EDITED)
    (source / LESSON).write_bytes(b"version 2")
    beside = "01-higgs (new version 2026-11-23).ipynb"
    assert lessons.deliver([source], home, today="2026-11-23").beside == [beside]
    assert own.read_bytes() == EDITED
    assert (own.parent / beside).read_bytes() == b"version 2"

    (own.parent / beside).unlink()
    assert lessons.deliver([source], home, today="2026-11-24").lines() == []

    (source / LESSON).write_bytes(b"version 3")
    assert lessons.deliver([source], home, today="2026-11-24").beside == ["01-higgs (new version 2026-11-24).ipynb"]
    assert own.read_bytes() == EDITED


def test_two_versions_of_one_day_get_two_names(source: Path, home: Path) -> None:
    lessons.deliver([source], home)
    (home / lessons.FOLDER / LESSON).write_bytes(EDITED)
    for version, name in (
        (b"2", "01-higgs (new version 2026-11-23).ipynb"),
        (b"3", "01-higgs (new version 2026-11-23 2).ipynb"),
    ):
        (source / LESSON).write_bytes(version)
        assert lessons.deliver([source], home, today="2026-11-23").beside == [name]


def test_a_deleted_lesson_is_not_forced_back(source: Path, home: Path) -> None:
    lessons.deliver([source], home)
    (home / lessons.FOLDER / LESSON).unlink()
    lessons.deliver([source], home)
    (source / LESSON).write_bytes(b"version 2")
    lessons.deliver([source], home)
    assert LESSON not in names(home)


def test_a_file_that_was_there_before_is_the_students(source: Path, home: Path) -> None:
    (home / lessons.FOLDER).mkdir()
    (home / lessons.FOLDER / LESSON).write_bytes(EDITED)
    delivery = lessons.deliver([source], home, today="2026-11-23")
    assert delivery.beside == ["01-higgs (new version 2026-11-23).ipynb"]
    assert (home / lessons.FOLDER / LESSON).read_bytes() == EDITED


@pytest.mark.parametrize("damage", [b"", b"not json", b"[]", b'{"files": {"a": 1}}', b'{"files": 3}'])
def test_a_broken_state_file_costs_no_edit(source: Path, home: Path, damage: bytes) -> None:
    lessons.deliver([source], home)
    (home / lessons.FOLDER / lessons.STATE).write_bytes(damage)
    (home / lessons.FOLDER / LESSON).write_bytes(EDITED)
    lessons.deliver([source], home)
    assert (home / lessons.FOLDER / LESSON).read_bytes() == EDITED


def test_an_institutions_folder_adds_lessons_and_replaces_those_of_the_same_name(
    source: Path, home: Path, tmp_path: Path
) -> None:
    own = tmp_path / "school"
    own.mkdir()
    (own / "field-trip.ipynb").write_bytes(b"trip")
    (own / LESSON).write_bytes(b"the school's")
    (own / ".hidden").write_bytes(b"no")
    lessons.deliver([source, own], home)
    assert names(home) == {LESSON, "figures/decay.png", "field-trip.ipynb"}
    assert (home / lessons.FOLDER / LESSON).read_bytes() == b"the school's"


def test_a_source_that_is_missing_is_named_and_stops_no_other(source: Path, home: Path, tmp_path: Path) -> None:
    delivery = lessons.deliver([tmp_path / "gone", source], home)
    assert delivery.failed == [f"{tmp_path / 'gone'} (no such folder)"]
    assert LESSON in names(home)


def test_nothing_is_written_through_a_link(source: Path, home: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    victim = outside / "victim"
    victim.write_bytes(b"precious")
    (home / lessons.FOLDER).mkdir()
    (home / lessons.FOLDER / LESSON).symlink_to(victim)
    (home / lessons.FOLDER / "figures").symlink_to(outside)
    delivery = lessons.deliver([source], home)
    assert victim.read_bytes() == b"precious"
    assert list(outside.iterdir()) == [victim]
    assert delivery.failed == ["figures/decay.png (figures is a link)"]


def test_a_linked_folder_of_lessons_is_refused(source: Path, home: Path, tmp_path: Path) -> None:
    (home / lessons.FOLDER).symlink_to(tmp_path)
    with pytest.raises(LumiHubError) as caught:
        lessons.deliver([source], home)
    folder = home / lessons.FOLDER
    assert str(caught.value) == (
        f"error: {folder} is not a folder, so no lessons were delivered\n"
        f"  fix: rename {folder} and start the server again"
    )


def test_a_full_disk_leaves_no_half_lesson(source: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lessons.deliver([source], home)
    (source / LESSON).write_bytes(b"version 2")
    folder = home / lessons.FOLDER
    before = sorted(folder.iterdir())

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    delivery = lessons.deliver([source], home)
    assert delivery.failed == [f"{LESSON} (No space left on device)"]
    assert sorted(folder.iterdir()) == before
    assert (folder / LESSON).read_bytes() == b"version 1"


def test_restore_brings_back_what_was_deleted_and_a_fresh_copy_beside_what_was_changed(
    source: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LUMIHUB_LESSONS", str(source))
    lessons.deliver([source], home)
    target = home / lessons.FOLDER / LESSON
    assert lessons.restore(LESSON, home) == []
    target.unlink()
    assert lessons.restore(LESSON, home) == [target]
    target.write_bytes(EDITED)
    assert lessons.restore(home=home) == [target.with_name("01-higgs (fresh copy).ipynb")]
    assert target.read_bytes() == EDITED


def test_restore_names_the_lessons_there_are(source: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUMIHUB_LESSONS", str(source))
    with pytest.raises(InputError) as caught:
        lessons.restore("02.ipynb", home)
    assert (
        str(caught.value) == "error: there is no lesson 02.ipynb\n  fix: take one of: 01-higgs.ipynb, figures/decay.png"
    )


def test_without_the_variable_the_lessons_of_the_installation_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LUMIHUB_LESSONS", raising=False)
    (folder,) = lessons.find_lessons()
    assert (folder / lessons.WELCOME).is_file()
