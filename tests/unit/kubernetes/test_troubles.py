import pytest

from lumihub.kubernetes.troubles import Trouble, explain_creation, explain_pod


def pod(**status):
    return {"metadata": {"name": "hub-1", "uid": "u1"}, "status": status, "spec": {"containers": [{"name": "hub"}]}}


def container(**state):
    return {"name": "hub", "image": "registry.example.org/hub:1", "ready": False, "restartCount": 0, **state}


def waiting(reason, message=""):
    return pod(containerStatuses=[container(state={"waiting": {"reason": reason, "message": message}})])


def test_ready_pod_has_no_trouble():
    assert explain_pod(pod(conditions=[{"type": "Ready", "status": "True"}]), []) is None


def test_pod_on_its_way_out_has_no_trouble():
    leaving = waiting("ImagePullBackOff")
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert explain_pod(leaving, []) is None


def test_image_that_is_not_there_names_it_and_what_to_type():
    trouble = explain_pod(waiting("ErrImagePull", "not found"), [])
    assert trouble == Trouble(
        "hub-1",
        "ErrImagePull",
        "the image registry.example.org/hub:1 can't be had: not found",
        "./deploy.py images list shows what is where; ./deploy.py images push (or load) brings it there",
    )
    again = explain_pod(waiting("ImagePullBackOff", 'Back-off pulling image "x"'), [])
    assert again is not None
    assert again.hopeless
    assert str(again) == "hub-1: ImagePullBackOff: the image registry.example.org/hub:1 can't be had"
    said = 'Back-off pulling image "x": ErrImagePull: failed to do request: Head "https://x/": dial tcp: refused'
    told = explain_pod(waiting("ImagePullBackOff", said), [])
    assert told is not None
    assert told.words == "the image registry.example.org/hub:1 can't be had: dial tcp: refused"


@pytest.mark.parametrize(
    ("message", "fix"),
    [
        (
            "0/1 nodes are available: 1 Insufficient memory.",
            "add a node, end servers that nobody needs, or lower the requests in the values file",
        ),
        (
            "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
            "name a StorageClass that makes volumes in the values file; ./deploy.py doctor tries the default one",
        ),
        (
            "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.",
            "mend nodeSelector and tolerations in the values file",
        ),
    ],
)
def test_pod_without_a_node_says_why_and_may_still_get_one(message, fix):
    found = pod(conditions=[{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}])
    assert explain_pod(found, []) == Trouble("hub-1", "Unschedulable", message, fix)


def test_crash_is_hopeless_only_after_some_restarts():
    ended = {"terminated": {"exitCode": 3, "reason": "Error"}}
    once = container(restartCount=1, lastState=ended, state={"waiting": {"reason": "CrashLoopBackOff"}})
    first = explain_pod(pod(containerStatuses=[once]), [])
    assert first == Trouble(
        "hub-1",
        "CrashLoopBackOff",
        "hub ended with exit code 3, restarted 1 time",
        "mend what its last lines complain about, and type the same command again",
    )
    second = explain_pod(pod(containerStatuses=[{**once, "restartCount": 2}]), [])
    assert second is not None
    assert second.hopeless


def test_memory_that_ran_out_is_named():
    killed = container(
        restartCount=1,
        lastState={"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
        state={"waiting": {"reason": "CrashLoopBackOff"}},
    )
    trouble = explain_pod(pod(containerStatuses=[killed]), [])
    assert trouble is not None
    assert (trouble.reason, trouble.words) == ("OOMKilled", "hub took more memory than its limit, restarted 1 time")


def event(reason, message, uid="u1", when="2026-01-01T00:00:00Z", name="hub-1"):
    return {
        "type": "Warning",
        "reason": reason,
        "message": message,
        "lastTimestamp": when,
        "involvedObject": {"uid": uid, "name": name},
    }


def test_newest_event_of_the_pod_tells_what_its_state_does_not():
    creating = waiting("ContainerCreating")
    events = [
        event("FailedMount", "old", when="2026-01-01T00:00:00Z"),
        event("FailedMount", 'secret "tls" not found', when="2026-01-01T00:01:00Z"),
        event("FailedMount", "of another pod", uid="u2", when="2026-01-01T00:02:00Z"),
    ]
    trouble = explain_pod(creating, events)
    assert trouble is not None
    assert (trouble.reason, trouble.words) == ("FailedMount", 'secret "tls" not found')
    assert explain_pod(creating, []) is None


def test_pods_that_can_not_be_made_are_the_trouble_of_their_part():
    found = {"metadata": {"name": "hub"}}
    quota = explain_creation(found, {"hub-abc"}, [event("FailedCreate", "exceeded quota: students", name="hub-abc")])
    assert quota is not None
    assert (quota.pod, quota.hopeless) == ("hub", False)
    security = explain_creation(found, {"hub-abc"}, [event("FailedCreate", "violates PodSecurity", name="hub-abc")])
    assert security is not None
    assert security.hopeless
    assert explain_creation(found, {"hub-new"}, [event("FailedCreate", "violates PodSecurity", name="hub-abc")]) is None
