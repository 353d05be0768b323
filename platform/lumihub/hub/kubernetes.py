"""The hub's configuration on a cluster: what the chart's values mean to JupyterHub and KubeSpawner. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lumihub.data.access import DataAccess
from lumihub.hub.configuration import HubConfiguration, build_server_environment
from lumihub.hub.providers import build_login, find_login
from lumihub.lab.lessons import BUILT_IN
from lumihub.lab.lessons import VARIABLE as LESSONS
from lumihub.settings.quantities import parse_memory

if TYPE_CHECKING:
    from lumihub.settings import Settings
    from lumihub.settings.models.singleuser import Singleuser

SECRETS = Path("/etc/lumihub/secrets")
DATABASE = "sqlite:////srv/lumihub/jupyterhub.sqlite"
HOME = "/home/student"
MANIFEST = Path("/etc/lumihub/manifest.json")
OWN_LESSONS = Path("/etc/lumihub/lessons")
# The student's account in the image `lab`.
STUDENT = 1000
# A node that pulls an image for the first time takes minutes to start the pod; the server in it then takes seconds.
_HTTP_SECONDS = 120
_Amount = TypeVar("_Amount", int, float)
_PURPOSE = "hub.jupyter.org/node-purpose"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the hub runs.

    Attributes:
        namespace: its own.
        secrets: folder of its secrets.
        client_secret: what a login provider gave, empty where there is none.
        database: address of the database; empty for the file on its volume.
    """

    namespace: str
    secrets: Path = SECRETS
    client_secret: str = ""
    database: str = ""


def build_configuration(settings: Settings, place: Place) -> HubConfiguration:
    """The hub as the settings want it, in this place."""
    gateway = f"http://gateway.{place.namespace}.svc:8000" if settings.gateway_enabled else ""
    return HubConfiguration.from_settings(
        settings,
        login=find_login(settings.auth),
        api_url=_build_own_api(settings),
        tool_token_file=place.secrets / "tool-token",
        proxy_token_file=place.secrets / "proxy-token",
        gateway_token_file=place.secrets / "gateway-token" if gateway else None,
        environment=_escape(_build_environment(settings, place, gateway)),
        # -P: a file random.py in a student's home must not take the place of Python's own.
        command=("python", "-P", "-m", "lumihub.lab"),
        classes={
            "JupyterHub": _build_hub(place),
            # Its password is in the environment.
            "ConfigurableHTTPProxy": {"should_start": False, "api_url": "http://proxy-api:8001"},
            "KubeSpawner": build_spawner(settings),
            "PodSpawner": _build_ending(place, gateway),
            **build_login(settings.auth, place.client_secret),
        },
    )


def _build_environment(settings: Settings, place: Place, gateway: str) -> dict[str, str]:
    lessons = {LESSONS: f"{BUILT_IN}:{OWN_LESSONS}"} if settings.deployment.lessons else {}
    demo = f"demo-scheduler.{place.namespace}-demo.svc" if settings.demo_enabled else ""
    return lessons | build_server_environment(settings, build_access(settings, place.namespace), gateway, demo)


def _build_own_api(settings: Settings) -> str:
    """By loopback: the way out of the pod and back by its Service is one that policies may close."""
    base = str(settings.hub.config.get("JupyterHub", {}).get("base_url", "")).strip("/")
    return f"http://127.0.0.1:8081{'/' if base else ''}{base}/hub/api"


def build_access(settings: Settings, namespace: str) -> DataAccess:
    """How students' pods get at the data."""
    if settings.deployment.simulated:
        return DataAccess()
    return DataAccess(
        release=settings.data.release,
        mode="cache" if settings.cache.enabled else "stream",
        origin=settings.data.origin.url,
        cache=name_caches(settings, namespace) if settings.cache.enabled else None,
        manifest=MANIFEST if settings.deployment.origin_manifest else None,
    )


def name_caches(settings: Settings, namespace: str) -> str:
    """The address by which pods of the cluster reach the cache, or several."""
    return "root://" + ",".join(f"{name}.{namespace}.svc:1094" for name in settings.cache_names)


def _build_ending(place: Place, gateway: str) -> dict[str, Any]:
    """Whom the spawner tells that a student has gone."""
    return {"gateway_url": gateway, "gateway_token_file": str(place.secrets / "gateway-token")} if gateway else {}


def _build_hub(place: Place) -> dict[str, Any]:
    return {
        "hub_bind_url": "http://:8081",
        # By its whole name: students' pods are in another namespace.
        "hub_connect_url": f"http://hub.{place.namespace}.svc:8081",
        "db_url": place.database or DATABASE,
        "cookie_secret_file": str(place.secrets / "cookie-secret"),
        "spawner_class": "lumihub.hub.spawner.PodSpawner",
        "proxy_class": "jupyterhub.proxy.ConfigurableHTTPProxy",
    }


