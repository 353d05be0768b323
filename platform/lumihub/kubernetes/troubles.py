"""Why a pod does not come up, in words, and what to do about it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lumihub.kubernetes.objects import find_condition, is_ready, name_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lumihub.kubernetes.access import Object

# A registry may hiccup once, a program may fall over while what it needs comes up.
_HOPELESS_RESTARTS = 2


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a pod does not come up.

    Attributes:
        pod: its name, or that of the part whose pod can't be made.
        reason: Kubernetes' own word, as in ImagePullBackOff.
        words: one sentence for people.
        fix: what to change or type.
        hopeless: waiting won't help.
        log: the last lines that the pod wrote.
    """

    pod: str
    reason: str
    words: str
    fix: str
    hopeless: bool = False
    log: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.pod}: {self.reason}: {self.words}"


def explain_pod(pod: Object, events: Iterable[Object]) -> Trouble | None:
    """Why a pod does not come up, or None where it does or still may."""
    if "deletionTimestamp" in pod["metadata"] or is_ready(pod):
        return None
    name = name_of(pod)
    scheduled = find_condition(pod, "PodScheduled")
    if scheduled and scheduled.get("reason") == "Unschedulable":
        return Trouble(name, "Unschedulable", _clean(scheduled.get("message", "")), _scheduling_fix(scheduled))
    status = pod.get("status", {})
    for container in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        trouble = _explain_container(name, container)
        if trouble:
            return trouble
    if status.get("phase") == "Failed":
        return Trouble(
            name, status.get("reason", "Failed"), _clean(status.get("message", "it failed")), "./deploy.py doctor", True
        )
    return _explain_events(pod, events)


def _explain_container(pod: str, container: Object) -> Trouble | None:
    waiting = container.get("state", {}).get("waiting") or {}
    reason, message = waiting.get("reason", ""), _clean(waiting.get("message", ""))
    image = container["image"]
    if reason in ("ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull"):
        detail = f": {_shorten(message)}" if _shorten(message) else ""
        return Trouble(
            pod,
            reason,
            f"the image {image} can't be had{detail}",
            "./deploy.py images list shows what is where; ./deploy.py images push (or load) brings it there",
            hopeless=reason != "ErrImagePull",
        )
    if reason in ("CreateContainerConfigError", "CreateContainerError", "RunContainerError"):
        return Trouble(pod, reason, message, f"kubectl describe pod {pod}", hopeless=True)
    last = (container.get("lastState") or {}).get("terminated") or (container.get("state") or {}).get("terminated")
    restarts = int(container.get("restartCount", 0))
    if reason == "CrashLoopBackOff" or (last and restarts > 0 and not container.get("ready")):
        ended = last or {}
        if ended.get("reason") == "OOMKilled":
            words = f"{container['name']} took more memory than its limit, {_times(restarts)}"
            return Trouble(
                pod, "OOMKilled", words, "give it more memory in the values file", restarts >= _HOPELESS_RESTARTS
            )
        words = f"{container['name']} ended with exit code {ended.get('exitCode', '?')}, {_times(restarts)}"
        return Trouble(
            pod,
            "CrashLoopBackOff",
            words,
            "mend what its last lines complain about, and type the same command again",
            restarts >= _HOPELESS_RESTARTS,
        )
    return None


def _shorten(message: str) -> str:
    """The cause at the end of what containerd says about an image; empty where it says only that it waits."""
    cause = message.rpartition("ErrImagePull: ")[2]
    return "" if cause.startswith("Back-off") else cause.rpartition('": ')[2]


def _explain_events(pod: Object, events: Iterable[Object]) -> Trouble | None:
    """What only events tell: volumes that don't come, networks that aren't there, probes that fail."""
    uid = pod["metadata"]["uid"]
    own = [one for one in events if one.get("involvedObject", {}).get("uid") == uid and one.get("type") == "Warning"]
    for event in sorted(own, key=_event_time, reverse=True):
        reason, message = event.get("reason", ""), _clean(event.get("message", ""))
        if reason in ("FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox"):
            return Trouble(name_of(pod), reason, message, f"kubectl describe pod {name_of(pod)}")
        if reason == "Unhealthy":
            return Trouble(
                name_of(pod),
                "NotReady",
                message,
                "mend what its last lines complain about, and type the same command again",
            )
    return None


def explain_creation(found: Object, owners: set[str], events: Iterable[Object]) -> Trouble | None:
    """Why the pods of a part can't even be made: a quota, Pod Security, a missing account."""
    own = [
        one
        for one in events
        if one.get("involvedObject", {}).get("name") in owners and one.get("reason") == "FailedCreate"
    ]
    if not own:
        return None
    message = _clean(max(own, key=_event_time).get("message", ""))
    fix = "ask whoever runs the cluster to raise the quota" if "quota" in message else "./deploy.py doctor"
    return Trouble(name_of(found), "FailedCreate", message, fix, hopeless="quota" not in message)


def _scheduling_fix(condition: dict[str, str]) -> str:
    message = condition.get("message", "")
    if re.search(r"unbound immediate PersistentVolumeClaims|storageclass", message, re.IGNORECASE):
        return "name a StorageClass that makes volumes in the values file; ./deploy.py doctor tries the default one"
    if re.search(r"Insufficient (memory|cpu)|Too many pods", message):
        return "add a node, end servers that nobody needs, or lower the requests in the values file"
    if re.search(r"node affinity|node selector|untolerated taint", message):
        return "mend nodeSelector and tolerations in the values file"
    return "./deploy.py doctor"


def _times(restarts: int) -> str:
    return f"restarted {restarts} time{'' if restarts == 1 else 's'}"


def _event_time(event: Object) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")


def _clean(text: str) -> str:
    return " ".join(text.split())[:500]
