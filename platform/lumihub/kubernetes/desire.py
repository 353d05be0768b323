"""What the release should be: the settings, with what only the cluster can tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lumihub.analysis.selection import plan_nightly
from lumihub.chart import build_values, load_certificate, load_lessons
from lumihub.data.manifest import load_manifest
from lumihub.errors import LumiHubError
from lumihub.kubernetes.doctor.examination import find_needed_references
from lumihub.kubernetes.images import find_references
from lumihub.kubernetes.nightly import TIME_ZONE, name_cache
from lumihub.kubernetes.preflight import find_api_ports, find_public_networks, try_pods
from lumihub.kubernetes.reporting import load_values

if TYPE_CHECKING:
    from lumihub.data.origins import OriginState
    from lumihub.kubernetes.access import Cluster
    from lumihub.progress import Progress
    from lumihub.settings import Settings


@dataclass(frozen=True, slots=True)
class Desire:
    """The values that Helm is given.

    Attributes:
        values: for `-f -`; may hold secrets.
        notes: what the admin should know, one sentence each.
    """

    values: dict[str, Any]
    notes: tuple[str, ...]


def find_desire(cluster: Cluster, settings: Settings, progress: Progress, *, trying: bool) -> Desire:
    """Find out what the release should be.

    Args:
        cluster: where.
        settings: the values file.
        progress: hears of it.
        trying: ask the origin and look for the images with pods, in a namespace that is gone afterwards; without it
            the data stay what they are.

    Raises:
        LumiHubError: nodes can't get an image, or the origin does not answer and `data.offline` is fail.
    """
    running = load_values(cluster, settings.kubernetes.namespace)
    simulated, notes = is_simulated(running), []
    if trying:
        origin = try_pods(cluster, settings, find_needed_references(settings), progress)
        simulated = False
        if origin is not None and not origin.reachable:
            simulated, note = choose_data(settings, origin, running)
            notes.append(note)
    manifest = settings.data.origin.manifest
    text = load_manifest(manifest).model_dump_json() if manifest else ""
    nightly = plan_nightly(settings, name_cache(settings), streams=settings.dask.platform.streams, time_zone=TIME_ZONE)
    values = build_values(
        settings,
        find_references(settings),
        origin_manifest=text,
        simulated=simulated,
        certificate=load_certificate(settings),
        lessons=load_lessons(settings),
        nightly=nightly.pack() if nightly else b"",
        api_ports=find_api_ports(cluster),
        protected_networks=find_public_networks(cluster),
    )
    return Desire(values, tuple(notes))


def choose_data(settings: Settings, origin: OriginState, running: dict[str, Any] | None) -> tuple[bool, str]:
    """Whether students read the simulated sample, and what the admin is told.

    Args:
        settings: the values file.
        origin: it did not answer; why.
        running: the values of the release that runs, None where there is none.

    Raises:
        LumiHubError: `data.offline` is fail.
    """
    if settings.data.offline == "fail":
        raise LumiHubError(
            f"data.origin.url: {origin.detail} (asked from a pod)",
            fix="check the cluster's way out, or set data.offline to simulated: students then read the built-in sample",
        )
    why = f"the origin does not answer from a pod ({origin.detail})"
    cached = settings.cache.enabled and settings.data.mode == "cache"
    if cached and running is not None and not is_simulated(running):
        return False, f"{why}; what the cache holds can still be read"
    return True, f"{why}: students read the built-in simulated sample, not ATLAS data; `up` looks again"


def is_simulated(running: dict[str, Any] | None) -> bool:
    """Whether students of the release that runs read the simulated sample."""
    return bool((running or {}).get("deployment", {}).get("simulated"))
