"""The release that runs against the one that is wanted, and against what is really in the cluster."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lumihub.errors import LumiHubError
from lumihub.kubernetes.planning import build_changes, build_drift, find_effects

if TYPE_CHECKING:
    from lumihub.backend import Change
    from lumihub.kubernetes.access import Cluster, Object
    from lumihub.kubernetes.planning import Key

_MANAGER = "lumihub-plan"
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Comparison:
    """What an upgrade would do.

    Attributes:
        changes: object by object.
        effects: what people would notice.
    """

    changes: tuple[Change, ...]
    effects: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether all is as wanted."""
        return not self.changes


def compare(cluster: Cluster, old: dict[Key, Object], new: dict[Key, Object], namespace: str) -> Comparison:
    """Compare; the API server is asked, nothing is changed.

    Args:
        cluster: where it runs.
        old: the objects of the deployed revision.
        new: those that are wanted.
        namespace: of the release.
    """
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        looks = pool.map(lambda key: _look(cluster, old[key], namespace, same=new.get(key) == old[key]), old)
        found = dict(zip(old, looks, strict=True))
    missing = {key for key, (there, _) in found.items() if not there}
    drifted = [drift for _, drift in found.values() if drift]
    return Comparison(build_changes(old, new, missing, drifted), find_effects(old, new))


def _look(cluster: Cluster, manifest: Object, namespace: str, *, same: bool) -> tuple[bool, Change | None]:
    """Whether an object is there, and, where the new release wants the `same`, what was changed in it by hand."""
    path = cluster.locate(manifest, namespace)
    live = cluster.find(path) if path else None
    if path is None or live is None:
        return False, None
    return True, _find_drift(cluster, path, manifest, live) if same else None


def _find_drift(cluster: Cluster, path: str, manifest: Object, live: Object) -> Change | None:
    try:
        applied = cluster.apply(path, manifest, manager=_MANAGER, dry_run=True)
    except LumiHubError:  # a field that can't be changed any more: helm will say so if it matters
        return None
    return build_drift(manifest, live, applied)
