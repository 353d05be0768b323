"""All of the doctor's trials, those with pods side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lumihub.backend import Finding
from lumihub.errors import LumiHubError
from lumihub.kubernetes.access import connect
from lumihub.kubernetes.doctor.account import examine_clock, examine_rights, examine_version
from lumihub.kubernetes.doctor.guards import examine_entrance, examine_pod_security, examine_processes
from lumihub.kubernetes.doctor.images import examine_images, start_images
from lumihub.kubernetes.doctor.network import examine_network, start_listeners
from lumihub.kubernetes.doctor.room import examine_room
from lumihub.kubernetes.doctor.storage import check_classes, examine_volumes, start_volumes
from lumihub.kubernetes.helm import find_helm
from lumihub.kubernetes.images import find_references
from lumihub.kubernetes.trials import open_trial

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lumihub.kubernetes.access import Cluster
    from lumihub.kubernetes.trials import Trial
    from lumihub.progress import Progress
    from lumihub.settings import Settings

# Holds Python and what reads the data: everything but the images themselves is tried with it.
_TOOL_IMAGE = "lab"


def examine(settings: Settings, progress: Progress) -> tuple[Finding, ...]:
    """Try everything; what is not well comes with its remedy. What was made for it is gone afterwards."""
    findings = [_try("helm", _examine_helm)]
    cluster = connect(str(settings.kubernetes.context))
    with progress.task("Asking the cluster"):
        reached = _try("kubernetes", lambda: examine_version(cluster), stops_up=True)
        findings.append(reached)
        if not reached.ok:
            return tuple(findings)
        findings += [
            _try("clock", lambda: examine_clock(cluster)),
            _try("rights", lambda: examine_rights(cluster, settings), stops_up=True),
            _try("entrance", lambda: examine_entrance(cluster, settings)),
            _try("room", lambda: examine_room(cluster, settings)),
            _try("processes", lambda: examine_processes(cluster)),
        ]
    with progress.task("Trying things with pods of a namespace that is removed afterwards"):
        findings += _examine_with_pods(cluster, settings)
    return tuple(findings)


def find_needed_references(settings: Settings) -> dict[str, str]:
    """The images of the parts that are switched on."""
    references = find_references(settings)
    needed = {"lab"} | ({"hub", "proxy"} if settings.hub.enabled else set())
    if settings.cache.enabled and settings.data.mode == "cache":
        needed.add("cache")
    if settings.gateway_enabled:
        needed.add("gateway")
    if settings.platform_enabled:
        needed.add("data")
    return {name: reference for name, reference in references.items() if name in needed}


def _examine_with_pods(cluster: Cluster, settings: Settings) -> list[Finding]:
    references = find_needed_references(settings)
    copied = {settings.kubernetes.namespace: settings.images.pull_secrets}
    try:
        with open_trial(cluster, copied=copied, pull_policy=settings.images.pull_policy) as trial:
            return _run_trials(trial, references, settings)
    except LumiHubError as error:
        return [Finding("pods", False, error.faults[0].what, error.faults[0].fix, stops_up=True)]


def _run_trials(trial: Trial, references: Mapping[str, str], settings: Settings) -> list[Finding]:
    image = references[_TOOL_IMAGE]
    start_images(trial, references)
    classes = check_classes(trial.cluster, settings)
    if classes.ok:
        start_volumes(trial, settings, image)
    start_listeners(trial, image)
    found = examine_images(trial, references, settings)
    findings = [*found.values(), _try("pod security", lambda: examine_pod_security(trial, image))]
    if not found[_TOOL_IMAGE].ok:
        why = f"not tried: that takes the image {_TOOL_IMAGE}"
        untried = Finding("storage", False, why, found[_TOOL_IMAGE].fix) if classes.ok else classes
        return [*findings, untried, Finding("network", False, why, found[_TOOL_IMAGE].fix)]
    volumes = examine_volumes(trial, settings) if classes.ok else [classes]
    return [*findings, *volumes, *examine_network(trial, image, settings)]


def _examine_helm() -> Finding:
    helm = find_helm()
    return Finding("helm", True, f"{helm.version} ({helm.program})")


def _try(name: str, look: Callable[[], Finding], *, stops_up: bool = False) -> Finding:
    try:
        return look()
    except LumiHubError as error:
        fault = error.faults[0]
        return Finding(name, False, fault.what, fault.fix, stops_up=stops_up or name == "helm")
