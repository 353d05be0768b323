"""What holds for every variation of the chart: no pod that `restricted` refuses, no rights, no secret in the open."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from chart.rendering import VARIATIONS

if TYPE_CHECKING:
    from chart.rendering import Rendering

pytestmark = pytest.mark.parametrize("name", VARIATIONS)

LEADERS = {"CronJob data-work", "CronJob demo-work"}
WITH_TOKEN = {*LEADERS, "Deployment gateway", "Deployment gateway-controller", "Deployment hub"}
SPACES = (
    "lumihub",
    "lumihub-users",
    "lumihub-students",
    "lumihub-dask-default",
    "lumihub-dask-class-9b",
    "lumihub-data",
    "lumihub-demo",
)
# Namespaced, or without any rights: namespaces and priorities are the only objects of the whole cluster.
CLUSTER_WIDE = {"Namespace", "PriorityClass"}


def test_every_pod_is_what_restricted_asks_for(renderings: dict[str, Rendering], name: str) -> None:
    for pod, template in renderings[name].pods():
        spec = template["spec"]
        context = spec["securityContext"]
        assert context["runAsNonRoot"] is True, pod
        assert context["runAsUser"] == 1000, pod
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, pod
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec), pod
        for volume in spec.get("volumes", []):
            kinds = set(volume) - {"name"}
            assert kinds <= {"emptyDir", "persistentVolumeClaim", "projected", "secret", "configMap"}, pod
        assert "initContainers" not in spec or pod in LEADERS, pod
        for container in [*spec["containers"], *spec.get("initContainers", [])]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False, pod
            assert context["readOnlyRootFilesystem"] is True, pod
            assert context["capabilities"] == {"drop": ["ALL"]}, pod
            assert not any("hostPort" in port for port in container.get("ports", [])), pod


def test_only_who_makes_pods_has_a_token_of_the_cluster(renderings: dict[str, Rendering], name: str) -> None:
    tokens = {pod: template["spec"]["automountServiceAccountToken"] for pod, template in renderings[name].pods()}
    assert {pod for pod, mounted in tokens.items() if mounted} <= WITH_TOKEN
    for account in renderings[name].find("ServiceAccount"):
        assert account["automountServiceAccountToken"] is False


def test_the_proxy_runs_by_the_file_that_asks_for_keys(renderings: dict[str, Rendering], name: str) -> None:
    proxies = [template["spec"] for pod, template in renderings[name].pods() if pod == "Deployment proxy"]
    for container in (one for spec in proxies for one in spec["containers"]):
        assert container["args"][:2] == ["node", "/opt/proxy/gate.mjs"]
        assert "CONFIGPROXY_AUTH_TOKEN" in {variable["name"] for variable in container["env"]}


def test_the_hub_rules_over_the_students_namespace_alone(renderings: dict[str, Rendering], name: str) -> None:
    rendering = renderings[name]
    assert not rendering.find("ClusterRole")
    assert not rendering.find("ClusterRoleBinding")
    spaces = [
        space["metadata"]["name"]
        for space in rendering.find("Namespace")
        if not re.search("-(dask-|data$|demo$)", space["metadata"]["name"])
    ]
    for one in [*rendering.find("Role", "hub"), *rendering.find("RoleBinding", "hub")]:
        assert [one["metadata"]["namespace"]] == spaces
    granted = {
        (resource, verb)
        for role in rendering.find("Role", "hub")
        for rule in role["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert {resource for resource, _ in granted} <= {"pods", "persistentvolumeclaims", "events"}
    assert not {verb for _, verb in granted} & {"*", "patch", "update", "deletecollection", "escalate", "bind"}


def test_the_gateway_rules_over_the_cohorts_namespaces_alone(renderings: dict[str, Rendering], name: str) -> None:
    rendering = renderings[name]
    roles = [role for role in rendering.find("Role") if role["metadata"]["name"].startswith("gateway")]
    for one in [
        *roles,
        *rendering.find("RoleBinding", "gateway"),
        *rendering.find("RoleBinding", "gateway-controller"),
    ]:
        assert "-dask-" in one["metadata"]["namespace"]
    granted = {
        (role["metadata"]["name"], resource): rule["verbs"]
        for role in roles
        for rule in role["rules"]
        for resource in rule["resources"]
    }
    assert "pods/exec" not in {resource for _, resource in granted}
    # Whoever answers students makes no pods; whoever makes pods reads no credentials.
    assert ("gateway", "pods") not in granted
    if roles:
        assert granted["gateway", "secrets"] == ["get"]
        assert granted["gateway-controller", "secrets"] == ["create", "delete"]


@pytest.mark.parametrize(
    ("use", "objects"),
    [
        ("data", {"data-work", "data-cluster", "default-deny", "data", "data-worker", "data-nightly"}),
        ("demo", {"demo-work", "demo-cluster", "default-deny", "demo", "demo-worker", "demo-dashboard"}),
    ],
)
def test_the_platforms_dask_rules_over_a_namespace_that_holds_nothing_else(
    renderings: dict[str, Rendering], name: str, use: str, objects: set[str]
) -> None:
    rendering = renderings[name]
    work, namespace = f"{use}-work", f"lumihub-{use}"
    for one in [*rendering.find("Role", work), *rendering.find("RoleBinding", work)]:
        assert one["metadata"]["namespace"] == namespace
    granted = {
        resource: rule["verbs"]
        for role in rendering.find("Role", work)
        for rule in role["rules"]
        for resource in rule["resources"]
    }
    assert not {"secrets", "configmaps", "jobs", "pods/exec", "persistentvolumeclaims"} & set(granted)
    if granted:
        assert granted["pods"] == ["list", "watch"]
    others = {one["metadata"]["name"] for one in rendering.objects if one["metadata"].get("namespace") == namespace}
    assert others <= objects


def test_every_object_has_a_namespace_or_belongs_to_the_cluster(renderings: dict[str, Rendering], name: str) -> None:
    for one in renderings[name].objects:
        if one["kind"] in CLUSTER_WIDE:
            assert "namespace" not in one["metadata"]
        else:
            assert one["metadata"]["namespace"] in SPACES, one["kind"]


def test_no_secret_stands_outside_of_secrets(renderings: dict[str, Rendering], name: str) -> None:
    rendering = renderings[name]
    secrets = _secret_words(rendering)
    for one in rendering.objects:
        if one["kind"] != "Secret":
            text = json.dumps(one)
            assert not [word for word in secrets if word in text], (one["kind"], one["metadata"]["name"])


def test_students_namespaces_take_restricted_pods_alone(renderings: dict[str, Rendering], name: str) -> None:
    for namespace in renderings[name].find("Namespace"):
        labels = namespace["metadata"]["labels"]
        for mode in ("enforce", "audit", "warn"):
            assert labels[f"pod-security.kubernetes.io/{mode}"] == "restricted"


def test_peoples_work_outlives_the_release(renderings: dict[str, Rendering], name: str) -> None:
    rendering = renderings[name]
    users = [one for one in rendering.find("Namespace") if "-dask-" not in one["metadata"]["name"]]
    kept = [*users, *rendering.find("PersistentVolumeClaim"), *rendering.find("Secret", "hub")]
    for one in kept:
        assert one["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep", one["metadata"]["name"]


def _secret_words(rendering: Rendering) -> list[str]:
    words: list[str] = []
    for secret in rendering.find("Secret"):
        for key, encoded in secret["data"].items():
            text = base64.b64decode(encoded).decode()
            words += [encoded, *(_find_secrets(json.loads(text)) if key == "values.json" else [text.strip()])]
    return words


def _find_secrets(values: Any) -> list[str]:
    if not isinstance(values, dict):
        return []
    own = [value for key, value in values.items() if key in ("clientSecret", "url") and "secret" in str(value)]
    return own + [word for below in values.values() for word in _find_secrets(below)]
