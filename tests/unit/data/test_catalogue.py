from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from lumihub.data.catalogue import load_catalogue
from lumihub.data.manifest import Manifest, ManifestFile, Normalisation, write_manifest
from lumihub.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

PLACE = "OutreachDatasets/2020-08-19/4lep"


def test_the_release_of_2020_has_1117_simulated_files_and_32_of_data() -> None:
    catalogue = load_catalogue("2020")
    kinds = Counter(catalogue.sample(file.sample).is_data for file in catalogue.files)

    assert kinds == {False: 1117, True: 32}
    assert Counter(file.collection for file in catalogue.files) == {
        "1largeRjet1lep": 134,
        "1lep": 133,
        "1lep1tau": 115,
        "2lep": 225,
        "3lep": 214,
        "4lep": 110,
        "GamGam": 9,
        "exactly2lep": 209,
    }
    assert sum(not sample.is_data for sample in catalogue.samples.values()) == 228
    assert sum(file.size for file in catalogue.files) == 158_504_732_732
    assert len({file.path for file in catalogue.files}) == len(catalogue.files)
    assert len(catalogue.branches) == 81


def test_the_release_of_2025_has_4668_files() -> None:
    catalogue = load_catalogue("2025")

    assert len(catalogue.files) == 4668
    assert set(Counter(file.collection for file in catalogue.files).values()) == {389}
    assert len(catalogue.samples) == 373 + 16
    assert len({file.path for file in catalogue.files}) == 4668
    assert len(catalogue.branches) == 117
    assert catalogue.file("4lep", "data15_periodD").path == (
        "rucio/opendata/ODEO_FEB2025_v0_4lep_data15_periodD.4lep.root"
    )
    assert catalogue.file("noskim", 301204).path.startswith("rucio/user/egramsta/mc_301204.Pythia8")


@pytest.mark.parametrize("release", ["2020", "2025"])
def test_every_record_is_complete(release: str) -> None:
    catalogue = load_catalogue("2020" if release == "2020" else "2025")

    for file in catalogue.files:
        assert file.size > 0
        assert len(file.adler32) == 8
        assert int(file.adler32, 16) >= 0
        assert file.sample in catalogue.samples
    assert all(collection.description for collection in catalogue.collections.values())
    assert all(branch.description and branch.type for branch in catalogue.branches)
    assert catalogue.licence == "CC0-1.0"
    assert catalogue.sources


def test_published_files_carry_the_portals_numbers() -> None:
    catalogue = load_catalogue("2020")
    data_a = catalogue.file("4lep", "data_A")
    assert (data_a.path, data_a.size, data_a.adler32) == (f"{PLACE}/Data/data_A.4lep.root", 33765, "b6a8df64")
    # The one collection that lies in three folders.
    folders = Counter(file.path.split("/")[2] for file in catalogue.in_collection("1lep").values())
    assert folders.keys() == {"Data-1lep", "MC-1-1lep", "MC-2-1lep"}


def test_a_sample_is_found_by_name_and_by_number() -> None:
    catalogue = load_catalogue("2020")
    assert catalogue.sample(345060) is catalogue.sample("345060") is catalogue.sample("ggH125_ZZ4lep")
    assert catalogue.sample("data_A").dsid is None


def test_sums_of_weights_differ_by_collection() -> None:
    catalogue = load_catalogue("2020")
    default = catalogue.normalisation("Wplusenu", "1lep")
    own = catalogue.normalisation("Wplusenu", "1lep1tau")
    assert default is not None
    assert own is not None
    assert (default.sum_of_weights, own.sum_of_weights) == (473389396815, 288804806460)
    assert catalogue.normalisation("data_A", "1lep") is None
    assert catalogue.normalisation("llll_filter", "4lep") is None


@pytest.mark.parametrize(
    ("sample", "collection", "quantity", "published", "used"),
    [
        ("ttH125_gamgam", "GamGam", "cross_section_pb", 2.6433864e-06, 1.15e-3),
        ("ggH125_WW2lep", "2lep", "cross_section_pb", 0.1481173588, 0.58),
        ("VBFH125_WW2lep", "2lep", "cross_section_pb", 0.02020229148, 0.04),
        ("ZH125_ZZ4lep", "4lep", "cross_section_pb", 2.1424784e-06, 2.4e-4),
        ("ttbar_lep", "1largeRjet1lep", "sum_of_weights", 4938660, 49386600),
        ("ttbar_lep", "4lep", "sum_of_weights", 49386600, 49386600),
    ],
)
def test_doubtful_numbers_are_corrected_openly(
    sample: str, collection: str, quantity: str, published: float, used: float
) -> None:
    catalogue = load_catalogue("2020")
    assert getattr(catalogue.normalisation(sample, collection), quantity) == used
    assert getattr(catalogue.normalisation(sample, collection, published=True), quantity) == published
    if used != published:
        [caveat] = [caveat for caveat in catalogue.sample(sample).caveats if caveat.collection in ("", collection)]
        assert (caveat.quantity, caveat.published, caveat.corrected) == (quantity, published, used)
        assert caveat.reason
        assert caveat.status in ("inferred", "published elsewhere")


