"""atlasopenmagic itself, with its service out of reach: nothing listens where its variable points."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

import pytest

from lumihub.data.access import DataAccess
from lumihub.data.catalogue import load_catalogue
from lumihub.data.manifest import Manifest, ManifestFile, write_manifest
from lumihub.data.openmagic import adapt
from lumihub.errors import LumiHubError
from servers.ports import find_free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CERN = "root://eospublic.cern.ch:1094//eos/opendata/atlas"
PERIOD = "rucio/opendata/ODEO_FEB2025_v0_exactly4lep_data15_periodD.exactly4lep.root"
A = "OutreachDatasets/2020-08-19/4lep/Data/data_A.4lep.root"
CACHED = DataAccess(release="2025", mode="cache", origin=CERN, cache="root://cache:1094")


@pytest.fixture
def atom(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The package as it comes, loaded anew."""

    def forget() -> None:
        for name in [name for name in sys.modules if name.partition(".")[0] == "atlasopenmagic"]:
            del sys.modules[name]
        logging.getLogger("atlasopenmagic").handlers.clear()

    monkeypatch.setenv("ATLAS_API_BASE_URL", f"http://127.0.0.1:{find_free_port()}")
    forget()
    import atlasopenmagic

    yield atlasopenmagic
    forget()


@pytest.mark.parametrize("options", [{}, {"protocol": "https", "cache": True}, {"protocol": "https"}])
def test_every_way_of_asking_names_the_cache(atom: Any, options: dict[str, Any]) -> None:
    adapt(atom, CACHED)
    atom.set_release("2025e-13tev-beta")
    assert atom.get_urls("data", "exactly4lep", **options)[0] == f"root://cache:1094//eos/opendata/atlas/{PERIOD}"
    assert atom.metadata.get_urls is atom.get_urls
    built = atom.build_dataset({"data": {"dids": ["data"]}}, skim="exactly4lep", **options)
    assert built == {"data": {"list": atom.get_urls("data", "exactly4lep")}}


def test_without_the_service_a_release_has_all_its_files(atom: Any, caplog: pytest.LogCaptureFixture) -> None:
    adapt(atom, CACHED)
    atom.set_release("2025e-13tev-beta")
    assert "does not answer: files are found without it, cross-sections and keywords are not" in caplog.messages[0]
    assert caplog.messages[-1] == "Files are read from root://cache:1094//eos/opendata/atlas"

    catalogue = load_catalogue("2025")
    numbers = {str(sample.dsid) for sample in catalogue.samples.values() if not sample.is_data}
    assert set(atom.available_datasets()) == numbers | {"data"}
    assert set(atom.available_skims()) == set(catalogue.collections) - {"noskim"}
    named = [
        url
        for key in atom.available_datasets()
        for skim in ("noskim", *atom.available_skims())
        if skim == "noskim" or skim in {one["skim_type"] for one in atom.get_all_info(key)["skims"]}
        for url in atom.get_urls(key, skim)
    ]
    assert sorted(named) == sorted(f"root://cache:1094//eos/opendata/atlas/{file.path}" for file in catalogue.files)

    atom.set_release("2020e-13tev")
    assert atom.get_urls("data", "4lep")[0] == f"root://cache:1094//eos/opendata/atlas/{A}"
    assert atom.get_urls("ggH125_ZZ4lep", "4lep") == atom.get_urls(345060, "4lep")
    with pytest.raises(ValueError, match="Invalid field name: 'cross_section_pb'"):
        atom.get_metadata("345060", "cross_section_pb")


def test_other_releases_come_through_the_cache_too(atom: Any, tmp_path: Path) -> None:
    adapt(atom, CACHED)
    record = tmp_path / "metadata.json"
    record.write_text(f'{{"1": {{"file_list": ["{CERN}/rucio/mc20_13TeV/x.root", "https://example.org/y.root"]}}}}')
    atom.read_metadata(str(record), "2024r-pp")
    assert atom.get_urls("1", protocol="eos") == [
        "root://cache:1094//eos/opendata/atlas/rucio/mc20_13TeV/x.root",
        "https://example.org/y.root",
    ]


def test_a_folder_of_the_notebooks_own_stays(atom: Any, tmp_path: Path) -> None:
    adapt(atom, CACHED)
    atom.set_release("2025e-13tev-beta", local_path=str(tmp_path))
    assert atom.get_urls("data", "exactly4lep")[0] == str(tmp_path / PERIOD)


def test_an_origin_of_ones_own_is_asked_for_what_it_holds(atom: Any, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    write_manifest(Manifest(files=(ManifestFile(path="school/data_A.4lep.root", size=1, adler32="0" * 8),)), manifest)
    adapt(atom, DataAccess(release="2020", origin="https://school.example.org/atlas", manifest=manifest))
    record = tmp_path / "metadata.json"
    record.write_text(f'{{"data": {{"file_list": ["{CERN}/{A}", "{CERN}/{A.replace("data_A", "data_B")}"]}}}}')
    atom.read_metadata(str(record), "2020e-13tev")
    with pytest.warns(UserWarning, match="^1 of 2 files are not at this platform's origin: they are read from CERN$"):
        named = atom.get_urls("data")
    assert named == ["https://school.example.org/atlas/school/data_A.4lep.root", f"{CERN}/{A}".replace("_A", "_B")]


def test_a_mirror_says_what_has_not_been_fetched(atom: Any, tmp_path: Path) -> None:
    adapt(atom, DataAccess(release="2020", mode="mirror", origin=CERN, mirror=tmp_path))
    atom.set_release("2020e-13tev")
    with pytest.raises(LumiHubError, match="data_A of 4lep has not been fetched into the mirror"):
        atom.get_urls("data", "4lep")
    for path in [one.path for one in load_catalogue("2020").in_collection("4lep").values()]:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    assert atom.get_urls("data", "4lep", protocol="https")[0] == str(tmp_path / A)

    # Of another release what has been fetched is read here, and the rest at the origin.
    atom.set_release("2025e-13tev-beta")
    (tmp_path / PERIOD).parent.mkdir(parents=True)
    (tmp_path / PERIOD).touch()
    found = atom.get_urls("data", "exactly4lep")
    assert found[0] == str(tmp_path / PERIOD)
    assert found[1] == f"{CERN}/{PERIOD.replace('periodD', 'periodE')}"


def test_beside_the_simulated_sample_the_packages_own_files_stay(atom: Any) -> None:
    published = (atom.get_urls, atom.set_release)
    adapt(atom, DataAccess())
    assert (atom.get_urls, atom.set_release) == published


def test_nothing_is_installed(atom: Any, caplog: pytest.LogCaptureFixture) -> None:
    adapt(atom, CACHED)
    atom.install_from_environment()
    atom.install_from_environment("uproot", "no-such-package")
    assert caplog.messages == [
        "Nothing is installed: everybody has the same packages here.",
        "Nothing is installed: everybody has the same packages here.",
        "Not among them: no-such-package. Ask your instructor.",
    ]
