"""What an `up` would change, object by object, with secrets hidden. Pure: compares what is with what is wanted."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Literal

import yaml

from lumihub.backend import Change
from lumihub.kubernetes.redaction import hide_secrets

if TYPE_CHECKING:
    from collections.abc import Collection

    from lumihub.kubernetes.access import Object

Key = tuple[str, str, str]

_POLICY = "helm.sh/resource-policy"
_CONTEXT_LINES = 2
_EFFECTS = {
    ("Deployment", "hub"): "the hub restarts: for some seconds nobody can log in; running servers and kernels go on",
    (
        "Deployment",
        "proxy",
    ): "the proxy restarts: open pages reconnect by themselves; running servers and kernels go on",
    (
        "Deployment",
        "gateway",
    ): "the Dask gateway restarts: for some seconds nobody gets new workers; clusters that run go on",
    ("StatefulSet", "cache"): "the cache restarts: reads wait up to a minute; what it holds is kept",
}


def parse_manifests(text: str, namespace: str) -> dict[Key, Object]:
    """The objects of a release as Helm prints them, by kind, namespace and name.

    Args:
        text: YAML documents.
        namespace: of objects that name none.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    # Made of YAML that Helm itself rendered; the loader is a safe one either way.
    documents = [one for one in yaml.load_all(text, Loader=loader) if one]
    return {key_of(one, namespace): one for one in documents}


def key_of(found: Object, namespace: str) -> Key:
    """What tells an object from others, whatever version of its kind it is written in."""
    group = found["apiVersion"].rpartition("/")[0]
    kind = f"{found['kind']}.{group}" if group else found["kind"]
    return kind, found["metadata"].get("namespace", namespace), found["metadata"]["name"]


def build_changes(
    old: dict[Key, Object], new: dict[Key, Object], missing: Collection[Key] = (), drifted: Collection[Change] = ()
) -> tuple[Change, ...]:
    """What would be made, changed and deleted, in the order of the new objects.

    Args:
        old: the objects of the release that runs.
        new: those of the one that is wanted.
        missing: objects of the release that somebody deleted.
        drifted: what has to be changed back because somebody changed it by hand.
    """
    changes = []
    by_hand = {(change.kind, change.name): change for change in drifted}
    for key, wanted in new.items():
        before = None if key in missing else old.get(key)
        diff = build_diff(before, wanted) if before and before != wanted else ()
        if before is None:
            changes.append(_build("create", wanted))
        elif diff:
            changes.append(_build("change", wanted, diff))
        elif (wanted["kind"], key[2]) in by_hand:
            changes.append(by_hand[wanted["kind"], key[2]])
    for key, gone in old.items():
        if key not in new and key not in missing:
            kept = (gone["metadata"].get("annotations") or {}).get(_POLICY) == "keep"
            changes.append(_build("keep" if kept else "delete", gone))
    return tuple(changes)


def build_drift(manifest: Object, live: Object, applied: Object) -> Change | None:
    """What somebody changed by hand in an object of the release, None where nothing.

    Args:
        manifest: as the release has it.
        live: as it is.
        applied: as the API server says it would be with the manifest applied.
    """
    diff = build_diff(*(_without_bookkeeping(one) for one in (live, applied)))
    return _build("change", manifest, diff) if diff else None


def find_effects(old: dict[Key, Object], new: dict[Key, Object]) -> tuple[str, ...]:
    """What people notice when the second takes the place of the first, one sentence each."""
    effects = []
    for (kind, namespace, name), wanted in new.items():
        before = old.get((kind, namespace, name))
        words = _EFFECTS.get((wanted["kind"], name))
        # A changed pod template restarts pods; labels and numbers of the part itself do not.
        if words and before and before["spec"]["template"] != wanted["spec"]["template"]:
            effects.append(words)
    gone = [one for key, one in old.items() if key not in new]
    if any((one["kind"], one["metadata"]["name"]) == ("Deployment", "gateway") for one in gone):
        effects.append("students' Dask clusters end")
    return tuple(effects)


def build_diff(before: Object, after: Object) -> tuple[str, ...]:
    """The lines that differ, with a little around them; values of Secrets hidden."""
    old, new = (_dump(one) for one in hide_secrets(before, after))
    lines = difflib.unified_diff(old, new, lineterm="", n=_CONTEXT_LINES)
    return tuple(line for line in lines if not line.startswith(("---", "+++")))


def _build(action: Literal["create", "change", "delete", "keep"], found: Object, diff: tuple[str, ...] = ()) -> Change:
    return Change(action, found["kind"], found["metadata"]["name"], found["metadata"].get("namespace", ""), diff)


def _without_bookkeeping(found: Object) -> Object:
    """Without what the API server keeps for itself."""
    kept = {name: value for name, value in found.items() if name != "status"}
    kept["metadata"] = {
        name: value
        for name, value in found["metadata"].items()
        if name not in ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp")
    }
    return kept


def _dump(found: Object) -> list[str]:
    text = yaml.dump(found, Dumper=_Dumper, default_flow_style=False, width=10_000) if found else ""
    return str(text).splitlines()


class _Dumper(yaml.SafeDumper):
    """Text of several lines line by line, so that a diff shows those that changed."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text.strip("\n") else None)


_Dumper.add_representer(str, _represent_text)
