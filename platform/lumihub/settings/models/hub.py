"""Settings of JupyterHub itself."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from lumihub.settings.kinds import (
    Annotations,
    Environment,
    Labels,
    Memory,
    NodeSelector,
    ObjectName,
    PolicyRules,
    Secret,
    Section,
    StorageClass,
    Tolerations,
    VolumeMounts,
    Volumes,
    Words,
    build_broken_rule,
)
from lumihub.settings.models.objects import DisruptionBudget, Resources


class DatabaseVolume(Section):
    """The volume of the SQLite database. On Kubernetes alone."""

    storage: Memory = Field("1G", description="Size of the volume. The default holds thousands of accounts.")
    storage_class_name: StorageClass | None = Field(
        None, description="StorageClass of the volume. null, the default, takes the cluster's own default."
    )


class Database(Section):
    """Where the hub keeps accounts and servers. On Kubernetes alone; on one machine it is a file in `local.folder`."""

    type: Literal["sqlite-pvc", "postgres"] = Field(
        "sqlite-pvc",
        description="Which database. `sqlite-pvc`: a file on a volume of its own; the default, because it needs nothing"
        " else. `postgres`: a server of yours, by `url`; for many hundreds of students at once.",
    )
    url: Secret | None = Field(
        None,
        description="Address of the PostgreSQL database, with its password:"
        " postgresql://hub:PASSWORD@HOST/hub. The database is the hub's own. null, the default, where it lies in"
        " `existingSecret`.",
    )
    existing_secret: ObjectName | None = Field(
        None,
        description="Name of a Secret in `kubernetes.namespace` that holds the address under the key `db-url`. null,"
        " the default, takes `url`.",
    )
    pvc: DatabaseVolume = Field(default_factory=DatabaseVolume)

    @model_validator(mode="after")
    def _has_address(self) -> Self:
        if self.type == "postgres" and (self.url is None) == (self.existing_secret is None):
            raise build_broken_rule(
                "is missing, and hub.db.type is postgres" if self.url is None else "and existingSecret are both given",
                key="url",
                fix="set one of hub.db.url and hub.db.existingSecret, or set hub.db.type to sqlite-pvc",
                involved=("type", "existingSecret"),
            )
        return self


class HubNetworkPolicy(Section):
    """More that the hub may reach or be reached by. On Kubernetes alone."""

    ingress: PolicyRules = Field((), description="Rules that let others reach the hub, beside proxy and students.")
    egress: PolicyRules = Field(
        (),
        description="Rules that let the hub reach more than the cluster's API, students, the proxy, DNS, port 443 (a"
        " login provider) and a PostgreSQL database, at the port in `hub.db.url` or else 5432.",
    )


class Hub(Section):
    """JupyterHub itself."""

    enabled: bool = Field(
        True,
        description="Whether there are a hub, a proxy and students' servers. false leaves the data cache alone, beside"
        " a hub of another making. On Kubernetes alone.",
    )
    config: Annotated[
        dict[str, dict[str, Any]],
        Words(
            "a group of JupyterHub's classes, each with its options, as in {JupyterHub: {init_spawners_timeout: 20}}"
        ),
    ] = Field(
        default_factory=dict,
        description="Any JupyterHub option, by class and name. For what the other keys don't offer: applied last, so"
        " that it wins over everything else. On Kubernetes an option can't be null: Helm drops it.",
    )
    concurrent_spawn_limit: int = Field(
        64,
        ge=1,
        description="How many servers may be starting at the same moment; who comes next sees a page that tries again"
        " by itself, some seconds later. A whole class fits; JupyterHub's own 100 is more than one machine starts at"
        " once.",
    )
    active_server_limit: int = Field(
        0,
        ge=0,
        description="How many servers may run at the same time, admins' included. 0, the default, sets no limit; a"
        " number keeps a machine with little memory usable for those who are in. Who comes next sees a page that tries"
        " again by itself every minute.",
    )
    db: Database = Field(default_factory=Database)
    resources: Resources = Field(
        default_factory=lambda: Resources(requests={"cpu": "100m", "memory": "256Mi"}),
        description="Processor and memory of the hub's pod. On Kubernetes alone.",
    )
    node_selector: NodeSelector = Field(
        default_factory=dict, description="Labels that the hub's node must have. On Kubernetes alone."
    )
    tolerations: Tolerations = Field(
        (), description="Taints of nodes that don't keep the hub away. On Kubernetes alone."
    )
    extra_env: Environment = Field(
        default_factory=dict,
        description="More environment variables of the hub, such as a campus proxy. On Kubernetes alone.",
    )
    extra_volumes: Volumes = Field((), description="More volumes of the hub's pod. On Kubernetes alone.")
    extra_volume_mounts: VolumeMounts = Field((), description="Where they are mounted. On Kubernetes alone.")
    labels: Labels = Field(default_factory=dict, description="More labels of the hub's pod. On Kubernetes alone.")
    annotations: Annotations = Field(
        default_factory=dict, description="Annotations of the hub's pod. On Kubernetes alone."
    )
    pdb: DisruptionBudget = Field(default_factory=DisruptionBudget)
    network_policy: HubNetworkPolicy = Field(default_factory=HubNetworkPolicy)
