from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING

import pytest

from lumihub.chart import build_values, load_lessons
from lumihub.errors import InputError
from lumihub.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


def settings_for(folder: Path) -> Settings:
    return Settings.model_validate({"kubernetes": {"context": "school"}, "lessons": {"folder": folder}})


def test_texts_and_pictures_by_their_path(tmp_path: Path) -> None:
    (tmp_path / "muons").mkdir()
    (tmp_path / "muons" / "week 1.ipynb").write_text('{"cells": []}')
    (tmp_path / "muons" / "event.png").write_bytes(b"\x89PNG")
    (tmp_path / ".hidden").write_text("no lesson")
    (tmp_path / "link").symlink_to("/etc/passwd")
    lessons = load_lessons(settings_for(tmp_path))
    assert lessons == {
        "muons/week 1.ipynb": {"text": '{"cells": []}'},
        "muons/event.png": {"base64": base64.b64encode(b"\x89PNG").decode()},
    }
    values = build_values(settings_for(tmp_path), {}, lessons=lessons)
    assert values["deployment"]["lessons"] == lessons
    # Another admin's machine has them elsewhere: that must change nothing.
    assert str(tmp_path) not in str(values)


def test_none() -> None:
    assert load_lessons(Settings()) == {}


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is nothing in"):
        load_lessons(settings_for(tmp_path))


@pytest.mark.parametrize("content", [os.urandom(400_000), b"all the same\n" * 100_000])
def test_more_than_a_cluster_takes(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "big.dat").write_bytes(content)
    (tmp_path / "small.md").write_text("small")
    size = f"{len(content) / 1e6:.1f}"
    with pytest.raises(InputError) as caught:
        load_lessons(settings_for(tmp_path))
    assert str(caught.value) == (
        f"error: lessons.folder: {tmp_path} holds {size} MB, more than a cluster takes; big.dat alone has {size} MB\n"
        "  fix: clear the outputs of notebooks, and mount large files by singleuser.storage.extraVolumes"
    )
