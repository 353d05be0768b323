import re

import pytest

from lumihub import __version__
from lumihub.kubernetes.image_records import Pushed, find_records, load_pushed, save_pushed
from lumihub.kubernetes.images import NAMES, find_reference, find_references, image_tag
from lumihub.settings import Settings

DIGEST = "sha256:" + "0f" * 32


@pytest.fixture(autouse=True)
def data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path


def test_a_tag_says_the_version_and_what_it_was_built_from():
    tags = {name: image_tag(name) for name in NAMES}
    for tag in tags.values():
        assert re.fullmatch(re.escape(__version__) + r"-[0-9a-f]{12}", tag)
    assert len(set(tags.values())) == len(NAMES)
    assert {name: image_tag(name) for name in NAMES} == tags


def test_references_without_a_registry():
    assert find_references(Settings()) == {name: f"localhost/lumihub/{name}:{image_tag(name)}" for name in NAMES}


def test_a_tag_of_ones_own():
    settings = Settings.model_validate({"images": {"registry": "r.example.org/lh", "tag": "term-2"}})
    assert find_references(settings)["cache"] == "r.example.org/lh/cache:term-2"


def test_what_was_pushed_is_named_by_its_digest():
    settings = Settings.model_validate({"images": {"registry": "r.example.org:5000/lh"}})
    save_pushed(find_reference(settings, "lab"), Pushed(DIGEST, "2026-11-25T16:00:00+00:00"))
    found = find_references(settings)
    assert found["lab"] == f"r.example.org:5000/lh/lab@{DIGEST}"
    assert found["hub"] == f"r.example.org:5000/lh/hub:{image_tag('hub')}"
    # Another registry, or another version, is another image.
    assert "@" not in find_references(Settings())["lab"]


def test_records_are_kept_and_a_broken_file_remembers_nothing(data_folder):
    save_pushed("r/a:1", Pushed(DIGEST, "2026"))
    save_pushed("r/b:1", Pushed(DIGEST, "2027"))
    assert load_pushed() == {"r/a:1": Pushed(DIGEST, "2026"), "r/b:1": Pushed(DIGEST, "2027")}
    assert [path.name for path in find_records().parent.iterdir()] == ["pushed-images.json"]
    find_records().write_text("{")
    assert load_pushed() == {}
    save_pushed("r/c:1", Pushed(DIGEST, "2028"))
    assert list(load_pushed()) == ["r/c:1"]
