"""What is done every night in the cluster, and how it went: a CronJob, and what its last pod said."""

from __future__ import annotations

import base64
import gzip
from typing import TYPE_CHECKING

from lumihub.data.cache import exported_path
from lumihub.data.nightly import NightlyOutcome, NightlyState, NightlyWork
from lumihub.hub.kubernetes import name_caches
from lumihub.kubernetes.objects import build_selector, find_condition, is_over, name_of, path_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lumihub.kubernetes.access import Cluster, Object
    from lumihub.settings import Settings

NIGHT = "data-nightly"
"""Name of the CronJob and of what it needs, and component of its Jobs and pods."""
TIME_ZONE = "UTC"
"""Of a cluster whose settings name none: where its control plane believes itself to be is nobody's to know here."""
_WORK = "work.json.gz"


def name_cache(settings: Settings) -> str:
    """What pods of the cluster call the origin's folder as the cache, or several, show it."""
    return f"{name_caches(settings, settings.kubernetes.namespace)}/{exported_path(settings.data.origin.url)}"


def find_state(cluster: Cluster, settings: Settings) -> NightlyState | None:
    """What the CronJob does, None where there is none."""
    packed = cluster.find(path_of("configmaps", settings.data_namespace, NIGHT))
    if packed is None:
        return None
    work = NightlyWork.model_validate_json(gzip.decompress(base64.b64decode(packed["binaryData"][_WORK])))
    jobs = sorted(_find_jobs(cluster, settings), key=lambda job: str(job["metadata"]["creationTimestamp"]))
    ended = [job for job in jobs if is_over(job)]
    last = _read_outcome(_find_pods(cluster, settings, ended[-1])) if ended else None
    failed = find_condition(ended[-1], "Failed") if ended and last is None else None
    trouble = f"{failed.get('message', '')} ({failed.get('reason', '')})".strip() if failed else ""
    return NightlyState.of(work, running=len(jobs) > len(ended), last=last, trouble=trouble)


def end_night(cluster: Cluster, settings: Settings) -> bool:
    """End what is under way now; the next night begins as ever. False where nothing was."""
    running = [job for job in _find_jobs(cluster, settings) if not is_over(job)]
    for job in running:
        cluster.delete(path_of("jobs", settings.data_namespace, name_of(job)))
    return bool(running)


def _find_jobs(cluster: Cluster, settings: Settings) -> list[Object]:
    return list(cluster.items(path_of("jobs", settings.data_namespace), labelSelector=_select(settings)))


def _find_pods(cluster: Cluster, settings: Settings, job: Object) -> Iterable[Object]:
    words = f"{_select(settings)},batch.kubernetes.io/job-name={name_of(job)}"
    return cluster.items(path_of("pods", settings.data_namespace), labelSelector=words)


def _read_outcome(pods: Iterable[Object]) -> NightlyOutcome | None:
    for pod in pods:
        for container in pod.get("status", {}).get("containerStatuses") or []:
            said = NightlyOutcome.find((container["state"].get("terminated") or {}).get("message", ""))
            if said is not None:
                return said
    return None


def _select(settings: Settings) -> str:
    own = {"app.kubernetes.io/instance": settings.kubernetes.release, "app.kubernetes.io/component": NIGHT}
    return build_selector(own)
