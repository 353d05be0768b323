"""Parts of a release while they come up: how many of their pods are ready, and what keeps the others."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lumihub.backend import PartState
from lumihub.errors import LumiHubError
from lumihub.kubernetes.objects import (
    build_selector,
    is_ready,
    labels_of,
    name_of,
    path_of,
)
from lumihub.kubernetes.troubles import Trouble, explain_creation, explain_pod

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lumihub.kubernetes.access import Cluster, Object

_COMPONENT = "app.kubernetes.io/component"
_KINDS = ("deployments", "statefulsets", "daemonsets")
_LOG_LINES = 12
# Some of them wait for room by design, until an autoscaler adds a node or a student goes.
PLACEHOLDERS = "user-placeholder"


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
        if any(one.hopeless for one in self.troubles):
            return PartState.FAILED
        return PartState.RUNNING if self.name == PLACEHOLDERS else PartState.STARTING

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


def describe_parts(parts: Sequence[PartProgress]) -> str:
    """One line for the bar."""
    waiting = [part for part in parts if part.state not in (PartState.RUNNING, PartState.OFF)]
    if not waiting:
        return ", ".join(map(str, parts))
    troubles = [str(trouble) for part in waiting for trouble in part.troubles]
    return ", ".join(map(str, waiting)) + (f" ({troubles[0][:160]})" if troubles else "")


def _restarts(pod: Object) -> int:
    return sum(int(one.get("restartCount", 0)) for one in pod.get("status", {}).get("containerStatuses") or [])
