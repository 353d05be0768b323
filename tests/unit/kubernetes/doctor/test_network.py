from lumihub.kubernetes.doctor.network import judge_network
from lumihub.settings import Settings

WELL = {"dns": "10.96.0.1", "open": True, "guarded": False, "origin": True, "origin_detail": "it answers"}


def judge(**found):
    return {one.name: one for one in judge_network({**WELL, **found}, Settings())}


def test_all_is_well():
    assert all(finding.ok for finding in judge().values())
    assert set(judge()) == {"dns", "network policies", "origin"}


def test_rules_that_are_not_enforced_are_told_from_a_network_that_is_broken():
    assert "a connection that a NetworkPolicy forbids came through" in judge(guarded=True)["network policies"].detail
    broken = judge(open=False)["network policies"]
    assert broken.detail == "a pod could not reach another one that nothing forbids"
    assert broken.stops_up


def test_names_that_can_not_be_looked_up_stop_up():
    found = {key: value for key, value in WELL.items() if key != "dns"}
    [dns, *_] = judge_network({**found, "dns_error": "no servers"}, Settings())
    assert (dns.ok, dns.stops_up) == (False, True)
    assert "no servers" in dns.detail


def test_origin_stops_up_only_where_nothing_may_take_its_place():
    assert not judge(origin=False, origin_detail="refused")["origin"].stops_up
    strict = Settings.model_validate({"data": {"offline": "fail"}})
    *_, origin = judge_network({**WELL, "origin": False, "origin_detail": "refused"}, strict)
    assert origin.stops_up
