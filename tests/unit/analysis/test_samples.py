from __future__ import annotations

import pytest

from lumihub.analysis.samples import Sample, find_catalogue, find_luminosity, find_scale, parse_sample, parse_samples
from lumihub.errors import InputError


@pytest.mark.parametrize(
    ("path", "sample"),
    [
        ("/data/data_A.4lep.root", Sample("data_A", "4lep", "A")),
        (
            "root://eospublic.cern.ch:1094//eos/x/mc_345060.ggH125_ZZ4lep.4lep.root",
            Sample("ggH125_ZZ4lep", "4lep", "", 345060),
        ),
        ("simulated_data_D.GamGam.root", Sample("data_D", "GamGam", "D", builtin=True)),
        ("simulated_mc_343981.ggH125_gamgam.GamGam.root", Sample("ggH125_gamgam", "GamGam", "", 343981, True)),
    ],
)
def test_the_published_name_tells_the_sample(path: str, sample: Sample) -> None:
    assert parse_sample(path) == sample


def test_all_wrong_files_are_named_at_once() -> None:
    with pytest.raises(InputError) as caught:
        parse_samples(["mine.root", "data_A.4lep.root", "data_A.2lep.root"], "4lep")
    assert str(caught.value) == (
        "error: mine.root does not say which sample it holds\n"
        "  in mine.root\n"
        "  fix: keep the published name, as in data_A.4lep.root or mc_345060.ggH125_ZZ4lep.4lep.root\n"
        "\n"
        "error: data_A is of the collection 2lep, this analysis reads 4lep\n"
        "  in data_A.2lep.root\n"
        "  fix: give files whose names end in .4lep.root"
    )


def test_the_simulated_sample_is_never_mixed_with_real_data() -> None:
    with pytest.raises(InputError) as caught:
        parse_samples(["data_A.4lep.root", "simulated_data_B.4lep.root"], "4lep")
    assert str(caught.value) == (
        "error: the simulated sample and files of ATLAS cannot be analysed together\n"
        "  in simulated_data_B.4lep.root\n"
        "  fix: give only files that begin with simulated_, or none of them"
    )


def test_luminosity_is_that_of_the_data_that_were_read() -> None:
    some = [Sample("data_A", "4lep", "A"), Sample("data_C", "4lep", "C"), Sample("llll", "4lep", dsid=363490)]
    catalogue = find_catalogue(some)
    assert find_luminosity(some, catalogue) == pytest.approx(0.5 + 2.9)
    assert find_luminosity(some[2:], catalogue) == pytest.approx(10)


def test_published_numbers_scale_simulated_samples_and_never_data() -> None:
    llll, data = Sample("llll", "4lep", dsid=363490), Sample("data_A", "4lep", "A")
    catalogue = find_catalogue([llll, data])
    assert find_scale(llll, catalogue) == pytest.approx(1.2578 * 1000 / 7538705.8077)
    assert find_scale(data, catalogue) is None
    assert find_scale(Sample("unheard_of", "4lep", dsid=1), catalogue) is None
