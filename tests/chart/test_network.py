"""Who reaches whom: just the arrows of the design, and nothing of it left open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chart.rendering import render

if TYPE_CHECKING:
    from pathlib import Path

    from chart.rendering import Rendering

PRIVATE = {
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"),
    *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
    "240.0.0.0/4",
}
METADATA = {"169.254.0.0/16", "168.63.129.16/32"}
METADATA_6 = {"fd00:ec2::/32", "fd20:ce::254/128"}


def peers(policy: dict[str, Any], direction: str) -> set[tuple[str, str]]:
    """Who is let through, as (component, port): pods by their component, networks by their range."""
    found = set()
    for rule in policy["spec"][direction]:
        ports = [str(port["port"]) for port in rule.get("ports", [{"port": "any"}])]
        for peer in rule.get("from" if direction == "ingress" else "to", [{}]):
            labels = peer.get("podSelector", {}).get("matchLabels", {})
            namespace = peer.get("namespaceSelector", {}).get("matchLabels", {}).get("kubernetes.io/metadata.name", "")
            names = [
                labels.get("app.kubernetes.io/component") or namespace or peer.get("ipBlock", {}).get("cidr", "all")
            ]
            for chosen in peer.get("podSelector", {}).get("matchExpressions", []):
                names = chosen["values"]
            found |= {(name, port) for name in names for port in ports}
    return found


DNS = {(peer, "53") for peer in ("kube-system", "169.254.20.10/32", "169.254.169.254/32", "fc00::/7", *PRIVATE)}
ANYWHERE = ("0.0.0.0/0", "::/0")
API = {(cidr, port) for cidr in ANYWHERE for port in ("443", "6443")}


@pytest.mark.parametrize(
    ("policy", "ingress", "egress"),
    [
        (
            "hub",
            {("proxy", "8081"), ("singleuser-server", "8081"), ("gateway", "8081")},
            DNS | {("proxy", "8001"), ("singleuser-server", "any"), ("gateway", "8000")} | API,
        ),
        ("proxy", {("all", "8000"), ("hub", "8001")}, DNS | {("hub", "8081"), ("singleuser-server", "any")}),
        (
            "cache",
            {
                ("singleuser-server", "1094"),
                ("dask-worker", "1094"),
                ("lumihub-data", "1094"),
                ("lumihub-demo", "1094"),
            },
            DNS | {(cidr, "any") for cidr in ANYWHERE},
        ),
        (
            "singleuser",
            {("hub", "8888"), ("proxy", "8888")},
            DNS
            | {("hub", "8081"), ("cache", "1094"), ("gateway", "8000")}
            | {("dask-scheduler", "8786"), ("dask-scheduler", "8787")}
            | {("lumihub-demo", "8786"), ("lumihub-demo", "8787")}
            | {(cidr, "any") for cidr in ANYWHERE},
        ),
        (
            "gateway",
            {("singleuser-server", "8000"), ("dask-scheduler", "8000"), ("hub", "8000")},
            DNS | {("hub", "8081"), ("dask-scheduler", "8788")} | API,
        ),
        ("gateway-controller", set(), DNS | API),
        ("dask-scheduler", {("gateway", "8788")}, DNS | {("gateway", "8000")}),
        ("dask-worker", set(), DNS | {("cache", "1094")}),
    ],
)
def test_arrows(
    renderings: dict[str, Rendering], policy: str, ingress: set[tuple[str, str]], egress: set[tuple[str, str]]
) -> None:
    found = renderings["minimal"].get("NetworkPolicy", policy)
    assert peers(found, "ingress") == ingress
    assert peers(found, "egress") == egress
    assert found["spec"]["policyTypes"] == ["Ingress", "Egress"]


def test_all_namespaces_deny_by_default(renderings: dict[str, Rendering]) -> None:
    denied = renderings["minimal"].find("NetworkPolicy", "default-deny")
    assert {policy["metadata"]["namespace"] for policy in denied} == {
        "lumihub",
        "lumihub-users",
        "lumihub-dask-default",
        "lumihub-data",
        "lumihub-demo",
    }
    for policy in denied:
        assert policy["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_beside_another_hub_the_rest_of_the_namespace_is_left_alone(renderings: dict[str, Rendering]) -> None:
    [policy] = renderings["cache-only"].find("NetworkPolicy", namespace="lumihub")
    assert policy["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "cache"
    assert ("jhub", "1094") in peers(policy, "ingress")


def test_data_work_is_among_itself_and_its_workers_alone_go_out(renderings: dict[str, Rendering]) -> None:
    rendering = renderings["minimal"]
    assert peers(rendering.get("NetworkPolicy", "data"), "ingress") == {("all", "any")}
    assert rendering.get("NetworkPolicy", "data")["spec"]["ingress"] == [{"from": [{"podSelector": {}}]}]
    assert peers(rendering.get("NetworkPolicy", "data"), "egress") == DNS | {("all", "any")}
    assert peers(rendering.get("NetworkPolicy", "data-work"), "egress") == API
    worker = rendering.get("NetworkPolicy", "data-worker")
    assert worker["spec"]["podSelector"]["matchLabels"] == {"dask.org/component": "worker"}
    assert peers(worker, "egress") == {("cache", "1094")} | {(cidr, "any") for cidr in ANYWHERE}


def test_a_class_may_look_at_a_demonstration_and_its_workers_read_the_cache_alone(
    renderings: dict[str, Rendering],
) -> None:
    rendering = renderings["minimal"]
    assert rendering.get("NetworkPolicy", "demo")["spec"]["ingress"] == [{"from": [{"podSelector": {}}]}]
    dashboard = rendering.get("NetworkPolicy", "demo-dashboard")
    assert dashboard["spec"]["podSelector"]["matchLabels"] == {"dask.org/component": "scheduler"}
    assert peers(dashboard, "ingress") == {("singleuser-server", "8787")}
    assert peers(rendering.get("NetworkPolicy", "demo-work"), "egress") == API
    assert peers(rendering.get("NetworkPolicy", "demo-worker"), "egress") == {("cache", "1094")}
    without_cache = renderings["stream"].get("NetworkPolicy", "demo-worker")
    assert peers(without_cache, "egress") == {(cidr, "any") for cidr in ANYWHERE}


def test_the_work_of_the_night_reaches_the_cache_alone(renderings: dict[str, Rendering]) -> None:
    rendering = renderings["nightly"]
    assert peers(rendering.get("NetworkPolicy", "data-nightly"), "egress") == {("cache", "1094")}
    assert ("data-nightly", "1094") in peers(rendering.get("NetworkPolicy", "cache"), "ingress")


def test_the_rules_of_one_cache_are_those_of_several(renderings: dict[str, Rendering]) -> None:
    rendering = renderings["caches"]
    names = {"cache", "cache-1", "cache-2"}
    cache = rendering.get("NetworkPolicy", "cache")
    [expression] = cache["spec"]["podSelector"]["matchExpressions"]
    assert set(expression["values"]) == names
    assert peers(cache, "ingress") == peers(renderings["minimal"].get("NetworkPolicy", "cache"), "ingress")
    for reader in ("singleuser", "dask-worker", "data-worker"):
        assert {(name, "1094") for name in names} <= peers(rendering.get("NetworkPolicy", reader), "egress")


def test_students_reach_no_private_network_nor_the_metadata_addresses(renderings: dict[str, Rendering]) -> None:
    assert internet(renderings["minimal"], "singleuser") == {
        "0.0.0.0/0": PRIVATE | METADATA,
        "::/0": {"fe80::/10", "fc00::/7"} | METADATA_6,
    }


@pytest.mark.parametrize("policy", ["hub", "cache"])
def test_who_may_go_anywhere_reaches_no_metadata_address(renderings: dict[str, Rendering], policy: str) -> None:
    assert internet(renderings["minimal"], policy) == {"0.0.0.0/0": METADATA, "::/0": {"fe80::/10"} | METADATA_6}


def test_addresses_of_nodes_are_out_of_reach_too(renderings: dict[str, Rendering]) -> None:
    found = internet(renderings["everything"], "singleuser")
    assert "198.51.100.7/32" in found["0.0.0.0/0"]
    assert "2001:db8::7/128" in found["::/0"]


def test_a_closed_network(renderings: dict[str, Rendering]) -> None:
    assert internet(renderings["closed-network"], "singleuser") == {}
    singleuser = renderings["closed-network"].get("NetworkPolicy", "singleuser")
    assert ("10.1.2.3/32", "3128") in peers(singleuser, "egress")
    assert ("10.1.2.4/32", "8443") in peers(renderings["closed-network"].get("NetworkPolicy", "hub"), "egress")


def test_private_networks_may_be_opened_but_not_the_metadata_addresses(helm: Path) -> None:
    rendering = render(helm, "singleuser: {networkPolicy: {egressAllowRules: {privateIPs: true}}}")
    opened = {cidr for cidr, port in peers(rendering.get("NetworkPolicy", "singleuser"), "egress") if port == "any"}
    assert opened == {*PRIVATE, "fc00::/7", "0.0.0.0/0", "::/0"}
    assert internet(rendering, "singleuser")["fc00::/7"] == METADATA_6


def test_the_hub_reaches_a_database_and_the_api_where_they_are(renderings: dict[str, Rendering]) -> None:
    assert ("0.0.0.0/0", "5432") in peers(renderings["postgres"].get("NetworkPolicy", "hub"), "egress")
    assert ("0.0.0.0/0", "16443") in peers(renderings["everything"].get("NetworkPolicy", "hub"), "egress")


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("postgresql://hub:123@db.example.org/hub", "5432"),
        ("postgresql://hub:s3cret@db.example.org:6432/hub?sslrootcert=/etc/ca.pem", "6432"),
        ("postgresql://[2001:db8::7]:6432", "6432"),
    ],
)
def test_the_hub_reaches_the_port_in_the_databases_address(helm: Path, url: str, port: str) -> None:
    hub = render(helm, f"hub: {{db: {{type: postgres, url: '{url}'}}}}").get("NetworkPolicy", "hub")
    assert {found for cidr, found in peers(hub, "egress") if cidr == "0.0.0.0/0"} == {"443", "6443", port}


def test_without_a_cache_nobody_is_let_to_one(renderings: dict[str, Rendering]) -> None:
    assert ("cache", "1094") not in peers(renderings["stream"].get("NetworkPolicy", "singleuser"), "egress")


def test_workers_without_a_cache_read_from_the_origin_as_students_do(renderings: dict[str, Rendering]) -> None:
    worker = renderings["stream"].get("NetworkPolicy", "dask-worker")
    assert peers(worker, "egress") == DNS | {(cidr, "any") for cidr in ANYWHERE}
    closed = renderings["closed-network"].get("NetworkPolicy", "dask-worker")
    assert not {cidr for cidr, _ in peers(closed, "egress")} & set(ANYWHERE)


def internet(rendering: Rendering, policy: str) -> dict[str, set[str]]:
    """The ranges that a policy opens with exceptions, and these."""
    return {
        peer["ipBlock"]["cidr"]: set(peer["ipBlock"]["except"])
        for rule in rendering.get("NetworkPolicy", policy)["spec"]["egress"]
        for peer in rule["to"]
        if "except" in peer.get("ipBlock", {})
    }
