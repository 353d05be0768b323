"""Settings of Dask: in a student's server, and in worker pods of the cluster."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lumihub.settings.kinds import Seconds, Section, ServerMemory, Words
from lumihub.settings.models.objects import Resources
from lumihub.settings.models.platform import DaskDemo, DaskPlatform

Cohort = Annotated[
    str,
    Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?$"),
    Words("at most 30 small letters, digits and '-'"),
]


class PodMemory(Section):
    """Memory of one pod."""

    limit: ServerMemory = Field(
        "1G", description="Most memory that the pod may take. Beyond it what runs in it is ended, and nothing else."
    )
    guarantee: ServerMemory = Field(
        "512M",
        description="Memory that is kept for the pod on its node, so that it says how many fit; never more than"
        " `limit`.",
    )


class PodCpu(Section):
    """Processor time of one pod."""

    limit: float = Field(1.0, gt=0, description="Most processor cores that the pod may use at once.")
    guarantee: float = Field(
        0.2,
        gt=0,
        description="Processor cores that are kept for the pod on its node; never more than `limit`. The default lets"
        " several share a core, since few compute at the same moment.",
    )


class DaskWorker(Section):
    """A worker's pod: one process that works on one task at a time."""

    memory: PodMemory = Field(default_factory=PodMemory)
    cpu: PodCpu = Field(default_factory=PodCpu)


class DaskScheduler(Section):
    """A scheduler's pod: each cluster has one, which hands out the tasks."""

    memory: PodMemory = Field(default_factory=lambda: PodMemory(guarantee="256M"))
    cpu: PodCpu = Field(default_factory=lambda: PodCpu(guarantee=0.1))


class CohortLimits(Section):
    """What the students of one cohort may have together; the cluster's ResourceQuota holds them to it."""

    clusters: int = Field(30, ge=1, description="Most Dask clusters at once, which is most students with one.")
    workers: int = Field(
        60,
        ge=1,
        description="Most worker pods at once. The default gives each of 30 students two; what doesn't fit on the nodes"
        " waits, or students go on in their own server.",
    )


class DaskGateway(Section):
    """Dask clusters of students across worker pods. On Kubernetes alone."""

    enabled: bool = Field(
        True,
        description="Whether students may have any, by `client(workers=...)`. It takes a CustomResourceDefinition,"
        " which belongs to the whole cluster. Without it Dask runs in students' servers alone.",
    )
    cohorts: Annotated[tuple[Cohort, ...], Words("a list of names, as in [default, class-9b]")] = Field(
        ("default",),
        min_length=1,
        description="Each has a namespace of its own for its students' clusters, `NAMESPACE-dask-COHORT`. A student"
        " belongs to the cohort whose name one of the student's groups in the hub has, else to the first.",
    )
    clusters_per_student: int = Field(
        1, ge=1, description="Most clusters of one student. One is enough: a student's notebooks share it."
    )
    cohort: CohortLimits = Field(default_factory=CohortLimits)
    worker: DaskWorker = Field(default_factory=DaskWorker)
    scheduler: DaskScheduler = Field(default_factory=DaskScheduler)
    idle_timeout: Seconds = Field(
        900, ge=30, description="Seconds without work after which a cluster is ended. The default outlasts a question."
    )
    max_age: Seconds = Field(
        28800,
        ge=60,
        description="Seconds after which even a busy cluster is ended. The default, eight hours, is a day of school.",
    )
    resources: Resources = Field(
        default_factory=lambda: Resources(requests={"cpu": "20m", "memory": "80Mi"}),
        description="Processor and memory of each of the gateway's two pods.",
    )


class Dask(Section):
    """Dask, which works on many files at once."""

    enabled: bool = Field(
        True,
        description="Whether lessons may start Dask workers. false runs everything in one process: slower, less"
        " memory.",
    )
    max_workers: int = Field(
        4,
        ge=1,
        description="Most workers of one student. In the student's server each takes a core of `singleuser.cpu.limit`"
        " and about 500M of `singleuser.memory.limit`; where they don't fit, fewer start. On Kubernetes also the most"
        " worker pods of one cluster.",
    )
    gateway: DaskGateway = Field(default_factory=DaskGateway)
    platform: DaskPlatform = Field(default_factory=DaskPlatform)
    demo: DaskDemo = Field(default_factory=DaskDemo)
