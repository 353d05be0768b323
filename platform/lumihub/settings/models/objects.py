"""What several parts have in common on a cluster."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lumihub.settings.kinds import Section, Words

Quantities = Annotated[
    dict[str, str | int | float], Words("a group with cpu and memory, as in {cpu: 500m, memory: 512Mi}")
]


class Resources(Section):
    """What a part asks for and may take at most, in Kubernetes' quantities."""

    requests: Quantities = Field(
        default_factory=dict, description="What is kept for it on a node; the sum of all parts is what idling costs."
    )
    limits: Quantities = Field(
        default_factory=dict,
        description="Most that it may take. None by default: a hub that is cut off stops the whole class.",
    )


class DisruptionBudget(Section):
    """Whether a node that is drained waits for this part. On Kubernetes alone."""

    enabled: bool = Field(
        True,
        description="Whether the part's only pod may not be evicted, so that no autoscaler interrupts a lesson. To"
        " drain its node, delete the pod when no class is on.",
    )
