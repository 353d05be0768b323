"""How many students fit on the nodes as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lumihub.backend import Finding
from lumihub.kubernetes.objects import find_condition, labels_of, name_of, path_of
from lumihub.kubernetes.quantities import parse_quantity
from lumihub.kubernetes.waiting import PLACEHOLDERS
from lumihub.settings.quantities import format_bytes, parse_memory

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lumihub.kubernetes.access import Cluster, Object
    from lumihub.settings import Settings

CLASS_SIZE = 30
NO_NODE = "the cluster has no node, so no pod can run"
ADD_NODE = "add one (kubectl get nodes), then type: ./deploy.py doctor"


@dataclass(frozen=True, slots=True)
class Room:
    """What is free on a node: cores, bytes of memory, pods."""

    cpu: float
    memory: float
    pods: int

    def fits(self, cpu: float, memory: float) -> int:
        """How many servers with these requests find room."""
        limits = [self.pods]
        if cpu:
            limits.append(int(self.cpu / cpu + 1e-9))
        if memory:
            limits.append(int(self.memory / memory))
        return max(0, min(limits))


def examine_room(cluster: Cluster, settings: Settings) -> Finding:
    """How many students' servers the scheduler would place now."""
    return judge_room(cluster.items(path_of("nodes")), cluster.items(path_of("pods")), settings)


def judge_room(nodes: Sequence[Object], pods: Iterable[Object], settings: Settings) -> Finding:
    """What to say of what is free on the nodes."""
    if not nodes:
        return Finding("room", False, NO_NODE, ADD_NODE, stops_up=True)
    rooms = find_rooms(nodes, pods, settings)
    cpu, memory = find_requests(settings)
    students = sum(room.fits(cpu, memory) for room in rooms.values())
    asks = f"{format_bytes(memory)} and {cpu:g} cores are kept for each"
    detail = f"{students} more students fit on {len(rooms)} node{'' if len(rooms) == 1 else 's'}; {asks}"
    if not rooms:
        return Finding("room", False, "no node takes students' servers", _placing_fix(settings), stops_up=True)
    if students < CLASS_SIZE:
        return Finding(
            "room",
            False,
            detail,
            f"for a class of {CLASS_SIZE}, add nodes, or keep less for each: singleuser.memory.guarantee,"
            " singleuser.cpu.guarantee",
        )
    return Finding("room", True, detail)


def find_requests(settings: Settings) -> tuple[float, float]:
    """Cores and bytes that a student's server asks for, as the scheduler counts."""
    memory, cpu = settings.singleuser.memory, settings.singleuser.cpu
    # Kubernetes takes the limit for what is asked where nothing else is said.
    wanted = memory.guarantee or memory.limit
    return cpu.guarantee or cpu.limit or 0.0, float(parse_memory(wanted)) if wanted else 0.0


def find_rooms(nodes: Iterable[Object], pods: Iterable[Object], settings: Settings) -> dict[str, Room]:
    """What is free on each node that takes students' servers, placeholders apart, which give way to them."""
    placeholder = {
        "app.kubernetes.io/instance": settings.kubernetes.release,
        "app.kubernetes.io/component": PLACEHOLDERS,
    }
    taken: dict[str, list[Object]] = {}
    for pod in pods:
        ended = pod.get("status", {}).get("phase") in ("Succeeded", "Failed")
        if not ended and not placeholder.items() <= labels_of(pod).items():
            taken.setdefault(pod["spec"].get("nodeName", ""), []).append(pod)
    own = settings.singleuser
    rooms = {}
    for node in nodes:
        if not takes_students(node, own.node_selector, own.extra_tolerations):
            continue
        offered = node["status"]["allocatable"]
        there = taken.get(name_of(node), [])
        cpu, memory = (sum(_requests(pod, kind) for pod in there) for kind in ("cpu", "memory"))
        rooms[name_of(node)] = Room(
            parse_quantity(offered["cpu"]) - cpu,
            parse_quantity(offered["memory"]) - memory,
            int(parse_quantity(offered["pods"])) - len(there),
        )
    return rooms


def takes_students(node: Object, selector: dict[str, str], tolerations: Iterable[Object]) -> bool:
    """Whether the scheduler may place students' servers there."""
    ready = find_condition(node, "Ready")
    labels = node["metadata"].get("labels") or {}
    if not ready or ready["status"] != "True" or node["spec"].get("unschedulable"):
        return False
    if not selector.items() <= labels.items():
        return False
    taints = [one for one in node["spec"].get("taints") or [] if one["effect"] in ("NoSchedule", "NoExecute")]
    return all(any(_tolerates(toleration, taint) for toleration in tolerations) for taint in taints)


def _tolerates(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") not in (None, "", taint["effect"]):
        return False
    if toleration.get("operator") == "Exists":
        return toleration.get("key") in (None, "", taint["key"])
    return bool(toleration.get("key") == taint["key"] and toleration.get("value", "") == taint.get("value", ""))


def _requests(pod: Object, kind: str) -> float:
    def total(containers: list[Object]) -> list[float]:
        return [parse_quantity((one.get("resources", {}).get("requests") or {}).get(kind, 0)) for one in containers]

    running = sum(total(pod["spec"]["containers"]))
    return max([running, *total(pod["spec"].get("initContainers") or [])])


def _placing_fix(settings: Settings) -> str:
    if settings.singleuser.node_selector or settings.singleuser.extra_tolerations:
        return "mend singleuser.nodeSelector and singleuser.extraTolerations, or label nodes so that they fit"
    return "make a node ready and schedulable (kubectl get nodes)"
