"""Settings of the platform's own Dask: that which brings data, and that which a class is shown."""

from __future__ import annotations

from pydantic import Field

from lumihub.settings.kinds import Section
from lumihub.settings.models.objects import Resources


class DaskPlatform(Section):
    """The platform's own Dask, with which `./deploy.py data` warms, copies and verifies. On Kubernetes alone."""

    enabled: bool = Field(
        True,
        description="Whether there is one. It runs only while a data verb is at work, in a namespace of its own,"
        " `NAMESPACE-data`, and costs nothing else. It takes CustomResourceDefinitions, which belong to the whole"
        " cluster.",
    )
    workers: int = Field(
        1,
        ge=1,
        le=50,
        description="Worker pods. One fills the link of a school; more help where the link is faster than a core.",
    )
    streams: int = Field(
        4,
        ge=1,
        le=32,
        description="Files that each worker brings at once. A far origin answers slowly, so a few at once fill the"
        " link.",
    )
    worker: Resources = Field(
        default_factory=lambda: Resources(
            requests={"cpu": "100m", "memory": "192Mi"}, limits={"cpu": "1", "memory": "1Gi"}
        ),
        description="Processor and memory of a worker's pod.",
    )
    scheduler: Resources = Field(
        default_factory=lambda: Resources(
            requests={"cpu": "20m", "memory": "96Mi"}, limits={"cpu": "1", "memory": "512Mi"}
        ),
        description="Processor and memory of the scheduler's pod.",
    )
    operator: Resources = Field(
        default_factory=lambda: Resources(
            requests={"cpu": "20m", "memory": "96Mi"}, limits={"cpu": "1", "memory": "512Mi"}
        ),
        description="Processor and memory of each of the two containers that lead the work: Dask's operator, and the"
        " one that hands out the files.",
    )


class DaskDemo(Section):
    """A cluster for the demonstration before a class: one works with it, all may look. On Kubernetes alone."""

    enabled: bool = Field(
        True,
        description="Whether `./deploy.py demo start` may make one. It runs until the time that was said there, in a"
        " namespace of its own, `NAMESPACE-demo`, and costs nothing else. It takes `dask.platform.enabled` too.",
    )
    max_workers: int = Field(
        8, ge=1, le=50, description="Most worker pods. Those that don't fit on the nodes wait until there is room."
    )
    worker: Resources = Field(
        default_factory=lambda: Resources(
            requests={"cpu": "200m", "memory": "512Mi"}, limits={"cpu": "1", "memory": "1Gi"}
        ),
        description="Processor and memory of a worker's pod; it works on one task at a time.",
    )
    scheduler: Resources = Field(
        default_factory=lambda: Resources(
            requests={"cpu": "100m", "memory": "192Mi"}, limits={"cpu": "1", "memory": "1Gi"}
        ),
        description="Processor and memory of the scheduler's pod, which also serves the pages that the class looks at.",
    )
