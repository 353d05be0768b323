"""What `down` does beside uninstalling: students' servers, and, when asked, everything that people made."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lumihub.errors import LumiHubError
from lumihub.kubernetes.administrators import SECRET
from lumihub.kubernetes.departure import wait_until_gone
from lumihub.kubernetes.namespaces import find_others
from lumihub.kubernetes.objects import build_selector, labels_of, name_of, path_of

if TYPE_CHECKING:
    from lumihub.kubernetes.access import Cluster, Object
    from lumihub.progress import Progress
    from lumihub.settings import Settings

_SERVERS = build_selector({"app.kubernetes.io/component": "singleuser-server"})
_GONE_SECONDS = 180.0


def stop_servers(cluster: Cluster, settings: Settings, progress: Progress) -> list[str]:
    """Stop students' servers; the hub, which would do so, is gone. One line when there were any."""
    namespace = settings.kubernetes.users_namespace
    pods = cluster.items(path_of("pods", namespace), labelSelector=_SERVERS)
    if not pods:
        return []
    with progress.task(f"Stopping students' servers ({len(pods)})"):
        for pod in pods:
            cluster.delete(path_of("pods", namespace, name_of(pod)))
        wait_until_gone(
            cluster, [namespace], _SERVERS, "pods did not stop", seconds=_GONE_SECONDS, fix="./deploy.py down"
        )
    return [f"stopped students' servers ({len(pods)})"]


def delete_data(cluster: Cluster, settings: Settings, progress: Progress) -> list[str]:
    """Delete accounts, homes and data for good. Namespaces go too where nobody else lives in them."""
    own = settings.kubernetes
    done = []
    with progress.task("Deleting homes, accounts and data"):
        namespaces = (own.users_namespace, settings.data_namespace, settings.demo_namespace, own.namespace)
        for namespace in namespaces:
            found = cluster.find(path_of("namespaces", name=namespace))
            if found is None:
                continue
            if is_ours(found, own.release) and not find_others(cluster, namespace, own.release):
                cluster.delete(path_of("namespaces", name=namespace))
                done.append(f"deleted the namespace {namespace} with all that was in it")
            else:
                done += _delete_claims(cluster, namespace, own.release)
        for namespace in namespaces:
            _wait_for_deletion(cluster, namespace)
    return done


def is_ours(namespace: Object, release: str) -> bool:
    """Whether `up` or the chart made a namespace."""
    metadata = namespace["metadata"]
    made_by_chart = (metadata.get("annotations") or {}).get("meta.helm.sh/release-name") == release
    return made_by_chart or labels_of(namespace).get("app.kubernetes.io/part-of") == "lumihub"


def _delete_claims(cluster: Cluster, namespace: str, release: str) -> list[str]:
    """Only what is ours in a namespace that others share."""
    done = []
    for claim in cluster.items(path_of("persistentvolumeclaims", namespace)):
        labels = labels_of(claim)
        ours = labels.get("app.kubernetes.io/instance") == release or "hub.jupyter.org/username" in labels
        if ours and cluster.delete(path_of("persistentvolumeclaims", namespace, name_of(claim))):
            done.append(f"deleted the volume {name_of(claim)} of {namespace}")
    if cluster.delete(path_of("secrets", namespace, SECRET)):
        done.append(f"deleted the Secret {SECRET} of {namespace}")
    return done


def _wait_for_deletion(cluster: Cluster, namespace: str) -> None:
    deadline = time.monotonic() + _GONE_SECONDS
    while (found := cluster.find(path_of("namespaces", name=namespace))) and "deletionTimestamp" in found["metadata"]:
        if time.monotonic() > deadline:
            raise LumiHubError(
                f"the namespace {namespace} is not gone after {_GONE_SECONDS:.0f} s",
                fix=f"kubectl describe namespace {namespace} says what holds it",
            )
        time.sleep(0.5)
