"""CustomResourceDefinitions of the chart: the whole cluster's, and so not Helm's, which would never upgrade them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from lumihub.backend import Change
from lumihub.chart import CHART
from lumihub.errors import LumiHubError
from lumihub.kubernetes.access import ApiError
from lumihub.kubernetes.objects import labels_of, name_of

if TYPE_CHECKING:
    from lumihub.kubernetes.access import Cluster, Object
    from lumihub.settings import Settings

GATEWAY = ("daskclusters.gateway.dask.org",)
"""What the Dask gateway needs."""

OPERATOR = tuple(
    f"{plural}.kubernetes.dask.org" for plural in ("daskclusters", "daskworkergroups", "daskjobs", "daskautoscalers")
)
"""What Dask's operator needs. Where an institution runs that operator itself, its own stay as they are."""

_PART_OF = "app.kubernetes.io/part-of"
_PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_KIND = "CustomResourceDefinition"
_FORBIDDEN = 403


def find_needed(settings: Settings) -> tuple[str, ...]:
    """The definitions that an installation with these settings needs."""
    return (*(GATEWAY if settings.gateway_enabled else ()), *(OPERATOR if settings.platform_enabled else ()))


def ensure_definitions(cluster: Cluster, names: tuple[str, ...]) -> list[str]:
    """Make them, or bring them up to date; a line for each where something was done.

    Other installations on the same cluster share them, so they are never taken away.

    Raises:
        LumiHubError: the account may not, and they are not as they have to be.
    """
    done = []
    for change in find_changes(cluster, names):
        name = change.name
        try:
            cluster.apply(f"{_PATH}/{name}", load_definition(name))
        except ApiError as error:
            if error.status != _FORBIDDEN:
                raise
            raise LumiHubError(
                f"this account may not make the CustomResourceDefinition {name}, which Dask needs",
                where=cluster.context,
                fix=f"ask whoever runs the cluster to type: kubectl apply -f {CHART / 'crds' / name}.yaml"
                f" (or set dask.{'platform' if name in OPERATOR else 'gateway'}.enabled to false)",
            ) from error
        done.append(f"{change.action}d {change.kind} {name}")
    return done


def find_changes(cluster: Cluster, names: tuple[str, ...]) -> tuple[Change, ...]:
    """What `ensure_definitions` would do."""
    changes: list[Change] = []
    for name in names:
        found = cluster.find(f"{_PATH}/{name}")
        if found is None:
            changes.append(Change("create", _KIND, name))
        elif not has_versions(found, load_definition(name)) and (name not in OPERATOR or is_ours(found)):
            changes.append(Change("change", _KIND, name))
    return tuple(changes)


def find_missing_rights(cluster: Cluster, names: tuple[str, ...]) -> list[str]:
    """The rights that this would take and that the account does not have."""
    verbs = ("create", "patch") if find_changes(cluster, names) else ()
    return [
        f"{verb} customresourcedefinitions in the whole cluster"
        for verb in verbs
        if not cluster.may(verb, "customresourcedefinitions", group="apiextensions.k8s.io")
    ]


def is_ours(found: Object) -> bool:
    """Whether a LumiHub made it."""
    return labels_of(found).get(_PART_OF) == "lumihub"


def load_definition(name: str) -> Object:
    """The definition as the chart has it."""
    loaded: Object = yaml.safe_load((CHART / "crds" / f"{name}.yaml").read_text("utf-8"))
    if name_of(loaded) != name:
        raise AssertionError(f"crds/{name}.yaml defines {name_of(loaded)}")
    return loaded


def has_versions(found: Object, wanted: Object) -> bool:
    """Whether a definition that is there serves what ours does; the API server may have added defaults to it."""
    there = {version["name"]: version for version in found["spec"]["versions"]}
    return all(_holds(there.get(version["name"], {}), version) for version in wanted["spec"]["versions"])


def _holds(found: object, wanted: object) -> bool:
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(_holds(found.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(_holds, found, wanted))
    return found == wanted
