"""The chart before a real API server: every variation is taken, rights are the least, secrets are made just once."""

from __future__ import annotations

import base64
import json
import subprocess
import uuid
from typing import TYPE_CHECKING

import pytest

from chart.rendering import VARIATIONS, read_variation, render
from lumihub.chart import CHART
from lumihub.process import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cluster.machine.access import Cluster

NAMESPACE = f"lumihub-chart-{uuid.uuid4().hex[:6]}"
USERS = f"{NAMESPACE}-users"
PLATFORM = [f"{NAMESPACE}-{use}" for use in ("data", "demo")]
COHORTS = [f"{NAMESPACE}-dask-{name}" for name in ("default", "class-9b")]
PLACE = (f"--set=kubernetes.usersNamespace={USERS}",)


@pytest.fixture(scope="module")
def helm(cluster: Cluster) -> Path:
    return cluster.program("helm")


@pytest.fixture(scope="module")
def namespaces(cluster: Cluster) -> Iterator[None]:
    """All namespaces, as strict as `up` and the chart make them; gone afterwards."""
    level = {"pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/warn": "restricted"}
    for name in (NAMESPACE, USERS, *PLATFORM, *COHORTS):
        cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": level}})
    yield
    cluster.kubectl("delete", "namespace", NAMESPACE, USERS, *PLATFORM, *COHORTS)


@pytest.mark.usefixtures("namespaces", "definitions")
@pytest.mark.parametrize("name", VARIATIONS)
def test_the_api_server_takes_every_object(cluster: Cluster, helm: Path, name: str) -> None:
    objects = list(render(helm, read_variation(name), *PLACE, namespace=NAMESPACE).objects)
    done = dry_run(cluster, objects)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(objects)
    assert "would violate PodSecurity" not in done.stderr


@pytest.mark.usefixtures("namespaces")
def test_the_namespace_would_refuse_a_laxer_pod(cluster: Cluster, helm: Path) -> None:
    proxy = render(helm, "{}", *PLACE, namespace=NAMESPACE).get("Deployment", "proxy")
    del proxy["spec"]["template"]["spec"]["containers"][0]["securityContext"]
    assert "would violate PodSecurity" in dry_run(cluster, [proxy]).stderr


@pytest.mark.usefixtures("namespaces")
def test_the_hub_may_do_what_it_needs_and_no_more(cluster: Cluster, helm: Path) -> None:
    rendering = render(helm, "{}", *PLACE, namespace=NAMESPACE)
    cluster.apply(*rendering.find("ServiceAccount"), *rendering.find("Role"), *rendering.find("RoleBinding"))
    for verb, resource in (("create", "pods"), ("delete", "pods"), ("watch", "events"), ("create", "pvc")):
        assert may(cluster, "hub", verb, resource, USERS), (verb, resource)
    for verb, resource, namespace in (
        ("get", "secrets", NAMESPACE),
        ("get", "secrets", USERS),
        ("create", "pods", NAMESPACE),
        ("delete", "pvc", NAMESPACE),
        ("create", "pods --subresource=exec", USERS),
        ("create", "rolebindings", USERS),
        ("update", "namespaces", USERS),
        ("list", "nodes", USERS),
        ("create", "pods", "default"),
    ):
        assert not may(cluster, "hub", verb, resource, namespace), (verb, resource, namespace)
    for account in ("proxy", "cache"):
        assert not may(cluster, account, "list", "pods", NAMESPACE)


@pytest.mark.usefixtures("namespaces")
def test_the_gateways_two_accounts_share_no_power(cluster: Cluster, helm: Path) -> None:
    rendering = render(helm, "{}", *PLACE, namespace=NAMESPACE)
    cluster.apply(*rendering.find("ServiceAccount"), *rendering.find("Role"), *rendering.find("RoleBinding"))
    for account, verb, resource in (
        ("gateway", "get", "secrets"),
        ("gateway-controller", "create", "pods"),
        ("gateway-controller", "create", "networkpolicies"),
    ):
        assert may(cluster, account, verb, resource, COHORTS[0]), (account, verb, resource)
        other = {"gateway": "gateway-controller", "gateway-controller": "gateway"}[account]
        assert not may(cluster, other, verb, resource, COHORTS[0]), (other, verb, resource)
    for account in ("gateway", "gateway-controller"):
        for verb, resource, namespace in (
            ("get", "secrets", NAMESPACE),
            ("list", "pods", NAMESPACE),
            ("list", "pods", USERS),
            ("list", "pods", "default"),
            ("list", "secrets", COHORTS[0]),
            ("delete", "networkpolicies", COHORTS[0]),
            ("create", "pods --subresource=exec", COHORTS[0]),
            ("create", "rolebindings", COHORTS[0]),
            ("list", "namespaces", ""),
        ):
            assert not may(cluster, account, verb, resource, namespace), (account, verb, resource, namespace)


