from lumihub.backend import PartState
from lumihub.kubernetes.troubles import Trouble
from lumihub.kubernetes.waiting import PartProgress, count_ready, describe_parts


def deployment(generation=2, observed=2, **status):
    return {"metadata": {"generation": generation}, "spec": {}, "status": {"observedGeneration": observed, **status}}


def test_pods_of_the_old_version_do_not_count_as_ready():
    assert count_ready("deployments", deployment(replicas=2, updatedReplicas=1, readyReplicas=1)) == 0
    assert count_ready("deployments", deployment(replicas=2, updatedReplicas=1, readyReplicas=2)) == 1
    assert count_ready("deployments", deployment(replicas=1, updatedReplicas=1, readyReplicas=1)) == 1
    assert count_ready("deployments", deployment(observed=1, replicas=1, updatedReplicas=1, readyReplicas=1)) == 0
    changing = {"updateRevision": "b", "currentRevision": "a", "updatedReplicas": 0, "readyReplicas": 1}
    assert count_ready("statefulsets", deployment(**changing)) == 0


def test_parts_are_described_by_what_is_missing():
    ready = PartProgress("proxy", 1, 1)
    stuck = PartProgress("hub", 1, 0, troubles=(Trouble("hub-1", "Unschedulable", "no room", ""),))
    assert describe_parts([stuck, ready]) == "hub 0/1 (hub-1: Unschedulable: no room)"
    assert describe_parts([ready]) == "proxy 1/1"
    assert (ready.state, stuck.state) == (PartState.RUNNING, PartState.STARTING)
    assert PartProgress("user-placeholder", 0, 0).state is PartState.OFF


def test_placeholders_without_room_are_well_and_those_without_an_image_are_not():
    no_room = Trouble("user-placeholder-1", "Unschedulable", "no room", "")
    no_image = Trouble("user-placeholder-1", "ImagePullBackOff", "no image", "", hopeless=True)
    assert PartProgress("user-placeholder", 3, 1, troubles=(no_room,)).state is PartState.RUNNING
    assert PartProgress("user-placeholder", 3, 1, troubles=(no_image,)).state is PartState.FAILED
