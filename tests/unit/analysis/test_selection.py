import pytest

from lumihub.analysis.selection import find_files, find_nightly, plan_nightly
from lumihub.data.catalogue import load_catalogue
from lumihub.errors import InputError
from lumihub.settings.document import parse_document
from lumihub.settings.loading import build_settings

CATALOGUE = load_catalogue("2020")


def load(nightly, size="50G"):
    return build_settings(parse_document(f"data: {{cache: {{size: {size}}}, nightly: {nightly}}}", "values.yaml"))


def test_what_an_analysis_reads_is_in_its_collection():
    files = find_files("higgs-4l", CATALOGUE)
    assert {file.collection for file in files} == {"4lep"}
    assert {"data_A", "data_B", "data_C", "data_D"} < {file.sample for file in files}


def test_a_file_that_is_wanted_twice_is_there_once():
    whole = find_nightly(load("{collections: [4lep]}"))
    assert find_nightly(load("{collections: [4lep], analyses: [higgs-4l]}")) == whole
    both = find_nightly(load("{collections: [4lep], analyses: [higgs-gamgam]}"))
    assert set(both) == {*whole, *find_files("higgs-gamgam", CATALOGUE)}


@pytest.mark.parametrize(
    ("nightly", "said"),
    [
        ("{collections: [5lep]}", "data.nightly.collections: '5lep' is not a collection"),
        ("{analyses: [higgs-5l]}", "data.nightly.analyses: higgs-5l is not a known analysis"),
    ],
)
def test_a_name_that_is_not_known_is_told_with_its_key(nightly, said):
    with pytest.raises(InputError) as caught:
        find_nightly(load(nightly))
    assert said in str(caught.value)


def test_what_the_cache_would_clear_up_at_once_is_refused():
    with pytest.raises(InputError) as caught:
        plan_nightly(load("{collections: [4lep]}", size="100M"), "root://cache//eos")
    assert "and the cache keeps" in str(caught.value)
    assert "of its 100M before it clears up" in str(caught.value)


def test_several_caches_keep_more_though_not_three_times_as_much():
    def plan(size, replicas):
        text = (
            f"kubernetes: {{context: x}}\ncache: {{replicas: {replicas}}}\n"
            f"data: {{cache: {{size: {size}}}, nightly: {{collections: [4lep]}}}}"
        )
        return plan_nightly(build_settings(parse_document(text, "values.yaml")), "root://cache//eos")

    assert plan("450M", 3)
    for size, replicas, said in (
        ("450M", 1, "need 528.7 MB, and"),
        ("300M", 3, "need 283.4 MB in one of 3 caches, and"),
    ):
        with pytest.raises(InputError) as caught:
            plan(size, replicas)
        assert said in str(caught.value)


def test_nothing_is_planned_where_nothing_is_named():
    assert plan_nightly(load("{at: '03:00'}"), "root://cache//eos") is None


@pytest.mark.parametrize(("zone", "found"), [("null", "UTC"), ("Europe/Paris", "Europe/Paris")])
def test_the_time_zone_of_the_settings_goes_first(zone, found):
    settings = load(f"{{collections: [4lep], at: '03:00', hours: 2, timeZone: {zone}}}")
    work = plan_nightly(settings, "root://cache//eos", streams=7, time_zone="UTC")
    assert (work.at, work.hours, work.time_zone, work.order.streams) == ("03:00", 2, found, 7)
    assert work.order.source == "root://cache//eos"
