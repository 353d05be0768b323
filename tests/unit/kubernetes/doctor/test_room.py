import pytest

from lumihub.kubernetes.doctor.room import Room, find_requests, find_rooms, judge_room, takes_students
from lumihub.settings import Settings

READY = [{"type": "Ready", "status": "True"}]


def node(name="one", *, taints=(), labels=None, conditions=READY, unschedulable=False):
    return {
        "metadata": {"name": name, "labels": labels or {}},
        "spec": {"taints": list(taints), "unschedulable": unschedulable},
        "status": {
            "conditions": conditions,
            "allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"},
        },
    }


def pod(where="one", cpu="500m", memory="1Gi", phase="Running", labels=None):
    return {
        "metadata": {"labels": labels or {}},
        "spec": {"nodeName": where, "containers": [{"resources": {"requests": {"cpu": cpu, "memory": memory}}}]},
        "status": {"phase": phase},
    }


def test_what_is_free_is_what_pods_did_not_ask_for():
    rooms = find_rooms([node()], [pod(), pod(phase="Succeeded"), pod(where="two")], Settings())
    assert rooms == {"one": Room(3.5, 7 * 2**30, 109)}


def test_placeholders_take_no_room_from_students():
    labels = {"app.kubernetes.io/instance": "lumihub", "app.kubernetes.io/component": "user-placeholder"}
    others = {**labels, "app.kubernetes.io/instance": "another"}
    rooms = find_rooms([node()], [pod(labels=labels), pod(labels=others)], Settings())
    assert rooms == {"one": Room(3.5, 7 * 2**30, 109)}


@pytest.mark.parametrize(
    ("cpu", "memory", "students"), [(0.1, 512 * 2**20, 14), (1.0, 2**20, 3), (0.0, 0.0, 109), (8.0, 1.0, 0)]
)
def test_the_scarcest_thing_counts(cpu, memory, students):
    assert Room(3.5, 7 * 2**30, 109).fits(cpu, memory) == students


def test_requests_are_the_guarantees_or_else_the_limits():
    assert find_requests(Settings()) == (0.1, 512 * 2**20)
    bare = Settings.model_validate({"singleuser": {"memory": {"guarantee": None}, "cpu": {"guarantee": None}}})
    assert find_requests(bare) == (2.0, 2 * 2**30)


def test_nodes_that_take_no_students_do_not_count():
    taint = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}
    assert takes_students(node(), {}, ())
    assert not takes_students(node(unschedulable=True), {}, ())
    assert not takes_students(node(conditions=[{"type": "Ready", "status": "False"}]), {}, ())
    assert not takes_students(node(), {"pool": "students"}, ())
    assert takes_students(node(labels={"pool": "students"}), {"pool": "students"}, ())
    assert not takes_students(node(taints=[taint]), {}, ())
    assert takes_students(node(taints=[taint]), {}, [{"key": "gpu", "operator": "Exists"}])
    assert takes_students(node(taints=[taint]), {}, [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}])
    assert not takes_students(node(taints=[taint]), {}, [{"key": "gpu", "value": "no"}])
    assert takes_students(node(taints=[{**taint, "effect": "PreferNoSchedule"}]), {}, ())


@pytest.mark.parametrize(
    ("nodes", "detail", "fix"),
    [
        (
            [],
            "the cluster has no node, so no pod can run",
            "add one (kubectl get nodes), then type: ./deploy.py doctor",
        ),
        (
            [node(unschedulable=True)],
            "no node takes students' servers",
            "make a node ready and schedulable (kubectl get nodes)",
        ),
    ],
)
def test_no_node_at_all_is_not_the_same_as_none_for_students(nodes, detail, fix):
    found = judge_room(nodes, [], Settings())
    assert (found.ok, found.stops_up, found.detail, found.fix) == (False, True, detail, fix)


def test_a_class_needs_its_room():
    found = judge_room([node()], [pod()], Settings())
    assert (found.ok, found.stops_up) == (False, False)
    assert found.detail == "14 more students fit on 1 node; 536.9 MB and 0.1 cores are kept for each"
