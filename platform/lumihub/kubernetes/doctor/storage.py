"""Whether the cluster makes volumes: one is really bound, written and read by a pod."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lumihub.backend import Finding
from lumihub.kubernetes.objects import name_of, path_of

if TYPE_CHECKING:
    from lumihub.kubernetes.access import Cluster
    from lumihub.kubernetes.trials import Trial
    from lumihub.settings import Settings

_SECONDS = 120.0
_DEFAULT = "storageclass.kubernetes.io/is-default-class"
_WRITE = 'set -e; echo kept > /volume/file; test "$(cat /volume/file)" = kept; df -Pk /volume | tail -1'


def find_wanted_classes(settings: Settings) -> tuple[str | None, ...]:
    """The StorageClasses that the settings name; None is the cluster's default."""
    wanted: list[str | None] = [settings.singleuser.storage.dynamic.storage_class]
    if settings.hub.enabled and settings.hub.db.type == "sqlite-pvc":
        wanted.append(settings.hub.db.pvc.storage_class_name)
    if settings.cache.enabled and settings.data.mode == "cache":
        wanted.append(settings.cache.storage_class)
    return tuple(dict.fromkeys(wanted))


def check_classes(cluster: Cluster, settings: Settings) -> Finding:
    """Whether the classes are there, without trying them: what `up` looks at."""
    classes = cluster.items(path_of("storageclasses"))
    names = [name_of(one) for one in classes]
    default = next(
        (name_of(one) for one in classes if (one["metadata"].get("annotations") or {}).get(_DEFAULT) == "true"), None
    )
    for wanted in find_wanted_classes(settings):
        if wanted is None and default is None:
            return Finding(
                "storage",
                False,
                f"the cluster has no default StorageClass; it has {', '.join(names) or 'none at all'}",
                "name one of them in singleuser.storage.dynamic.storageClass, hub.db.pvc.storageClassName and"
                " cache.storageClass, or mark one: kubectl annotate storageclass NAME"
                f" {_DEFAULT}=true"
                if names
                else "install a storage provisioner, such as local-path-provisioner on a single node",
                stops_up=True,
            )
        if wanted is not None and wanted not in names:
            return Finding(
                "storage",
                False,
                f"there is no StorageClass {wanted}; there are {', '.join(names) or 'none at all'}",
                "name one of them in the values file",
                stops_up=True,
            )
    return Finding("storage", True, ", ".join(name or str(default) for name in find_wanted_classes(settings)))


def start_volumes(trial: Trial, settings: Settings, image: str) -> None:
    """Begin to bind a small volume of each class."""
    for number, wanted in enumerate(find_wanted_classes(settings)):
        spec = {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "16Mi"}},
            **({"storageClassName": wanted} if wanted else {}),
        }
        claim = {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": f"volume-{number}"},
            "spec": spec,
        }
        trial.cluster.create(path_of("persistentvolumeclaims", trial.namespace), claim)
        trial.start(f"volume-{number}", image, ["/bin/sh", "-c", _WRITE], claim=f"volume-{number}")


def examine_volumes(trial: Trial, settings: Settings) -> list[Finding]:
    """What came of them."""
    findings = []
    for number, wanted in enumerate(find_wanted_classes(settings)):
        result = trial.wait_for_end(f"volume-{number}", _SECONDS)
        claim = trial.cluster.get(path_of("persistentvolumeclaims", trial.namespace, f"volume-{number}"))
        kind = claim["spec"].get("storageClassName", wanted or "the default")
        if result.ended:
            findings.append(Finding("storage", True, f"{kind}: a volume was bound, written and read by a pod"))
            continue
        bound = claim.get("status", {}).get("phase") == "Bound"
        said = _last_event(trial, f"volume-{number}") or (result.trouble.words if result.trouble else result.log[-200:])
        what = f"{kind}: the volume was bound, but a pod can't write it" if bound else f"{kind}: no volume was bound"
        fix = (
            "the provisioner must make volumes writable for fsGroup 1000; ask whoever runs it"
            if bound
            else "look at the provisioner's pods, or name another StorageClass in the values file"
        )
        findings.append(Finding("storage", False, f"{what}: {said.strip()}", fix, stops_up=True))
    return findings


def _last_event(trial: Trial, claim: str) -> str:
    events = trial.cluster.items(path_of("events", trial.namespace), fieldSelector=f"involvedObject.name={claim}")
    warnings = [one for one in events if one.get("type") == "Warning"]
    return str(warnings[-1].get("message", "")) if warnings else ""
