"""Each image starts in a pod as `restricted` asks for, on a root that nothing writes to, and stops when told."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster.machine.access import Cluster

pytestmark = pytest.mark.timeout(600)

GUARD = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True}
ACCOUNT = {"runAsNonRoot": True, "runAsUser": 1000, "runAsGroup": 1000, "fsGroup": 1000}
HUB_PACKAGES = "import kubespawner, nativeauthenticator, oauthenticator, ltiauthenticator, psycopg, lumihub.hub"


@pytest.fixture
def start(
    cluster: Cluster, references: dict[str, str], make_namespace: Callable[..., str]
) -> Callable[..., Callable[..., str]]:
    """Starts a pod of an image with folders that it may write to; waits until it is ready."""
    namespace = make_namespace()

    def run_pod(name: str, *folders: str, port: int, **container: object) -> Callable[..., str]:
        writable = (*folders, "/tmp")  # noqa: S108 - the pod's own
        volumes = [{"name": f"folder-{index}", "emptyDir": {}} for index in range(len(writable))]
        mounts = [{"name": f"folder-{index}", "mountPath": folder} for index, folder in enumerate(writable)]
        ready = {"tcpSocket": {"port": port}, "periodSeconds": 1, "failureThreshold": 120}
        main = {
            "name": "main",
            "image": references[name],
            "securityContext": GUARD,
            "volumeMounts": mounts,
            "readinessProbe": ready,
            **container,
        }
        spec = {
            "automountServiceAccountToken": False,
            "securityContext": {**ACCOUNT, "seccompProfile": {"type": "RuntimeDefault"}},
            "terminationGracePeriodSeconds": 60,
            "containers": [main],
            "volumes": volumes,
        }
        cluster.apply(
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace}, "spec": spec}
        )
        cluster.kubectl("--namespace", namespace, "wait", "--for=condition=Ready", f"pod/{name}", "--timeout=110s")

        def kubectl(*words: str) -> str:
            return cluster.kubectl("--namespace", namespace, *words)

        return kubectl

    return run_pod


def seconds_to_stop(kubectl: Callable[..., str], name: str) -> float:
    begin = time.monotonic()
    kubectl("delete", "pod", name, "--wait", "--timeout=90s")
    return time.monotonic() - begin


def test_a_students_server(start: Callable[..., Callable[..., str]]) -> None:
    words = ["jupyter-lab", "--no-browser", "--ip=0.0.0.0", "--port=8888"]
    kubectl = start("lab", "/home/student", port=8888, args=words)
    inside = ("exec", "lab", "--")
    assert kubectl(*inside, "id").startswith("uid=1000(student) gid=1000(student)")
    assert kubectl(*inside, "cat", "/proc/1/comm") == "tini\n"
    code = "from lumihub import analysis, compute, data, lab; from lumihub.lab.lessons import find_lessons, deliver\n"
    code += "from pathlib import Path; print(len(deliver(find_lessons(), Path.home()).new) > 1)"
    assert kubectl(*inside, "python", "-c", code) == "True\n"
    assert seconds_to_stop(kubectl, "lab") < 30


def test_the_hub(start: Callable[..., Callable[..., str]]) -> None:
    serve = f"{HUB_PACKAGES}, http.server as s; s.test(s.SimpleHTTPRequestHandler, port=8081)"
    kubectl = start("hub", "/srv/lumihub", port=8081, args=["python", "-c", serve])
    assert kubectl("exec", "hub", "--", "id").startswith("uid=1000(lumihub) gid=1000(lumihub)")


def test_the_cache(start: Callable[..., Callable[..., str]]) -> None:
    variables = [
        {"name": "LUMIHUB_CACHE_ORIGIN", "value": "root://eospublic.cern.ch//eos/opendata/atlas"},
        {"name": "LUMIHUB_CACHE_SIZE", "value": str(10**9)},
    ]
    kubectl = start("cache", "/data", "/run/lumihub", port=1094, env=variables)
    assert "initialization completed" in kubectl("logs", "cache")
    assert kubectl("exec", "cache", "--", "id").startswith("uid=1000(lumihub) gid=1000(lumihub)")
    assert seconds_to_stop(kubectl, "cache") < 15


def test_the_proxy(start: Callable[..., Callable[..., str]]) -> None:
    variables = [{"name": "CONFIGPROXY_AUTH_TOKEN", "value": "of this test"}]
    kubectl = start("proxy", port=8000, env=variables)
    assert kubectl("exec", "proxy", "--", "node", "/opt/proxy/gate.mjs", "--version") == "5.3.0\n"
    assert seconds_to_stop(kubectl, "proxy") < 15
