import pytest

from lumihub.data.origins import OriginState
from lumihub.errors import LumiHubError
from lumihub.kubernetes.desire import choose_data
from lumihub.kubernetes.preflight import find_unknown
from lumihub.settings import Settings

REFERENCES = {"hub": "localhost/lumihub/hub:1", "lab": "localhost/lumihub/lab:1"}
GONE = OriginState(False, "it refuses connections")


def node(*names, unschedulable=False):
    return {"spec": {"unschedulable": unschedulable}, "status": {"images": [{"names": list(names)}]}}


def test_images_that_every_node_names_need_no_trial():
    everything = node(*REFERENCES.values())
    assert find_unknown([everything, everything], REFERENCES) == []
    assert find_unknown([everything, node("localhost/lumihub/hub:1")], REFERENCES) == ["lab"]
    assert find_unknown([everything, node(unschedulable=True)], REFERENCES) == []
    assert find_unknown([], REFERENCES) == ["hub", "lab"]


def test_origin_that_does_not_answer_leaves_the_simulated_sample():
    simulated, note = choose_data(Settings(), GONE, None)
    assert simulated
    assert note == (
        "the origin does not answer from a pod (it refuses connections): students read the built-in simulated sample,"
        " not ATLAS data; `up` looks again"
    )


def test_class_that_reads_through_the_cache_is_not_switched_to_the_simulated_sample():
    running = {"deployment": {"simulated": False}}
    assert choose_data(Settings(), GONE, running)[0] is False
    assert choose_data(Settings(), GONE, {"deployment": {"simulated": True}})[0] is True
    assert choose_data(Settings.model_validate({"data": {"mode": "stream"}}), GONE, running)[0] is True


def test_origin_that_must_answer_stops_up():
    with pytest.raises(LumiHubError) as caught:
        choose_data(Settings.model_validate({"data": {"offline": "fail"}}), GONE, None)
    assert str(caught.value) == (
        "error: data.origin.url: it refuses connections (asked from a pod)\n"
        "  fix: check the cluster's way out, or set data.offline to simulated: students then read the built-in sample"
    )
