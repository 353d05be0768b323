"""Settings of how pods come to nodes, and images before them."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from lumihub.settings.kinds import Section, build_broken_rule


class UserPlaceholder(Section):
    """Pods that keep room for students and give way when they come, so that an autoscaler adds nodes in time."""

    enabled: bool = Field(True, description="Whether there may be any.")
    replicas: int = Field(
        0, ge=0, description="For how many students room is kept. 0, the default, keeps none; it takes `podPriority`."
    )


class PodPriority(Section):
    """Students go before placeholders. It makes two PriorityClasses, which belong to the whole cluster."""

    enabled: bool = Field(
        False, description="Whether to make them. Off by default, because it takes rights on the whole cluster."
    )


class NodeAffinity(Section):
    """Nodes that carry the label hub.jupyter.org/node-purpose, as zero-to-jupyterhub knows it."""

    match_node_purpose: Literal["ignore", "prefer", "require"] = Field(
        "prefer",
        description="Whether pods go to nodes labelled for them (core or user): `prefer`: if there are any, `require`:"
        " nowhere else, `ignore`: the label means nothing.",
    )


class CorePods(Section):
    """Where hub, proxy and cache run."""

    node_affinity: NodeAffinity = Field(default_factory=NodeAffinity)


class UserPods(Section):
    """Where students' servers run."""

    node_affinity: NodeAffinity = Field(default_factory=NodeAffinity)


class Scheduling(Section):
    """How pods come to nodes. On Kubernetes alone."""

    user_placeholder: UserPlaceholder = Field(default_factory=UserPlaceholder)
    pod_priority: PodPriority = Field(default_factory=PodPriority)
    core_pods: CorePods = Field(default_factory=CorePods)
    user_pods: UserPods = Field(default_factory=UserPods)

    @model_validator(mode="after")
    def _placeholders_give_way(self) -> Self:
        if self.user_placeholder.enabled and self.user_placeholder.replicas and not self.pod_priority.enabled:
            raise build_broken_rule(
                "is above 0 without priorities, so that placeholders would keep students out",
                key="userPlaceholder.replicas",
                fix="set scheduling.podPriority.enabled to true, or scheduling.userPlaceholder.replicas to 0",
                involved=("podPriority.enabled", "userPlaceholder.enabled"),
            )
        return self


class ContinuousPuller(Section):
    """Keeps the students' image on every node, new ones included."""

    enabled: bool = Field(
        True, description="Whether it runs: one sleeping pod a node. Without it the first student of a node waits."
    )


class HookPuller(Section):
    """Pulls every image before an upgrade changes anything."""

    enabled: bool = Field(
        True,
        description="Whether it runs. An image that can't be pulled then ends the upgrade before anybody notices.",
    )


class PrePuller(Section):
    """Brings images to nodes before students ask for them. On Kubernetes alone."""

    continuous: ContinuousPuller = Field(default_factory=ContinuousPuller)
    hook: HookPuller = Field(default_factory=HookPuller)
