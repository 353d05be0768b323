"""What comes up and what does not, in words: parts with their pods, and why a pod does not start."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lumihub.backend import PartState
from lumihub.errors import LumiHubError
from lumihub.kubernetes.objects import (
    build_selector,
    find_condition,
    is_ready,
    labels_of,
    name_of,
    path_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lumihub.kubernetes.access import Cluster, Object

_COMPONENT = "app.kubernetes.io/component"
_KINDS = ("deployments", "statefulsets", "daemonsets")
_LOG_LINES = 12
# A registry may hiccup once, a program may fall over while what it needs comes up.
_HOPELESS_RESTARTS = 3


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


@dataclass(frozen=True, slots=True)
class PartProgress:
    """One part while it comes up.

    Attributes:
        name: hub, proxy, cache...
        wanted: how many pods there should be.
        ready: how many of them are ready and as the newest version wants them.
        restarts: of their containers.
        troubles: what keeps pods from starting.
        images: that they run.
    """

    name: str
    wanted: int
    ready: int
    restarts: int = 0
    troubles: tuple[Trouble, ...] = ()
    images: tuple[str, ...] = ()

    @property
    def state(self) -> PartState:
        """As `status` shows it."""
        if self.wanted == 0:
            return PartState.OFF
        if self.ready >= self.wanted:
            return PartState.RUNNING
        return PartState.FAILED if any(one.hopeless for one in self.troubles) else PartState.STARTING

    def __str__(self) -> str:
        return f"{self.name} {self.ready}/{self.wanted}"


@dataclass
class Watch:
    """Looks at the parts of a release.

    Attributes:
        cluster: where they are.
        namespace: of the release.
        release: its name.
        known: pods that were there before; their troubles are not ours.
        seen: the last troubles of each pod, also of pods that are gone by now.
    """

    cluster: Cluster
    namespace: str
    release: str
    known: frozenset[str] = frozenset()
    seen: dict[str, Trouble] = field(default_factory=dict)

    def ignore_present(self) -> None:
        """Take the pods that are there now for those of the old version."""
        self.known = frozenset(str(pod["metadata"]["uid"]) for pod in self._pods())

    def look(self) -> list[PartProgress]:
        """All parts, by name."""
        pods = self._pods()
        events = self.cluster.items(path_of("events", self.namespace))
        parts = [
            self._build(kind, found, pods, events)
            for kind in _KINDS
            for found in self.cluster.items(path_of(kind, self.namespace), labelSelector=self._selector())
        ]
        return sorted([*parts, *self._find_single(pods, parts, events)], key=lambda part: part.name)

    def worst(self) -> Trouble | None:
        """The trouble to name when all is over: one that was hopeless first."""
        return next(iter(sorted(self.seen.values(), key=lambda one: not one.hopeless)), None)

    def _find_single(
        self, pods: Sequence[Object], parts: Sequence[PartProgress], events: Sequence[Object]
    ) -> list[PartProgress]:
        """Pods that belong to no lasting part: what helm runs before an upgrade."""
        lasting = {part.name for part in parts}
        single = []
        for pod in pods:
            name = labels_of(pod).get(_COMPONENT, name_of(pod))
            if name in lasting or pod["metadata"]["uid"] in self.known:
                continue
            trouble = explain_pod(pod, events)
            if trouble:
                self.seen[trouble.pod] = trouble
            done = pod.get("status", {}).get("phase") == "Succeeded"
            single.append(PartProgress(name, 1, int(done), troubles=(trouble,) if trouble else ()))
        return single

    def _build(self, kind: str, found: Object, pods: Sequence[Object], events: Sequence[Object]) -> PartProgress:
        selector = found["spec"]["selector"]["matchLabels"]
        own = [pod for pod in pods if selector.items() <= labels_of(pod).items()]
        troubles = []
        for pod in own:
            trouble = explain_pod(pod, events)
            if trouble and pod["metadata"]["uid"] not in self.known:
                trouble = self._with_log(pod, trouble)
                self.seen[trouble.pod] = trouble
                troubles.append(trouble)
            elif is_ready(pod):
                self.seen.pop(name_of(pod), None)
        refused = explain_creation(found, self._owners(kind, found), events)
        if refused and len(own) < count_wanted(kind, found):
            self.seen[refused.pod] = refused
            troubles.append(refused)
        elif not refused:
            self.seen.pop(name_of(found), None)
        return PartProgress(
            name=labels_of(found).get(_COMPONENT, name_of(found)),
            wanted=count_wanted(kind, found),
            ready=count_ready(kind, found),
            restarts=sum(_restarts(pod) for pod in own),
            troubles=tuple(troubles),
            images=tuple(one["image"] for one in found["spec"]["template"]["spec"]["containers"]),
        )

    def _owners(self, kind: str, found: Object) -> set[str]:
        """What makes the pods of this part: itself, or the newest set of a Deployment."""
        if kind != "deployments":
            return {name_of(found)}
        sets = self.cluster.items(
            path_of("replicasets", self.namespace),
            labelSelector=build_selector(found["spec"]["selector"]["matchLabels"]),
        )
        newest = max(sets, key=lambda one: str(one["metadata"]["creationTimestamp"]), default=None)
        return {name_of(newest)} if newest else set()

    def _with_log(self, pod: Object, trouble: Trouble) -> Trouble:
        if trouble.reason not in ("CrashLoopBackOff", "Error", "OOMKilled", "NotReady"):
            return trouble
        container = pod["spec"]["containers"][0]["name"]
        for previous in ("true", "false"):
            with contextlib.suppress(LumiHubError):
                text = self.cluster.text(
                    path_of("pods", self.namespace, name_of(pod), "log"),
                    container=container,
                    tailLines=str(_LOG_LINES),
                    previous=previous,
                )
                if text.strip():
                    return Trouble(
                        trouble.pod,
                        trouble.reason,
                        trouble.words,
                        trouble.fix,
                        trouble.hopeless,
                        tuple(text.splitlines()),
                    )
        return trouble

    def _pods(self) -> list[Object]:
        return self.cluster.items(path_of("pods", self.namespace), labelSelector=self._selector())

    def _selector(self) -> str:
        return build_selector({"app.kubernetes.io/instance": self.release})


def count_wanted(kind: str, found: Object) -> int:
    """How many pods there should be."""
    if kind == "daemonsets":
        return int(found.get("status", {}).get("desiredNumberScheduled", 0))
    return int(found["spec"].get("replicas", 1))


def count_ready(kind: str, found: Object) -> int:
    """How many pods are ready and of the newest version."""
    status = found.get("status", {})
    if status.get("observedGeneration", 0) < found["metadata"].get("generation", 0):
        return 0
    if kind == "daemonsets":
        return min(int(status.get("updatedNumberScheduled", 0)), int(status.get("numberReady", 0)))
    if kind == "statefulsets" and status.get("updateRevision") != status.get("currentRevision"):
        return min(int(status.get("updatedReplicas", 0)), int(status.get("readyReplicas", 0)))
    if kind == "statefulsets":
        return int(status.get("readyReplicas", 0))
    # While old and new ones run beside each other, the old ones do not count.
    old = int(status.get("replicas", 0)) - int(status.get("updatedReplicas", 0))
    return max(0, min(int(status.get("updatedReplicas", 0)), int(status.get("readyReplicas", 0)) - old))


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
            name, status.get("reason", "Failed"), _clean(status.get("message", "it failed")), "lumihub doctor", True
        )
    return _explain_events(pod, events)


def _explain_container(pod: str, container: Object) -> Trouble | None:
    waiting = container.get("state", {}).get("waiting") or {}
    reason, message = waiting.get("reason", ""), _clean(waiting.get("message", ""))
    image = container["image"]
    if reason in ("ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull"):
        detail = f": {message}" if message and not message.startswith("Back-off") else ""
        return Trouble(
            pod,
            reason,
            f"the image {image} can't be had{detail}",
            "lumihub images list shows what is where; lumihub images push (or load) brings it there",
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
        return Trouble(pod, "CrashLoopBackOff", words, "see its last lines", restarts >= _HOPELESS_RESTARTS)
    return None


def _explain_events(pod: Object, events: Iterable[Object]) -> Trouble | None:
    """What only events tell: volumes that don't come, networks that aren't there, probes that fail."""
    uid = pod["metadata"]["uid"]
    own = [one for one in events if one.get("involvedObject", {}).get("uid") == uid and one.get("type") == "Warning"]
    for event in sorted(own, key=_event_time, reverse=True):
        reason, message = event.get("reason", ""), _clean(event.get("message", ""))
        if reason in ("FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox"):
            return Trouble(name_of(pod), reason, message, f"kubectl describe pod {name_of(pod)}")
        if reason == "Unhealthy":
            return Trouble(name_of(pod), "NotReady", message, "see its last lines")
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
    fix = "ask whoever runs the cluster to raise the quota" if "quota" in message else "lumihub doctor"
    return Trouble(name_of(found), "FailedCreate", message, fix, hopeless="quota" not in message)


def describe_parts(parts: Sequence[PartProgress]) -> str:
    """One line for the bar."""
    waiting = [part for part in parts if part.state not in (PartState.RUNNING, PartState.OFF)]
    if not waiting:
        return ", ".join(map(str, parts))
    troubles = [str(trouble) for part in waiting for trouble in part.troubles]
    return ", ".join(map(str, waiting)) + (f" ({troubles[0][:160]})" if troubles else "")


def _scheduling_fix(condition: dict[str, str]) -> str:
    message = condition.get("message", "")
    if re.search(r"unbound immediate PersistentVolumeClaims|storageclass", message, re.IGNORECASE):
        return "name a StorageClass that makes volumes in the values file; lumihub doctor tries the default one"
    if re.search(r"Insufficient (memory|cpu)|Too many pods", message):
        return "add a node, end servers that nobody needs, or lower the requests in the values file"
    if re.search(r"node affinity|node selector|untolerated taint", message):
        return "mend nodeSelector and tolerations in the values file"
    return "lumihub doctor"


def _restarts(pod: Object) -> int:
    return sum(int(one.get("restartCount", 0)) for one in pod.get("status", {}).get("containerStatuses") or [])


def _times(restarts: int) -> str:
    return f"restarted {restarts} time{'' if restarts == 1 else 's'}"


def _event_time(event: Object) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")


def _clean(text: str) -> str:
    return " ".join(text.split())[:500]