def test_the_luminosity_is_that_of_the_periods() -> None:
    catalogue = load_catalogue("2020")
    assert catalogue.luminosity_by_sample == {"data_A": 0.5, "data_B": 1.9, "data_C": 2.9, "data_D": 4.7}
    assert catalogue.luminosity_fb == pytest.approx(sum(catalogue.luminosity_by_sample.values()))
    assert load_catalogue("2025").luminosity_fb == 36.6


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda known: known.collection("gamgam"),
            "error: 'gamgam' is not a collection of the release 2020\n"
            "  did you mean GamGam?\n"
            "  fix: take one of 1largeRjet1lep, 1lep, 1lep1tau, 2lep, 3lep, 4lep, GamGam, exactly2lep",
        ),
        (
            lambda known: known.sample("ggH125_ZZ4l"),
            "error: 'ggH125_ZZ4l' is not a sample of the release 2020\n"
            "  did you mean ggH125_ZZ4lep?\n"
            "  fix: see all of them with `data list --samples`",
        ),
        (
            lambda known: known.file("GamGam", "Zee"),
            "error: the collection GamGam does not hold Zee\n"
            "  fix: Zee is in 1largeRjet1lep, 1lep, 1lep1tau, 2lep, 3lep, 4lep, exactly2lep",
        ),
        (
            lambda known: known.select(["4lep"], ["Higgs*"]),
            "error: no sample of 4lep matches 'Higgs*'\n  fix: see the samples with `data list --samples`",
        ),
    ],
)
def test_what_is_not_there_is_told_with_what_may_have_been_meant(call: object, text: str) -> None:
    with pytest.raises(InputError) as caught:
        call(load_catalogue("2020"))  # type: ignore[operator]
    assert str(caught.value) == text


def test_files_are_chosen_by_collection_and_pattern() -> None:
    catalogue = load_catalogue("2020")
    assert len(catalogue.select()) == 1149
    assert len(catalogue.select(["GamGam"])) == 9
    assert [file.sample for file in catalogue.select(["4lep"], ["data_[AB]", "345060"])] == [
        "data_A",
        "data_B",
        "ggH125_ZZ4lep",
    ]


def test_an_origins_own_manifest_says_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    write_manifest(
        Manifest(
            files=(
                ManifestFile(path="copy/data_A.4lep.root", size=25826, adler32="111f642b", entries=39),
                ManifestFile(path="copy/mc_345060.ggH125_ZZ4lep.4lep.root", size=5, adler32="00000001"),
                ManifestFile(path="notes/extra.root", size=1, adler32="00000002"),
            )
        ),
        path,
    )

    catalogue = load_catalogue("2020", path)

    assert list(catalogue.collections) == ["4lep"]
    assert list(catalogue.samples) == ["data_A", "ggH125_ZZ4lep"]
    data_a = catalogue.file("4lep", "data_A")
    assert (data_a.path, data_a.size, data_a.adler32, data_a.entries) == (
        "copy/data_A.4lep.root",
        25826,
        "111f642b",
        39,
    )
    assert catalogue.unknown == ("notes/extra.root",)
    assert catalogue.luminosity_fb == 0.5
    assert catalogue.normalisation("ggH125_ZZ4lep", "4lep") == load_catalogue("2020").normalisation(345060, "4lep")
    with pytest.raises(InputError) as caught:
        catalogue.file("4lep", "data_B")
    assert caught.value.faults[0].what == "'data_B' is not a sample of the release 2020"


def test_numbers_of_a_manifest_win_over_the_published_ones(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    own = Normalisation(cross_section_pb=1.5, sum_of_weights=1000)
    write_manifest(
        Manifest(
            luminosity_fb={"data_A": 0.25},
            normalisation={"4lep": {"ZH125_ZZ4lep": own}},
            files=(
                ManifestFile(path="data_A.4lep.root", size=1, adler32="00000001"),
                ManifestFile(path="mc_341947.ZH125_ZZ4lep.4lep.root", size=1, adler32="00000001"),
            ),
        ),
        path,
    )
    catalogue = load_catalogue("2020", path)
    assert catalogue.normalisation("ZH125_ZZ4lep", "4lep") == own
    assert catalogue.luminosity_fb == 0.25


def test_a_manifest_that_changed_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    for size in (1, 22):
        path.write_text(
            json.dumps(
                {
                    "format": "lumihub-manifest-1",
                    "files": [{"path": "data_A.4lep.root", "size": size, "adler32": "00000001"}],
                }
            )
        )
        assert load_catalogue("2020", path).file("4lep", "data_A").size == size


def test_a_manifest_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    write_manifest(Manifest(files=(ManifestFile(path="a.root", size=1, adler32="00000001"),)), path)
    with pytest.raises(InputError) as caught:
        load_catalogue("2020", path)
    assert str(caught.value) == (
        "error: the manifest names no file of the release 2020\n"
        f"  in {path}\n"
        "  fix: make it of the folder that holds the release"
    )
