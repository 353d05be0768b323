"""The objects of each part: names, labels, selectors, and that each switch takes away what it should and no more."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from chart.rendering import VARIATIONS, read_variation, render

if TYPE_CHECKING:
    from pathlib import Path

    from chart.rendering import Object, Rendering

SELECTED = {"app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component"}
HUB = {
    "Deployment hub",
    "Deployment proxy",
    "Service hub",
    "Service proxy-api",
    "Service proxy-public",
    "ServiceAccount hub",
    "ServiceAccount proxy",
    "Role hub",
    "RoleBinding hub",
    "Secret hub",
    "Secret hub-values",
    "PersistentVolumeClaim hub-db",
    "PodDisruptionBudget hub",
    "PodDisruptionBudget proxy",
    "Namespace lumihub-users",
    "NetworkPolicy default-deny",
    "NetworkPolicy hub",
    "NetworkPolicy proxy",
    "NetworkPolicy singleuser",
    "DaemonSet image-puller",
}
CACHE = {
    "StatefulSet cache",
    "Service cache",
    "ServiceAccount cache",
    "PersistentVolumeClaim data-cache-0",
    "NetworkPolicy cache",
}
GATEWAY = {
    "Deployment gateway",
    "Deployment gateway-controller",
    "Service gateway",
    "ServiceAccount gateway",
    "ServiceAccount gateway-controller",
    "ConfigMap gateway",
    "Role gateway",
    "Role gateway-controller",
    "RoleBinding gateway",
    "RoleBinding gateway-controller",
    "Namespace lumihub-dask-default",
    "ResourceQuota dask",
    "LimitRange dask",
    "NetworkPolicy gateway",
    "NetworkPolicy gateway-controller",
    "NetworkPolicy dask-scheduler",
    "NetworkPolicy dask-worker",
}
DATA = {
    "Namespace lumihub-data",
    "ServiceAccount data-work",
    "Role data-work",
    "RoleBinding data-work",
    "ConfigMap data-cluster",
    "CronJob data-work",
    "NetworkPolicy data",
    "NetworkPolicy data-work",
    "NetworkPolicy data-worker",
}
DEMO = {
    "Namespace lumihub-demo",
    "ResourceQuota demo",
    "ServiceAccount demo-work",
    "Role demo-work",
    "RoleBinding demo-work",
    "ConfigMap demo-cluster",
    "CronJob demo-work",
    "NetworkPolicy demo",
    "NetworkPolicy demo-work",
    "NetworkPolicy demo-worker",
    "NetworkPolicy demo-dashboard",
}
CHECK = {"Job image-check"}


@pytest.mark.parametrize(
    ("name", "more", "less"),
    [
        ("minimal", set(), set()),
        ("node-port", set(), set()),
        ("simulated", set(), set()),
        ("cache-only", set(), (HUB | GATEWAY | DEMO) - {"NetworkPolicy default-deny"}),
        ("no-gateway", set(), GATEWAY),
        ("no-platform", set(), DATA | DEMO),
        ("no-demo", set(), DEMO),
        (
            "caches",
            {
                f"{kind}-{number}"
                for number in (1, 2)
                for kind in ("StatefulSet cache", "Service cache", "PersistentVolumeClaim data-cache")
            },
            set(),
        ),
        ("nightly", {"ConfigMap data-nightly", "CronJob data-nightly", "NetworkPolicy data-nightly"}, set()),
        ("cohorts", {"Namespace lumihub-dask-class-9b"}, set()),
        ("stream", set(), CACHE),
        ("postgres", set(), {"PersistentVolumeClaim hub-db"}),
        ("ingress", {"Ingress proxy"}, set()),
        ("gateway", {"HTTPRoute proxy"}, set()),
        ("https-manual", {"Secret proxy-tls"}, set()),
        ("https-cert-manager", {"Certificate proxy-tls"}, set()),
        ("https-secret", set(), set()),
        ("https-offload", set(), set()),
        (
            "placeholders",
            {
                "StatefulSet user-placeholder",
                "PriorityClass lumihub-students",
                "PriorityClass lumihub-placeholders",
            },
            set(),
        ),
        (
            "bare",
            set(),
            CACHE
            | CHECK
            | GATEWAY
            | DATA
            | DEMO
            | {name for name in HUB if name.startswith(("NetworkPolicy", "PodDisruption"))}
            | {"DaemonSet image-puller"},
        ),
    ],
)
def test_each_switch_does_what_it_says(
    renderings: dict[str, Rendering], name: str, more: set[str], less: set[str]
) -> None:
    named_by_content = {
        re.sub(r"^(StatefulSet user-placeholder)-\w{8}$", r"\1", one) for one in renderings[name].names()
    }
    assert named_by_content == (HUB | CACHE | GATEWAY | DATA | DEMO | CHECK | more) - less


@pytest.mark.parametrize("name", VARIATIONS)
def test_labels_are_on_every_object(renderings: dict[str, Rendering], name: str) -> None:
    for one in renderings[name].objects:
        labels = one["metadata"]["labels"]
        assert labels["app.kubernetes.io/name"] == "lumihub"
        assert labels["app.kubernetes.io/instance"] == "lumihub"
        assert labels["app.kubernetes.io/managed-by"] == "Helm"
        assert labels["app.kubernetes.io/component"]


@pytest.mark.parametrize("name", VARIATIONS)
def test_selectors_find_their_own_pods_and_no_others(renderings: dict[str, Rendering], name: str) -> None:
    rendering = renderings[name]
    pods = {pod: template["metadata"]["labels"] for pod, template in rendering.pods()}
    for one in rendering.objects:
        selector = one["spec"].get("selector") if one["kind"] in ("Deployment", "StatefulSet", "DaemonSet") else None
        if selector:
            assert set(selector["matchLabels"]) == SELECTED
            own = f"{one['kind']} {one['metadata']['name']}"
            found = [pod for pod, labels in pods.items() if selector["matchLabels"].items() <= labels.items()]
            assert found == [own]
    for service in rendering.find("Service"):
        found = [pod for pod, labels in pods.items() if service["spec"]["selector"].items() <= labels.items()]
        assert len(found) == 1, service["metadata"]["name"]


@pytest.mark.parametrize("name", VARIATIONS)
def test_ports_by_name_are_the_containers_own(renderings: dict[str, Rendering], name: str) -> None:
    rendering = renderings[name]
    for service in rendering.find("Service"):
        [pod] = [
            template
            for _, template in rendering.pods()
            if service["spec"]["selector"].items() <= template["metadata"]["labels"].items()
        ]
        names = {port["name"] for port in pod["spec"]["containers"][0]["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= names


@pytest.mark.parametrize("name", VARIATIONS)
def test_a_new_version_of_the_chart_restarts_nobody(renderings: dict[str, Rendering], name: str) -> None:
    for pod, template in renderings[name].pods():
        assert not {"app.kubernetes.io/version", "helm.sh/chart"} & set(template["metadata"]["labels"]), pod


@pytest.mark.parametrize("name", VARIATIONS)
def test_every_part_asks_for_what_it_takes(renderings: dict[str, Rendering], name: str) -> None:
    for pod, template in renderings[name].pods():
        for container in template["spec"]["containers"]:
            requests = container["resources"].get("requests")
            assert name == "bare" or requests, pod


def test_the_idle_platform_fits_a_small_server(renderings: dict[str, Rendering]) -> None:
    memory, cores = 0, 0.0
    for pod, template in renderings["minimal"].pods():
        if not pod.startswith(("Job", "CronJob", "Dask")):
            for container in template["spec"]["containers"]:
                requests = container["resources"]["requests"]
                memory += int(requests["memory"].removesuffix("Mi"))
                cores += int(requests["cpu"].removesuffix("m")) / 1000
    # A server of 4 GiB and two cores has about 3 GiB and 1.8 cores left beside Kubernetes itself.
    assert memory <= 768
    assert cores <= 0.35


def test_extras_reach_the_pods(renderings: dict[str, Rendering]) -> None:
    rendering = renderings["everything"]
    hub = rendering.get("Deployment", "hub")["spec"]["template"]
    assert hub["metadata"]["labels"]["team"] == "physics"
    assert hub["metadata"]["annotations"]["example.org/owner"] == "physics"
    [container] = hub["spec"]["containers"]
    assert {"name": "HTTPS_PROXY", "value": "http://proxy.example.org:3128"} in container["env"]
    assert {"name": "shared", "mountPath": "/srv/shared"} in container["volumeMounts"]
    assert container["resources"] == {
        "requests": {"cpu": "500m", "memory": "512Mi"},
        "limits": {"memory": "2Gi"},
    }
    for pod, template in rendering.pods():
        assert template["spec"]["imagePullSecrets"] == [{"name": "registry"}], pod
    for name, role in (("hub", "core"), ("proxy", "core")):
        spec = rendering.get("Deployment", name)["spec"]["template"]["spec"]
        assert spec["nodeSelector"] == {"role": role}
        assert {"key": role, "operator": "Exists"} in spec["tolerations"]
    puller = rendering.get("DaemonSet", "image-puller")["spec"]["template"]["spec"]
    assert puller["nodeSelector"] == {"role": "students"}
    assert puller["containers"][0]["image"].endswith("lab@sha256:" + "0" * 64)
    assert container["image"] == "registry.example.org/physics/lumihub/hub:2026.1"
    assert container["imagePullPolicy"] == "Always"


@pytest.mark.parametrize(
    ("size", "volume", "given"),
    [("50G", "61440Mi", "53687091200"), ("1.5T", "1887437Mi", "1649267441664"), ("512M", "615Mi", "536870912")],
)
def test_the_caches_volume_is_a_fifth_larger_than_what_it_keeps(helm: Path, size: str, volume: str, given: str) -> None:
    rendering = render(helm, f"data: {{cache: {{size: {size}}}}}")
    claim = rendering.get("PersistentVolumeClaim", "data-cache-0")
    assert claim["spec"]["resources"]["requests"]["storage"] == volume
    container, _ = rendering.get("StatefulSet", "cache")["spec"]["template"]["spec"]["containers"]
    environment = {entry["name"]: entry["value"] for entry in container["env"]}
    assert environment["LUMIHUB_CACHE_SIZE"] == given


def test_each_of_several_caches_has_a_volume_and_a_name_of_its_own(renderings: dict[str, Rendering]) -> None:
    rendering = renderings["caches"]
    for number, name in enumerate(("cache", "cache-1", "cache-2")):
        pod = rendering.get("StatefulSet", name)["spec"]["template"]
        assert pod["spec"]["volumes"][0]["persistentVolumeClaim"] == {"claimName": f"data-cache-{number}"}
        selector = rendering.get("Service", name)["spec"]["selector"]
        assert selector.items() <= pod["metadata"]["labels"].items()


def test_the_proxy_restarts_for_its_own_sake_alone(helm: Path) -> None:
    def proxy(values: str) -> object:
        return render(helm, values).get("Deployment", "proxy")["spec"]["template"]

    before = proxy("{}")
    changed = "singleuser: {memory: {limit: 4G}}\nauth: {admins: [mara]}\ndeployment: {images: {hub: 'r/hub:2'}}"
    assert proxy(changed) == before
    assert proxy("deployment: {images: {proxy: 'r/proxy:2'}}") != before


def test_the_hub_restarts_only_for_what_it_reads(helm: Path) -> None:
    def hub(values: str) -> object:
        return render(helm, values).get("Deployment", "hub")["spec"]["template"]

    before = hub("{}")
    for values in (
        "proxy: {service: {type: NodePort}}",
        "singleuser: {networkPolicy: {egressAllowRules: {nonPrivateIPs: false}}}",
        "prePuller: {hook: {enabled: false}}",
        "deployment: {protectedNetworks: [192.0.2.1/32]}",
        "kubernetes: {timeout: 900}",
        "data: {nightly: {collections: [4lep]}}\ndeployment: {nightly: x}",
        'data: {caBundle: "-----BEGIN CERTIFICATE-----"}',
    ):
        assert hub(values) == before, values
    for values in ("cull: {timeout: 900}", "deployment: {images: {lab: 'r/lab:2'}}", "deployment: {simulated: true}"):
        assert hub(values) != before, values


def test_placeholders_are_a_new_set_where_their_pods_change_and_helm_waits_for_none(helm: Path) -> None:
    def placeholders(values: str) -> Object:
        given = f"scheduling: {{podPriority: {{enabled: true}}, userPlaceholder: {{replicas: 2}}}}\n{values}"
        [found] = render(helm, given).find("StatefulSet", component="user-placeholder")
        return found

    before = placeholders("")
    assert before["spec"]["updateStrategy"] == {"type": "OnDelete"}
    for values in ("deployment: {simulated: true}", "cull: {timeout: 900}"):
        assert placeholders(values) == before
    unlimited = placeholders("singleuser: {memory: {guarantee: null}, cpu: {guarantee: null}}")
    assert unlimited["metadata"]["name"] != before["metadata"]["name"]
    # As Kubernetes counts for the students themselves.
    for found, requests in ((before, {"cpu": 0.1, "memory": "512Mi"}), (unlimited, {"cpu": 2, "memory": "2Gi"})):
        [container] = found["spec"]["template"]["spec"]["containers"]
        assert container["resources"]["requests"] == requests


def test_plain_http_and_its_service(renderings: dict[str, Rendering]) -> None:
    service = renderings["node-port"].get("Service", "proxy-public")["spec"]
    assert service["type"] == "NodePort"
    assert service["ports"] == [{"name": "http", "port": 80, "targetPort": "http", "nodePort": 30080}]


@pytest.mark.parametrize(("name", "target"), [("https-manual", "https"), ("https-offload", "http")])
def test_where_https_ends(renderings: dict[str, Rendering], name: str, target: str) -> None:
    ports = {port["name"]: port for port in renderings[name].get("Service", "proxy-public")["spec"]["ports"]}
    assert ports["https"]["targetPort"] == target
    [proxy] = renderings[name].get("Deployment", "proxy")["spec"]["template"]["spec"]["containers"]
    assert (proxy["readinessProbe"]["httpGet"].get("scheme") == "HTTPS") is (target == "https")


@pytest.mark.parametrize("name", ["https-manual", "https-secret", "https-cert-manager"])
def test_a_renewed_certificate_restarts_the_proxy(renderings: dict[str, Rendering], name: str) -> None:
    [proxy] = renderings[name].get("Deployment", "proxy")["spec"]["template"]["spec"]["containers"]
    program, option, script = proxy["livenessProbe"]["exec"]["command"]
    assert (program, option) == ("node", "-e")
    assert "/etc/lumihub/tls/tls.crt" in script


@pytest.mark.parametrize(
    ("service", "port"),
    [("{}", 443), ("{type: NodePort}", 443), ("{type: NodePort, nodePorts: {https: 30443}}", 30443)],
)
def test_plain_http_leads_to_the_port_of_https(helm: Path, service: str, port: int) -> None:
    values = f"proxy: {{service: {service}, https: {{enabled: true, type: secret, secret: {{name: x}}}}}}"
    [proxy] = render(helm, values).get("Deployment", "proxy")["spec"]["template"]["spec"]["containers"]
    assert f"--redirect-to={port}" in proxy["args"]


def test_the_certificate_comes_from_the_named_keys(renderings: dict[str, Rendering]) -> None:
    spec = renderings["https-secret"].get("Deployment", "proxy")["spec"]["template"]["spec"]
    [volume] = [volume for volume in spec["volumes"] if volume["name"] == "tls"]
    assert volume["secret"]["secretName"] == "campus-wildcard"
    assert volume["secret"]["items"] == [{"key": "key.pem", "path": "tls.key"}, {"key": "cert.pem", "path": "tls.crt"}]


def test_routes_lead_to_the_proxy(renderings: dict[str, Rendering]) -> None:
    [rule] = renderings["ingress"].get("Ingress", "proxy")["spec"]["rules"]
    assert rule["host"] == "hub.example.org"
    assert rule["http"]["paths"][0]["backend"]["service"] == {"name": "proxy-public", "port": {"name": "http"}}
    route = renderings["gateway"].get("HTTPRoute", "proxy")["spec"]
    assert route["parentRefs"] == [{"name": "campus", "namespace": "gateways", "sectionName": "https"}]
    assert route["rules"][0]["backendRefs"] == [{"name": "proxy-public", "port": 80}]


def test_images_are_looked_at_before_anything_changes(renderings: dict[str, Rendering]) -> None:
    job = renderings["minimal"].get("Job", "image-check")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    names = [container["name"] for container in job["spec"]["template"]["spec"]["containers"]]
    assert names == ["hub", "proxy", "lab", "cache", "gateway", "data"]
    cache_only = renderings["cache-only"].get("Job", "image-check")["spec"]["template"]["spec"]["containers"]
    assert [container["name"] for container in cache_only] == ["cache", "data"]


def test_the_night_is_that_of_the_settings(renderings: dict[str, Rendering]) -> None:
    spec = renderings["nightly"].get("CronJob", "data-nightly")["spec"]
    assert (spec["schedule"], spec["timeZone"], spec["concurrencyPolicy"]) == ("5 22 * * *", "Europe/Paris", "Forbid")
    # Begun as late as may be, it still is not ended by force before its own time.
    job = spec["jobTemplate"]["spec"]
    assert job["activeDeadlineSeconds"] > spec["startingDeadlineSeconds"] == 6 * 3600
    pod = job["template"]["spec"]
    assert "serviceAccountName" not in pod
    assert "envFrom" not in pod["containers"][0]


def test_a_night_without_a_zone_is_that_of_utc(helm: Path) -> None:
    values = 'data: {nightly: {analyses: [higgs-4l], at: "08:09"}}\ndeployment: {nightly: x}'
    spec = render(helm, values).get("CronJob", "data-nightly")["spec"]
    assert (spec["schedule"], spec["timeZone"]) == ("9 8 * * *", "UTC")


def test_an_own_authority_reaches_who_speaks_with_the_origin_and_nobody_else(helm: Path) -> None:
    values = 'data: {caBundle: "-----BEGIN CERTIFICATE-----"}'
    trusting = {
        (pod, container["name"], entry["name"])
        for pod, template in render(helm, values).pods()
        for container in template["spec"]["containers"]
        for entry in container.get("env", [])
        if entry.get("value", "").startswith("-----BEGIN")
    }
    assert trusting == {("StatefulSet cache", "cache", "LUMIHUB_CACHE_CA"), ("Dask worker", "worker", "LUMIHUB_CA")}


def test_templates_are_short() -> None:
    from lumihub.chart import CHART

    lengths = {path.name: len(path.read_text().splitlines()) for path in (CHART / "templates").rglob("*.*")}
    assert {name: length for name, length in lengths.items() if length > 150} == {}


def test_every_define_is_prefixed() -> None:
    from lumihub.chart import CHART

    for path in (CHART / "templates").rglob("*.tpl"):
        names = re.findall(r'define "([^"]+)"', path.read_text())
        assert names, path.name
        assert all(name.startswith("lumihub.") for name in names)


def test_every_variation_is_read() -> None:
    assert all(read_variation(name).startswith("#") for name in VARIATIONS)
