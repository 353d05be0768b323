"""What the API server itself says: its version, its clock, our rights."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from lumihub.backend import Finding
from lumihub.kubernetes.definitions import find_missing_rights, find_needed

if TYPE_CHECKING:
    from lumihub.kubernetes.access import Cluster
    from lumihub.settings import Settings

# Pod Security, CEL in policies and the fields that the chart uses are all stable there.
OLDEST = (1, 29)
_TOLERATED_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Right:
    """A right that a verb needs.

    Attributes:
        verb: as Kubernetes names it.
        resource: its plural.
        group: of the resource.
        subresource: as in pods/log.
        everywhere: whether it is about the whole cluster rather than a namespace.
        users: whether it is needed in the students' namespace too.
        dask: whether it is about the namespaces of Dask's cohorts, where there are any, alone.
        data: whether it is about the namespaces of the platform's own Dask, where there are any, alone.
    """

    verb: str
    resource: str
    group: str = ""
    subresource: str = ""
    everywhere: bool = False
    users: bool = False
    dask: bool = False
    data: bool = False

    def __str__(self) -> str:
        below = f"/{self.subresource}" if self.subresource else ""
        return f"{self.verb} {self.resource}{below}"


RIGHTS = (
    Right("create", "namespaces", everywhere=True),
    Right("patch", "namespaces", everywhere=True),
    Right("list", "nodes", everywhere=True),
    Right("list", "storageclasses", "storage.k8s.io", everywhere=True),
    *(
        Right("create", resource, group, users=users)
        for resource, group, users in (
            ("secrets", "", True),
            ("configmaps", "", True),
            ("services", "", False),
            ("serviceaccounts", "", True),
            ("persistentvolumeclaims", "", False),
            ("deployments", "apps", False),
            ("statefulsets", "apps", False),
            ("daemonsets", "apps", True),
            ("networkpolicies", "networking.k8s.io", True),
            ("roles", "rbac.authorization.k8s.io", True),
            ("rolebindings", "rbac.authorization.k8s.io", True),
            ("poddisruptionbudgets", "policy", False),
            ("leases", "coordination.k8s.io", False),
        )
    ),
    Right("patch", "deployments", "apps"),
    Right("delete", "deployments", "apps"),
    Right("get", "secrets"),
    Right("list", "pods", users=True),
    Right("list", "events"),
    Right("get", "pods", subresource="log", users=True),
    Right("create", "pods", subresource="portforward"),
    Right("delete", "persistentvolumeclaims", users=True),
    *(
        Right(verb, resource, group, dask=True)
        for verb, resource, group in (
            ("create", "resourcequotas", ""),
            ("create", "limitranges", ""),
            ("create", "networkpolicies", "networking.k8s.io"),
            ("create", "roles", "rbac.authorization.k8s.io"),
            ("create", "rolebindings", "rbac.authorization.k8s.io"),
            ("list", "pods", ""),
            ("list", "daskclusters", "gateway.dask.org"),
            # Nobody can give the gateway a right without having it.
            ("create", "daskclusters", "gateway.dask.org"),
            ("delete", "daskclusters", "gateway.dask.org"),
        )
    ),
    *(
        Right(verb, resource, group, data=True)
        for verb, resource, group in (
            ("create", "configmaps", ""),
            ("get", "configmaps", ""),
            ("create", "serviceaccounts", ""),
            ("create", "networkpolicies", "networking.k8s.io"),
            ("create", "roles", "rbac.authorization.k8s.io"),
            ("create", "rolebindings", "rbac.authorization.k8s.io"),
            ("create", "cronjobs", "batch"),
            ("create", "jobs", "batch"),
            ("list", "jobs", "batch"),
            ("delete", "jobs", "batch"),
            ("list", "pods", ""),
            # Nobody can give the operator a right without having it.
            ("create", "daskclusters", "kubernetes.dask.org"),
            ("delete", "daskclusters", "kubernetes.dask.org"),
            ("update", "daskclusters", "kubernetes.dask.org"),
            ("create", "daskworkergroups", "kubernetes.dask.org"),
        )
    ),
)


def examine_version(cluster: Cluster) -> Finding:
    """Whether the cluster is new enough."""
    version = cluster.version()
    found = re.match(r"v?(\d+)\.(\d+)", version)
    oldest = ".".join(map(str, OLDEST))
    if found and (int(found[1]), int(found[2])) < OLDEST:
        return Finding("kubernetes", False, f"{version} is older than {oldest}", "upgrade the cluster", stops_up=True)
    return Finding("kubernetes", True, f"{version} answers at {cluster.server}")


def examine_clock(cluster: Cluster, now: datetime | None = None) -> Finding:
    """Whether this machine and the cluster agree what time it is: certificates and tokens depend on it."""
    said = cluster.header("/version", "Date")
    if not said:
        return Finding("clock", True, "the API server tells no time")
    # The header has whole seconds.
    skew = (parsedate_to_datetime(said) - (now or datetime.now(UTC))).total_seconds()
    if abs(skew) > _TOLERATED_SECONDS:
        side = "ahead of" if skew > 0 else "behind"
        return Finding(
            "clock",
            False,
            f"the cluster's clock is {abs(skew):.0f} s {side} this machine's",
            "set the clock of whichever is wrong (timedatectl set-ntp true)",
        )
    return Finding("clock", True, "the cluster's clock and this machine's agree")


def find_places(right: Right, settings: Settings) -> list[str]:
    """The namespaces in which a right is needed under these settings; an empty name means the whole cluster."""
    own = settings.kubernetes
    if right.everywhere:
        return [""]
    if right.dask:
        return list(settings.cohort_namespaces.values()) if settings.gateway_enabled else []
    if right.data:
        used = {settings.data_namespace: settings.platform_enabled, settings.demo_namespace: settings.demo_enabled}
        return [name for name, enabled in used.items() if enabled]
    return [own.namespace, *([own.users_namespace] if right.users else [])]


def examine_rights(cluster: Cluster, settings: Settings) -> Finding:
    """Whether this account may do all that the verbs do; the API server itself is asked."""
    own = settings.kubernetes
    missing: list[str] = []
    rights = {right: places for right in RIGHTS if (places := find_places(right, settings))}
    for right, places in rights.items():
        missing += [
            f"{right} in {place or 'the whole cluster'}"
            for place in places
            if not cluster.may(right.verb, right.resource, place, group=right.group, subresource=right.subresource)
        ]
    missing += find_missing_rights(cluster, find_needed(settings))
    if missing:
        return Finding(
            "rights",
            False,
            f"{len(missing)} are missing: {'; '.join(missing)}",
            f"ask whoever runs the cluster for them (or for the ClusterRole admin in {own.namespace} and"
            f" {own.users_namespace}, both made beforehand)",
            stops_up=True,
        )
    return Finding("rights", True, f"this account may do all that the verbs do ({len(rights)} rights asked for)")
