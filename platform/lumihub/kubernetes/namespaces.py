"""The release's namespace: made before Helm runs, under Pod Security, and whose it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lumihub.errors import LumiHubError
from lumihub.kubernetes.access import ApiError
from lumihub.kubernetes.objects import labels_of, name_of, path_of

if TYPE_CHECKING:
    from lumihub.kubernetes.access import Cluster, Object

_OWNER = "app.kubernetes.io/part-of"
_FORBIDDEN = 403
RESTRICTED = {
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/enforce-version": "latest",
}


def ensure_namespace(cluster: Cluster, name: str) -> str | None:
    """Make the namespace, or give it the labels that make it enforce Pod Security; a line when something was done.

    Raises:
        LumiHubError: the account may not, and it is not as it has to be.
    """
    found = cluster.find(path_of("namespaces", name=name))
    if found is not None and RESTRICTED.items() <= labels_of(found).items():
        return None
    try:
        cluster.apply(path_of("namespaces", name=name), build_namespace(name))
    except ApiError as error:
        if error.status != _FORBIDDEN:
            raise
        labels = " ".join(f"{label}={value}" for label, value in RESTRICTED.items())
        command = f"kubectl create namespace {name}; " if found is None else ""
        raise LumiHubError(
            f"this account may not make or label the namespace {name}",
            where=cluster.context,
            fix=f"ask whoever runs the cluster to type: {command}kubectl label namespace {name} {labels}",
        ) from error
    return f"made the namespace {name}" if found is None else f"the namespace {name} now enforces Pod Security"


def build_namespace(name: str) -> Object:
    """A namespace that refuses pods with more rights than ours need."""
    labels = {**RESTRICTED, _OWNER: "lumihub"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def find_strangers(cluster: Cluster, name: str, release: str) -> tuple[str, ...]:
    """Who else lives in a namespace: parts and pods that are not of the release; none where it is ours or new."""
    found = cluster.find(path_of("namespaces", name=name))
    if found is None or labels_of(found).get(_OWNER) == "lumihub":
        return ()
    return find_others(cluster, name, release)


def find_others(cluster: Cluster, name: str, release: str) -> tuple[str, ...]:
    """Parts of others in a namespace, whoever made it."""
    return tuple(
        f"{kind.removesuffix('s')} {name_of(one)}"
        for kind in ("deployments", "statefulsets", "daemonsets")
        for one in cluster.items(path_of(kind, name))
        if labels_of(one).get("app.kubernetes.io/instance") != release
    )
