from __future__ import annotations

from typing import TYPE_CHECKING

from lumihub.gateway.controller import build_policy
from lumihub.labels import STUDENT, label_student

if TYPE_CHECKING:
    from lumihub.gateway.configuration import Configuration

CLUSTER = {
    "apiVersion": "gateway.dask.org/v1alpha1",
    "kind": "DaskCluster",
    "metadata": {"name": "abc", "namespace": "lumihub-dask-default", "uid": "u", "labels": {"a": "b"}},
    "spec": {"username": "ada"},
}


def test_a_cluster_is_open_to_itself_and_to_its_owners_server(configuration: Configuration) -> None:
    policy = build_policy(CLUSTER, configuration)
    own = {"podSelector": {"matchLabels": {"gateway.dask.org/cluster": "abc"}}}
    spec = policy["spec"]
    assert spec["podSelector"] == own["podSelector"]
    assert spec["egress"] == [{"to": [own]}]
    inside, owner = spec["ingress"]
    assert inside == {"from": [own]}
    [peer] = owner["from"]
    assert peer["podSelector"]["matchLabels"] == {
        "app.kubernetes.io/component": "singleuser-server",
        STUDENT: label_student("ada"),
    }
    assert peer["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "lumihub-users"}
    assert owner["ports"] == [{"port": 8786}, {"port": 8787}]


def test_the_policy_goes_with_its_cluster(configuration: Configuration) -> None:
    [owner] = build_policy(CLUSTER, configuration)["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("DaskCluster", "abc", "u")
