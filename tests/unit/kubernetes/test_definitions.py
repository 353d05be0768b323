import copy

import pytest

from lumihub.kubernetes.definitions import GATEWAY, has_versions, load_definition

WANTED = load_definition(GATEWAY[0])


def test_what_the_api_server_adds_is_no_difference():
    found = copy.deepcopy(WANTED)
    found["spec"]["conversion"] = {"strategy": "None"}
    found["spec"]["versions"][0]["additionalPrinterColumns"][0]["priority"] = 0
    found["spec"]["versions"].append({"name": "v1", "served": True, "storage": False})
    assert has_versions(found, WANTED)


@pytest.mark.parametrize("gone", ["subresources", "schema", "served"])
def test_what_lacks_is_one(gone):
    found = copy.deepcopy(WANTED)
    del found["spec"]["versions"][0][gone]
    assert not has_versions(found, WANTED)


def test_status_has_its_own_way_and_nothing_is_cut_off():
    [version] = WANTED["spec"]["versions"]
    assert version["subresources"] == {"status": {}}
    for part in version["schema"]["openAPIV3Schema"]["properties"].values():
        assert part["x-kubernetes-preserve-unknown-fields"] is True