def build_spawner(settings: Settings) -> dict[str, Any]:
    """KubeSpawner's options: a pod that Pod Security `restricted` takes, with the home as a volume of its own."""
    server = settings.singleuser
    release = settings.kubernetes.release
    options: dict[str, Any] = {
        "namespace": settings.kubernetes.users_namespace,
        "image": settings.deployment.images.lab,
        "image_pull_policy": settings.images.pull_policy,
        "image_pull_secrets": list(settings.images.pull_secrets),
        "common_labels": {
            "app.kubernetes.io/name": "lumihub",
            "app.kubernetes.io/instance": release,
            "app.kubernetes.io/managed-by": "kubespawner",
        },
        "extra_labels": _escape(server.extra_labels),
        # An autoscaler must not take a node from under a lesson.
        "extra_annotations": {
            "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
            **_escape(server.extra_annotations),
        },
        "cpu_guarantee": _at_most(server.cpu.guarantee, server.cpu.limit),
        "mem_guarantee": _build_memory_guarantee(settings),
        "start_timeout": server.start_timeout,
        "http_timeout": _HTTP_SECONDS,
        # A class that starts at once makes the cluster's API slow; a request given up early only comes again.
        "k8s_api_request_timeout": 10,
        "k8s_api_request_retry_timeout": 60,
        "priority_class_name": f"{release}-students" if settings.scheduling.pod_priority.enabled else None,
        "extra_pod_config": {"enableServiceLinks": False},
        **_build_security(),
        **_build_storage(settings),
        **_build_nodes(server, settings.scheduling.user_pods.node_affinity.match_node_purpose),
    }
    return {name: value for name, value in options.items() if value is not None}


def _build_security() -> dict[str, Any]:
    return {
        "uid": STUDENT,
        "gid": STUDENT,
        "automount_service_account_token": False,
        "pod_security_context": {
            "runAsNonRoot": True,
            "fsGroup": STUDENT,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "container_security_context": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }


def _build_storage(settings: Settings) -> dict[str, Any]:
    storage = settings.singleuser.storage
    volumes: list[dict[str, Any]] = [{"name": "home", "persistentVolumeClaim": {"claimName": "{pvc_name}"}}]
    mounts: list[dict[str, Any]] = [{"name": "home", "mountPath": HOME}]
    if settings.deployment.origin_manifest:
        volumes.append({"name": "origin-manifest", "configMap": {"name": "origin-manifest"}})
        mounts.append(
            {"name": "origin-manifest", "mountPath": str(MANIFEST), "subPath": MANIFEST.name, "readOnly": True}
        )
    if settings.deployment.lessons:
        volumes.append({"name": "lessons", "configMap": {"name": "lessons"}})
        mounts += [_build_lesson(path) for path in sorted(settings.deployment.lessons)]
    return {
        "storage_pvc_ensure": True,
        "pvc_name_template": "home-{username}",
        # Accounts go, homes stay; PodSpawner deletes one when it is asked to.
        "delete_pvc": False,
        "storage_capacity": f"{storage.capacity}i",
        "storage_class": storage.dynamic.storage_class,
        "storage_access_modes": ["ReadWriteOnce"],
        # Of KubeSpawner 6, which never ran here: each start would ask the cluster about it.
        "handle_legacy_names": False,
        "volumes": [*volumes, *storage.extra_volumes],
        "volume_mounts": [*mounts, *storage.extra_volume_mounts],
    }


def _build_lesson(path: str) -> dict[str, Any]:
    """One file of the institution's own lessons. A whole ConfigMap would be links, which are not delivered."""
    key = hashlib.sha256(path.encode()).hexdigest()[:16]  # as the chart names it: a path may hold what a key may not
    return {"name": "lessons", "mountPath": _escape_text(str(OWN_LESSONS / path)), "subPath": key, "readOnly": True}


def _build_nodes(server: Singleuser, purpose: str) -> dict[str, Any]:
    term = {"matchExpressions": [{"key": _PURPOSE, "operator": "In", "values": ["user"]}]}
    dedicated = {"key": "hub.jupyter.org/dedicated", "operator": "Equal", "value": "user", "effect": "NoSchedule"}
    nodes: dict[str, Any] = {
        "node_selector": dict(server.node_selector),
        "tolerations": [dedicated, *server.extra_tolerations],
    }
    if purpose == "prefer":
        nodes["node_affinity_preferred"] = [{"weight": 100, "preference": term}]
    if purpose == "require":
        nodes["node_affinity_required"] = [term]
    return nodes


def _build_memory_guarantee(settings: Settings) -> int | None:
    memory = settings.singleuser.memory
    guarantee, limit = (parse_memory(text) if text else None for text in (memory.guarantee, memory.limit))
    return _at_most(guarantee, limit)


def _at_most(amount: _Amount | None, limit: _Amount | None) -> _Amount | None:
    return min(amount, limit) if amount and limit else amount


def _escape(texts: dict[str, str]) -> dict[str, str]:
    return {name: _escape_text(text) for name, text in texts.items()}


def _escape_text(text: str) -> str:
    """KubeSpawner fills in what stands in braces, and ours are JSON's or a file's."""
    return text.replace("{", "{{").replace("}", "}}")
