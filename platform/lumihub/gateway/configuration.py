"""What the chart tells the gateway: one JSON file, without secrets."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

FILE = Path("/etc/lumihub/gateway.json")
TOKEN = Path("/etc/lumihub/secrets/gateway-token")


@dataclass(frozen=True, slots=True)
class Size:
    """What a pod may take, and what is kept for it.

    Attributes:
        memory: bytes, at most.
        memory_guarantee: bytes.
        cpu: cores, at most.
        cpu_guarantee: cores.
    """

    memory: int
    memory_guarantee: int
    cpu: float
    cpu_guarantee: float

    @classmethod
    def build(cls, memory: dict[str, int], cpu: dict[str, float]) -> Size:
        """From `{limit, guarantee}` of both; what is kept is never more than what may be taken."""
        return cls(
            memory["limit"],
            min(memory["guarantee"], memory["limit"]),
            cpu["limit"],
            min(cpu["guarantee"], cpu["limit"]),
        )


@dataclass(frozen=True, slots=True)
class Configuration:
    """The gateway as the chart wants it.

    Attributes:
        instance: marks the objects of this installation.
        hub_api: address of the hub's API.
        api_url: where schedulers find the gateway.
        cohorts: namespace by name of the cohort; the first is for who is in none.
        users_namespace: where students' servers are.
        image: of schedulers and workers, the students' own.
        pull_policy: of the image.
        pull_secrets: names of Secrets.
        clusters_per_student: most clusters of one student.
        cohort_clusters: most clusters of one cohort.
        cohort_workers: most workers of one cohort.
        max_workers: most workers of one cluster.
        idle_timeout: seconds.
        max_age: seconds.
        worker: size of a worker's pod.
        scheduler: size of a scheduler's pod.
        placement: the part of a pod's spec that says on which nodes it may run.
        isolated: whether NetworkPolicies are made.
    """

    instance: str
    hub_api: str
    api_url: str
    cohorts: dict[str, str]
    users_namespace: str
    image: str
    pull_policy: str
    pull_secrets: tuple[str, ...]
    clusters_per_student: int
    cohort_clusters: int
    cohort_workers: int
    max_workers: int
    idle_timeout: int
    max_age: int
    worker: Size
    scheduler: Size
    placement: dict[str, Any]
    isolated: bool

    def find_cohort(self, groups: Iterable[str]) -> str:
        """The cohort of a student who is in these groups of the hub."""
        own = set(groups)
        default = next(iter(self.cohorts))
        return next((name for name in self.cohorts if name in own), default)


def load_configuration(file: Path = FILE) -> Configuration:
    """What the chart wrote."""
    values: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return Configuration(
        instance=values["instance"],
        hub_api=values["hubApi"],
        api_url=values["apiUrl"],
        cohorts={cohort["name"]: cohort["namespace"] for cohort in values["cohorts"]},
        users_namespace=values["usersNamespace"],
        image=values["image"],
        pull_policy=values["pullPolicy"],
        pull_secrets=tuple(values["pullSecrets"]),
        clusters_per_student=values["clustersPerStudent"],
        cohort_clusters=values["cohort"]["clusters"],
        cohort_workers=values["cohort"]["workers"],
        max_workers=values["maxWorkers"],
        idle_timeout=values["idleTimeout"],
        max_age=values["maxAge"],
        worker=Size.build(**values["worker"]),
        scheduler=Size.build(**values["scheduler"]),
        placement=values["placement"],
        isolated=values["networkPolicy"],
    )
