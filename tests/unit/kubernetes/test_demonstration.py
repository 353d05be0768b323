from __future__ import annotations

from lumihub.backend import Demonstration
from lumihub.kubernetes.demonstration import build_policy
from lumihub.labels import STUDENT, label_student
from lumihub.settings import Settings


def test_one_account_is_let_to_the_scheduler() -> None:
    place = {"context": "campus", "namespace": "hub", "usersNamespace": "people"}
    settings = Settings.model_validate({"kubernetes": place})
    policy = build_policy(settings, "Marie Curie")
    assert policy["metadata"]["namespace"] == "hub-demo"
    assert policy["spec"]["podSelector"] == {"matchLabels": {"dask.org/component": "scheduler"}}
    [rule] = policy["spec"]["ingress"]
    assert rule["ports"] == [{"port": 8786}]
    [peer] = rule["from"]
    assert peer["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "people"}
    assert peer["podSelector"]["matchLabels"] == {
        "app.kubernetes.io/component": "singleuser-server",
        STUDENT: label_student("Marie Curie"),
    }


def test_what_status_says_of_it() -> None:
    found = Demonstration("ada", "2026-11-26T15:30:00+00:00", workers=4, ready=3)
    assert str(found).startswith("ada's, until ")
    assert str(found).endswith(", 3 of 4 workers")
