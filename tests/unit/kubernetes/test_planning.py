import base64

from lumihub.backend import Change
from lumihub.kubernetes.planning import build_changes, build_diff, build_drift, find_effects, key_of, parse_manifests

MANIFEST = """
apiVersion: v1
kind: ConfigMap
metadata: {name: one}
data: {colour: blue, size: '3'}
---
# an empty document
---
apiVersion: v1
kind: Secret
metadata: {name: hub}
data: {token: b2xk, same: c2FtZQ==}
---
apiVersion: v1
kind: Namespace
metadata: {name: users, annotations: {helm.sh/resource-policy: keep}}
"""


def objects():
    return parse_manifests(MANIFEST, "lumihub")


def find(found, kind):
    return next(one for (name, _, _), one in found.items() if name == kind)


def test_same_objects_change_nothing():
    assert build_changes(objects(), objects()) == ()


def test_version_of_a_group_is_no_other_object():
    old = {"apiVersion": "policy/v1beta1", "kind": "PodDisruptionBudget", "metadata": {"name": "hub"}}
    assert key_of(old, "lumihub") == key_of({**old, "apiVersion": "policy/v1"}, "lumihub")


def test_first_installation_creates_everything():
    assert [(change.action, change.kind) for change in build_changes({}, objects())] == [
        ("create", "ConfigMap"),
        ("create", "Secret"),
        ("create", "Namespace"),
    ]


def test_changed_lines_are_shown_with_some_around_them():
    old, new = objects(), objects()
    find(new, "ConfigMap")["data"]["colour"] = "red"
    [change] = build_changes(old, new)
    assert change == Change(
        "change",
        "ConfigMap",
        "one",
        diff=(
            "@@ -1,5 +1,5 @@",
            " apiVersion: v1",
            " data:",
            "-  colour: blue",
            "+  colour: red",
            "   size: '3'",
            " kind: ConfigMap",
        ),
    )


def test_what_is_no_longer_wanted_is_deleted_or_kept():
    assert [(change.action, change.kind) for change in build_changes(objects(), {})] == [
        ("delete", "ConfigMap"),
        ("delete", "Secret"),
        ("keep", "Namespace"),
    ]


def test_what_somebody_deleted_is_created():
    key = next(iter(objects()))
    assert [(change.action, change.name) for change in build_changes(objects(), objects(), {key})] == [
        ("create", "one")
    ]


def test_secret_values_are_hidden_and_a_change_still_shows():
    old, new = objects(), objects()
    find(new, "Secret")["data"]["token"] = base64.b64encode(b"new").decode()
    [change] = build_changes(old, new)
    text = "\n".join(change.diff)
    assert "b2xk" not in text
    assert "bmV3" not in text
    assert "c2FtZQ" not in text
    assert [line for line in change.diff if line.startswith(("+", "-"))] == [
        "-  token: (hidden, before)",
        "+  token: (hidden, changed)",
    ]


def test_texts_of_several_lines_differ_by_line():
    before, after = ({"kind": "ConfigMap", "data": {"file": f"first\n{word}\nlast\n"}} for word in ("old", "new"))
    assert [line for line in build_diff(before, after) if line.startswith(("+", "-"))] == ["-    old", "+    new"]


def test_drift_is_what_the_server_would_change_back():
    manifest = find(objects(), "ConfigMap")
    live = {**manifest, "metadata": {"name": "one", "resourceVersion": "7", "managedFields": [1]}, "status": {"x": 1}}
    applied = {**manifest, "metadata": {"name": "one", "resourceVersion": "7", "managedFields": [1, 2]}}
    assert build_drift(manifest, live, applied) is None
    change = build_drift(manifest, {**live, "data": {"colour": "green", "size": "3"}}, applied)
    assert change is not None
    assert [line for line in change.diff if line.startswith(("+", "-"))] == ["-  colour: green", "+  colour: blue"]


def deployment(image, replicas=1):
    return {
        ("Deployment.apps", "lumihub", "hub"): {
            "kind": "Deployment",
            "metadata": {"name": "hub"},
            "spec": {"replicas": replicas, "template": {"spec": {"containers": [{"image": image}]}}},
        }
    }


def test_only_a_changed_pod_template_restarts_the_hub():
    assert find_effects(deployment("a"), deployment("a", replicas=2)) == ()
    assert find_effects(deployment("a"), deployment("b")) == (
        "the hub restarts: for some seconds nobody can log in; running servers and kernels go on",
    )
    assert find_effects({}, deployment("b")) == ()


def test_without_a_gateway_clusters_end():
    gateway = {"kind": "Deployment", "metadata": {"name": "gateway"}, "spec": {"template": {}}}
    key = ("Deployment", "lumihub", "gateway")
    assert find_effects({key: gateway}, {}) == ("students' Dask clusters end",)
    assert find_effects({}, {key: gateway}) == ()
