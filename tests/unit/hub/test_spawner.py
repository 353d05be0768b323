from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from kubespawner import KubeSpawner, spawner

from lumihub.hub.names import build_slug
from lumihub.hub.spawner import PodSpawner

# They have the same 32 bits of sha256, and what is left in a slug of their other letters is the same too.
ALIKE = ("ben@school.example.@@@-_-__", "ben@school.example_@._@._@.")


@pytest.fixture(autouse=True)
def _no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spawners look for the cluster's API as they are made."""
    monkeypatch.setattr(spawner, "load_config", lambda **_: None)
    monkeypatch.setattr(spawner, "shared_client", lambda *_: None)


def make(kind: type[KubeSpawner], user: str, server: str = "") -> KubeSpawner:
    hub = SimpleNamespace(public_host="", url="", base_url="/", api_url="")
    owner = SimpleNamespace(name=user, id=1, url="")
    return kind(
        _mock=True,
        user=owner,
        orm_spawner=SimpleNamespace(name=server, server=None),
        hub=hub,
        pvc_name_template="home-{username}",
    )


def test_plain_names_stay() -> None:
    one = make(PodSpawner, "ada")
    assert (one.pvc_name, one.pod_name) == ("home-ada", "jupyter-ada")


def test_nobody_is_given_the_home_of_another_by_a_name_that_looks_alike() -> None:
    assert len({make(KubeSpawner, name).pvc_name for name in ALIKE}) == 1
    assert len({make(PodSpawner, name).pvc_name for name in ALIKE}) == 2
    assert len({make(PodSpawner, name).pod_name for name in ALIKE}) == 2


def test_named_servers_have_pods_of_their_own_and_the_students_home() -> None:
    first, second, other = make(PodSpawner, "ada", "b"), make(PodSpawner, "ada", "c"), make(PodSpawner, "ada-b")
    assert len({first.pod_name, second.pod_name, other.pod_name}) == 3
    assert first.pvc_name == second.pvc_name == "home-ada"


def test_text_in_doubled_braces_is_no_name() -> None:
    one = make(PodSpawner, "ada")
    assert one._expand_user_properties("{{username}} {username} {user_server}-") == "{username} ada ada-"


@pytest.mark.parametrize("name", ["ada", "a", "a" * 48, "ada-lovelace", "ada3"])
def test_names_that_kubernetes_takes_stay(name: str) -> None:
    assert build_slug(name) == name


@pytest.mark.parametrize(
    ("user", "server", "words"),
    [
        ("0ada", "", "0ada"),
        ("ada.", "", "ada"),
        ("ada-", "", "ada"),
        ("ada--b", "", "ada-b"),
        ("ada", "b", "ada-b"),
        ("a" * 49, "", "a" * 20),
        ("@_@", "", "x"),
        ("Ada Lovelace, Countess of", "", "ada-lovelace-countes"),
    ],
)
def test_other_names_get_a_hash(user: str, server: str, words: str) -> None:
    assert re.fullmatch(rf"{words}---[0-9a-f]{{24}}", build_slug(user, server))
