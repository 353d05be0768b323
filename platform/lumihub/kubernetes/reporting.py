"""What `status` tells of a release, without changing anything."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lumihub import __version__
from lumihub.backend import Part, PartState, Status, Student
from lumihub.errors import LumiHubError
from lumihub.hub.client import HubClient
from lumihub.kubernetes.addresses import find_address
from lumihub.kubernetes.dask import count_clusters
from lumihub.kubernetes.demonstration import DemonstrationCluster
from lumihub.kubernetes.nightly import find_state
from lumihub.kubernetes.objects import path_of, read_secret
from lumihub.kubernetes.quantities import parse_quantity
from lumihub.kubernetes.waiting import Watch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lumihub.backend import Access
    from lumihub.kubernetes.access import Cluster, Object
    from lumihub.kubernetes.release import Revision
    from lumihub.kubernetes.waiting import PartProgress
    from lumihub.settings import Settings

_PATIENCE = 5.0
_VALUES = "hub-values"
_COMPONENT = "app.kubernetes.io/component"


def find_status(cluster: Cluster, settings: Settings, history: Sequence[Revision], access: Access | None) -> Status:
    """How everything is.

    Args:
        cluster: where it runs.
        settings: the values file.
        history: revisions of the release, oldest first.
        access: how to reach the hub, None while it does not run.
    """
    own = settings.kubernetes
    parts = Watch(cluster, own.namespace, own.release).look()
    usage = find_usage(cluster, own.namespace)
    answer: str | None = None
    students: tuple[Student, ...] = ()
    if access:
        client = HubClient(access, _PATIENCE)
        answer = client.version()
        try:
            students = find_students(client)
        except LumiHubError:
            answer = None
    wanted = {
        "hub": settings.hub.enabled,
        "proxy": settings.hub.enabled,
        "cache": settings.cache.enabled,
        "gateway": settings.gateway_enabled,
    }
    shown = [_build_part(part, usage, answers=answer is not None) for part in parts]
    shown = [_with_clusters(part, cluster, settings) for part in shown]
    for name, enabled in wanted.items():
        if name not in {part.name for part in parts}:
            off = not enabled or (name == "cache" and settings.data.mode != "cache")
            shown.append(Part(name, PartState.OFF if off else PartState.STOPPED, "not in use" if off else ""))
    return Status(
        find_address(cluster, settings).url,
        tuple(sorted(shown, key=lambda part: (part.name not in wanted, part.name))),
        students,
        _versions(cluster, history, answer),
        _describe_data(cluster, settings),
        _describe_nightly(cluster, settings),
        DemonstrationCluster(cluster, settings).find(),
    )


def find_students(client: HubClient) -> tuple[Student, ...]:
    """The accounts, without admins whose server does not run."""
    return tuple(
        Student(account["name"], account["running"], account["lastActivity"])
        for account in client.accounts()
        if not account["admin"] or account["running"]
    )


def find_usage(cluster: Cluster, namespace: str) -> dict[str, int]:
    """Bytes of memory by part, where the cluster has a metrics server; empty where not."""
    try:
        found = cluster.find(f"/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods")
    except LumiHubError:
        return {}
    usage: dict[str, int] = {}
    for pod in (found or {"items": []})["items"]:
        part = (pod["metadata"].get("labels") or {}).get(_COMPONENT, "")
        used = sum(int(parse_quantity(one["usage"]["memory"])) for one in pod["containers"])
        usage[part] = usage.get(part, 0) + used
    return usage


def load_values(cluster: Cluster, namespace: str) -> dict[str, Any] | None:
    """The values that the hub runs with, None where it was not installed."""
    secret = cluster.find(path_of("secrets", namespace, _VALUES))
    text = read_secret(secret, "values.json") if secret else None
    loaded: dict[str, Any] | None = json.loads(text) if text else None
    return loaded


def _build_part(part: PartProgress, usage: dict[str, int], *, answers: bool) -> Part:
    words = [f"{part.ready}/{part.wanted} ready"]
    if part.restarts:
        words.append(f"restarted {part.restarts} times")
    words += [str(trouble) for trouble in part.troubles[:1]]
    state = part.state
    if part.name == "hub" and state is PartState.RUNNING and not answers:
        state = PartState.STARTING
        words.append("does not answer yet")
    return Part(part.name, state, ", ".join(words), usage.get(part.name))


def _with_clusters(part: Part, cluster: Cluster, settings: Settings) -> Part:
    """The gateway's part with how much of Dask runs."""
    if part.name != "gateway":
        return part
    return replace(part, detail=f"{part.detail}, {count_clusters(cluster, settings)}")


def _versions(cluster: Cluster, history: Sequence[Revision], hub: str | None) -> dict[str, str]:
    found = {"lumihub": __version__}
    deployed = next((one for one in reversed(history) if one.status == "deployed"), None)
    if deployed:
        found["release"] = f"{deployed.app_version} (revision {deployed.number})"
    if hub:
        found["jupyterhub"] = hub
    found["kubernetes"] = cluster.version().removeprefix("v")
    return found


def _describe_data(cluster: Cluster, settings: Settings) -> str:
    try:
        values = load_values(cluster, settings.kubernetes.namespace)
    except LumiHubError:  # no right to read secrets: the rest is worth showing
        return ""
    return describe_data(values) if values else ""


def _describe_nightly(cluster: Cluster, settings: Settings) -> str:
    try:
        state = find_state(cluster, settings)
    except LumiHubError:  # no rights there: the rest is worth showing
        return ""
    return state.describe() if state else ""


def describe_data(values: Object) -> str:
    """What students read under these values, in one line."""
    if values.get("deployment", {}).get("simulated"):
        return "simulated sample, not ATLAS data (the origin did not answer when `up` ran last)"
    data = values["data"]
    cached = data["mode"] == "cache" and values.get("cache", {}).get("enabled", True)
    way = "through the cache from" if cached else "straight from"
    return f"ATLAS Open Data, release {data['release']}, {way} {data['origin']['url']}"
