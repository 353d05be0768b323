"""A namespace for trying things with real pods, which is always removed again."""

from __future__ import annotations

import contextlib
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lumihub.errors import LumiHubError
from lumihub.kubernetes.namespaces import RESTRICTED
from lumihub.kubernetes.objects import name_of, path_of
from lumihub.kubernetes.troubles import Trouble, explain_pod

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from lumihub.kubernetes.access import Cluster, Object

LABEL = "app.kubernetes.io/managed-by"
MANAGER = "lumihub-trial"
# What is older was left behind by one that was killed.
_LONGEST_SECONDS = 900.0
_PAUSE = 0.3


@dataclass(frozen=True, slots=True)
class PodResult:
    """What came of a pod.

    Attributes:
        ended: whether it ran to its end with success.
        log: what it wrote.
        trouble: why it did not start, None where it did.
    """

    ended: bool
    log: str = ""
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """The namespace.

    Attributes:
        cluster: where it is.
        namespace: its name.
        pull_secrets: names of Secrets with the registry's password, copied into it.
        pull_policy: when its pods pull their image.
    """

    cluster: Cluster
    namespace: str
    pull_secrets: tuple[str, ...] = ()
    pull_policy: str = "IfNotPresent"

    def start(self, name: str, image: str, command: Sequence[str], **options: Any) -> None:
        """Make a pod; see `build_pod` for the options."""
        pod = build_pod(
            name, image, command, pull_secrets=self.pull_secrets, **{"pull_policy": self.pull_policy, **options}
        )
        self.cluster.create(path_of("pods", self.namespace), pod)

    def wait_for_end(self, name: str, seconds: float) -> PodResult:
        """Wait until a pod has run to its end, can't start, or `seconds` are over."""
        return self.wait_until(name, lambda _: False, seconds)

    def wait_until(self, name: str, arrived: Callable[[Object], bool], seconds: float) -> PodResult:
        """Wait until a pod is as wanted (`ended` then means that it is), has run to its end, or can't start."""
        deadline = time.monotonic() + seconds
        trouble: Trouble | None = None
        while time.monotonic() < deadline:
            pod = self.cluster.get(path_of("pods", self.namespace, name))
            phase = pod.get("status", {}).get("phase")
            if phase in ("Succeeded", "Failed") or arrived(pod):
                return PodResult(phase != "Failed", self.cluster.text(path_of("pods", self.namespace, name, "log")))
            trouble = explain_pod(pod, self.cluster.items(path_of("events", self.namespace)))
            if trouble and trouble.hopeless:
                return PodResult(False, "", trouble)
            time.sleep(_PAUSE)
        late = Trouble(name, "Timeout", f"it was not done within {seconds:.0f} s", "./deploy.py doctor")
        return PodResult(False, "", trouble or late)

    def address(self, name: str) -> str:
        """The address of a pod."""
        return str(self.cluster.get(path_of("pods", self.namespace, name))["status"]["podIP"])


@contextlib.contextmanager
def open_trial(
    cluster: Cluster, *, copied: Mapping[str, Sequence[str]] | None = None, pull_policy: str = "IfNotPresent"
) -> Iterator[Trial]:
    """A namespace under Pod Security `restricted` for the time of the block.

    Args:
        cluster: where.
        copied: by namespace, the pull secrets to copy from there.
        pull_policy: of its pods.
    """
    remove_leftovers(cluster)
    name = f"lumihub-trial-{secrets.token_hex(3)}"
    labels = {**RESTRICTED, LABEL: MANAGER}
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    cluster.create(path_of("namespaces"), body)
    try:
        names = []
        for source, secret in ((source, one) for source, wanted in (copied or {}).items() for one in wanted):
            found = cluster.find(path_of("secrets", source, secret))
            if found:
                body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": secret}}
                cluster.create(path_of("secrets", name), {**body, "type": found["type"], "data": found["data"]})
                names.append(secret)
        yield Trial(cluster, name, tuple(names), pull_policy)
    finally:
        with contextlib.suppress(LumiHubError):  # a namespace takes its pods' grace; ours need none
            for pod in cluster.items(path_of("pods", name)):
                cluster.delete(path_of("pods", name, name_of(pod)), grace=0)
        cluster.delete(path_of("namespaces", name=name))


def remove_leftovers(cluster: Cluster) -> None:
    """Remove the namespaces of trials that were killed."""
    for found in cluster.items(path_of("namespaces"), labelSelector=f"{LABEL}={MANAGER}"):
        made = datetime.fromisoformat(found["metadata"]["creationTimestamp"])
        if (datetime.now(UTC) - made).total_seconds() > _LONGEST_SECONDS and "deletionTimestamp" not in found[
            "metadata"
        ]:
            cluster.delete(path_of("namespaces", name=name_of(found)))


# What Pod Security `restricted` asks for, and the account that our images run as.
_SECURITY = {
    "runAsNonRoot": True,
    "runAsUser": 1000,
    "runAsGroup": 1000,
    "fsGroup": 1000,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def build_pod(
    name: str,
    image: str,
    command: Sequence[str],
    *,
    labels: Mapping[str, str] | None = None,
    claim: str = "",
    pull_policy: str = "IfNotPresent",
    pull_secrets: Sequence[str] = (),
    port: int = 0,
    node_selector: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Object:
    """A pod as little trusted as a student's, that runs one command.

    Args:
        name: of the pod.
        image: what it runs from.
        command: what it runs.
        labels: of the pod.
        claim: a volume claim to mount at /volume.
        pull_policy: when the image is pulled.
        pull_secrets: passwords of the registry.
        port: that it listens on; it is ready once connections are taken there.
        node_selector: labels of the node.
        environment: of the command.
    """
    container: dict[str, Any] = {
        "name": "trial",
        "image": image,
        "imagePullPolicy": pull_policy,
        "command": list(command),
        "env": [{"name": name, "value": value} for name, value in (environment or {}).items()],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 1,
        "securityContext": dict(_SECURITY),
        "containers": [container],
    }
    if port:
        container["readinessProbe"] = {"tcpSocket": {"port": port}, "periodSeconds": 1}
    if claim:
        container["volumeMounts"] = [{"name": "volume", "mountPath": "/volume"}]
        spec["volumes"] = [{"name": "volume", "persistentVolumeClaim": {"claimName": claim}}]
    if pull_secrets:
        spec["imagePullSecrets"] = [{"name": one} for one in pull_secrets]
    if node_selector:
        spec["nodeSelector"] = dict(node_selector)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": dict(labels or {})},
        "spec": spec,
    }