@pytest.mark.usefixtures("namespaces")
def test_secrets_are_made_once_and_outlive_the_release(cluster: Cluster) -> None:
    helm3, helm4 = cluster.program("helm3"), cluster.program("helm")
    install(cluster, helm3)
    first = read_secret(cluster)
    assert set(first) == {"tool-token", "proxy-token", "cookie-secret", "crypt-key", "gateway-token"}
    assert len(set(first.values())) == 5
    install(cluster, helm3, "--set=cull.timeout=900")
    install(cluster, helm4, "--set=cull.timeout=1200")
    assert read_secret(cluster) == first
    run([helm4, *where(cluster), "uninstall", "lumihub"])
    assert read_secret(cluster) == first
    kept = cluster.kubectl("--namespace", NAMESPACE, "get", "pvc", "--output=name").split()
    assert kept == ["persistentvolumeclaim/data-cache-0", "persistentvolumeclaim/hub-db"]
    install(cluster, helm4)
    assert read_secret(cluster) == first
    run([helm4, *where(cluster), "uninstall", "lumihub"])


@pytest.mark.usefixtures("namespaces")
def test_a_registrys_password_reaches_every_namespace_and_replaces_nobodys(cluster: Cluster) -> None:
    helm4, words = cluster.program("helm"), "--set=images.pullSecrets={registry,own}"
    for namespace, name, text in ((NAMESPACE, "registry", "1"), (NAMESPACE, "own", "1"), (USERS, "own", "admin's")):
        put_password(cluster, namespace, name, text)
    install(cluster, helm4, words)
    assert [read_password(cluster, USERS, name) for name in ("registry", "own")] == ["1", "admin's"]
    put_password(cluster, NAMESPACE, "registry", "2")
    install(cluster, helm4, words)
    assert read_password(cluster, USERS, "registry") == "2"
    run([helm4, *where(cluster), "uninstall", "lumihub"])
    assert not cluster.kubectl("--namespace", USERS, "get", "secret", "registry", "--ignore-not-found")
    assert read_password(cluster, USERS, "own") == "admin's"


def put_password(cluster: Cluster, namespace: str, name: str, text: str) -> None:
    """What `kubectl create secret docker-registry` makes."""
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": namespace},
            "type": "kubernetes.io/dockerconfigjson",
            "stringData": {".dockerconfigjson": json.dumps({"auths": {"registry.example.org": {"auth": text}}})},
        }
    )


def read_password(cluster: Cluster, namespace: str, name: str) -> str:
    """The password in such a Secret."""
    text = cluster.kubectl("--namespace", namespace, "get", "secret", name, "--output=jsonpath={.data}")
    found = json.loads(base64.b64decode(json.loads(text)[".dockerconfigjson"]))
    return str(found["auths"]["registry.example.org"]["auth"])


def dry_run(cluster: Cluster, objects: list[dict[str, object]]) -> subprocess.CompletedProcess[str]:
    """What the API server says to objects, all of which it reads in full."""
    words = ["apply", "--dry-run=server", "--validate=strict", "--filename=-"]
    return subprocess.run(
        [cluster.program("kubectl"), f"--kubeconfig={cluster.kubeconfig}", f"--context={cluster.context}", *words],
        input=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}),
        capture_output=True,
        text=True,
        check=False,
    )


def may(cluster: Cluster, account: str, verb: str, resource: str, namespace: str) -> bool:
    """Whether a service account of the release may do something."""
    who = f"--as=system:serviceaccount:{NAMESPACE}:{account}"
    answer = cluster.kubectl("auth", "can-i", verb, *resource.split(), who, f"--namespace={namespace}", check=False)
    return answer.strip() == "yes"


def where(cluster: Cluster) -> list[str]:
    """Where helm works."""
    return ["--kubeconfig", str(cluster.kubeconfig), "--kube-context", cluster.context, "--namespace", NAMESPACE]


def install(cluster: Cluster, helm: Path, *words: str) -> None:
    """Install the release, or bring it to other values; nobody waits for pods, whose images are not there."""
    run(
        [
            helm,
            *where(cluster),
            "upgrade",
            "lumihub",
            CHART,
            "--install",
            "--reset-values",
            "--take-ownership",
            # Without the cohorts' namespaces, which an uninstall takes away and the next install would find half gone.
            "--set=prePuller.hook.enabled=false,proxy.service.type=ClusterIP,dask.enabled=false",
            *PLACE,
            *words,
        ],
        timeout=120,
    )


def read_secret(cluster: Cluster) -> dict[str, str]:
    """The generated secrets."""
    text = cluster.kubectl("--namespace", NAMESPACE, "get", "secret", "hub", "--output=jsonpath={.data}")
    found: dict[str, str] = json.loads(text)
    return found
