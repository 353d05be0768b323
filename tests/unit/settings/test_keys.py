import re

import pytest

from lumihub.settings import Settings
from lumihub.settings.faults import find_near
from lumihub.settings.keys import build_keys, find_expected, find_key

EVERY = [key for top in build_keys() for key in top.walk()]


@pytest.mark.parametrize("key", EVERY, ids=lambda key: key.path)
def test_every_key_says_what_it_means_and_what_may_be_written(key):
    assert key.meaning[0].isupper() or key.meaning[0] == "`"
    assert key.meaning.endswith(".")
    assert key.expected not in {"", "any value", "text", "a path"}


@pytest.mark.parametrize(
    "key", [key for key in EVERY if not key.keys and key.expected.endswith(", or null")], ids=lambda key: key.path
)
def test_a_key_that_may_be_null_says_what_null_means(key):
    assert "null" in key.meaning


@pytest.mark.parametrize(
    "key",
    [key for key in EVERY if re.fullmatch(r"[a-z]+(, [a-z]+)* or [a-z]+", key.expected) and "true" not in key.expected],
    ids=lambda key: key.path,
)
def test_every_choice_is_explained_in_the_meaning(key):
    for choice in key.expected.replace(" or ", ", ").split(", "):
        assert f"`{choice}`" in key.meaning


def test_every_section_and_leaf_of_the_model_is_in_the_tree():
    def paths(value, above=""):
        for name, below in value.items():
            yield f"{above}{name}"
            key = find_key(f"{above}{name}")
            if isinstance(below, dict) and key is not None and key.keys:
                yield from paths(below, f"{above}{name}.")

    dumped = set(paths(Settings().model_dump(mode="json", by_alias=True, exclude={"deployment"})))
    assert dumped == {key.path for key in EVERY if not key.path.startswith("proxy.https.manual.")}


def test_examples_are_valid_values():
    from lumihub.settings.document import Document
    from lumihub.settings.loading import build_settings

    for key in EVERY:
        if key.path.startswith("proxy.https.manual"):
            continue
        for example in key.examples:
            nested = example
            for part in reversed(key.path.split(".")):
                nested = {part: nested}
            build_settings(Document("example", nested))


@pytest.mark.parametrize(
    ("position", "words"),
    [
        (("proxy", "port"), "a whole number from 1 to 65535"),
        (("proxy", "https", "manual"), "a group of keys, or null"),
        (("proxy", "https", "manual", "key"), "the path of a file or folder"),
        (("singleuser", "extraEnv", "A"), "text"),
        (("dask", "maxWorkers"), "a whole number, 1 or more"),
        (("singleuser", "cpu", "limit"), "a number above 0, or null"),
    ],
)
def test_what_may_be_written_at_a_position(position, words):
    assert find_expected(position) == words


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("cull.timeoutSecond", ("cull.timeout",)),
        ("cul", ("cull",)),
        ("singleuser.cpu.guarante", ("singleuser.cpu.guarantee",)),
        ("proxy.enabled", ("proxy.https.enabled", "proxy.chp.pdb.enabled", "hub.enabled")),
        ("proxy.https.manual.keys", ("proxy.https.manual.key",)),
        ("xyzzy", ()),
    ],
)
def test_what_was_probably_meant(path, near):
    assert find_near(path) == near


def test_keys_that_the_tool_writes_are_not_shown():
    assert find_key("deployment") is None
    assert find_near("deploymen") == ()


def test_a_section_shows_the_defaults_that_it_has_where_it_stands():
    assert find_key("hub.resources.requests").default == {"cpu": "100m", "memory": "256Mi"}
    assert find_key("proxy.chp.resources.requests").default == {"cpu": "50m", "memory": "64Mi"}
