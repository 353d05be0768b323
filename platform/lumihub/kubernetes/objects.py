"""Paths of the objects that we ask for, and the little that is read out of them again and again."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from lumihub.kubernetes.access import Object

# The group of each kind that is not in the core.
_GROUPS = {
    "deployments": "apps/v1",
    "daemonsets": "apps/v1",
    "statefulsets": "apps/v1",
    "replicasets": "apps/v1",
    "networkpolicies": "networking.k8s.io/v1",
    "ingresses": "networking.k8s.io/v1",
    "ingressclasses": "networking.k8s.io/v1",
    "storageclasses": "storage.k8s.io/v1",
    "leases": "coordination.k8s.io/v1",
    "jobs": "batch/v1",
    "cronjobs": "batch/v1",
}


def path_of(plural: str, namespace: str = "", name: str = "", below: str = "") -> str:
    """The path of a kind's list, of one object (`name`), or of something of it (`below`: log, portforward...)."""
    group = _GROUPS.get(plural)
    parts = [f"/apis/{group}" if group else "/api/v1"]
    parts += ["namespaces", quote(namespace, safe="")] if namespace else []
    parts += [plural]
    parts += [quote(name, safe="")] if name else []
    parts += [below] if below else []
    return "/".join(parts)


def name_of(found: Object) -> str:
    """Its name."""
    return str(found["metadata"]["name"])


def labels_of(found: Object) -> dict[str, str]:
    """Its labels."""
    return dict(found["metadata"].get("labels") or {})


def build_selector(labels: dict[str, str]) -> str:
    """Labels as a query takes them."""
    return ",".join(f"{name}={value}" for name, value in sorted(labels.items()))


def is_ready(pod: Object) -> bool:
    """Whether a pod takes requests and is not on its way out."""
    conditions = pod.get("status", {}).get("conditions") or []
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]


def read_secret(secret: Object, key: str) -> str | None:
    """The value of a key as text, or None where there is none."""
    value = (secret.get("data") or {}).get(key)
    return base64.b64decode(value).decode() if value is not None else None


def is_over(job: Object) -> bool:
    """Whether a Job has ended, well or not."""
    ends = (find_condition(job, kind) for kind in ("Complete", "Failed"))
    return any(end is not None and end["status"] == "True" for end in ends)


def find_condition(found: Object, kind: str) -> dict[str, Any] | None:
    """One of its conditions, by type."""
    return next((one for one in found.get("status", {}).get("conditions") or [] if one["type"] == kind), None)
