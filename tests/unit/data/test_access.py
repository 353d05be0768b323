from __future__ import annotations

import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from lumihub import data
from lumihub.data.access import VARIABLE, DataAccess, build_access, storage_options
from lumihub.data.catalogue import load_catalogue
from lumihub.data.manifest import Manifest, ManifestFile, write_manifest
from lumihub.errors import InputError, LumiHubError
from lumihub.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

CERN = "root://eospublic.cern.ch//eos/opendata/atlas"
A = "OutreachDatasets/2020-08-19/4lep/Data/data_A.4lep.root"


def _use(monkeypatch: pytest.MonkeyPatch, access: DataAccess) -> None:
    for name, value in access.environment().items():
        monkeypatch.setenv(name, value)


def test_streaming_names_the_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    _use(monkeypatch, DataAccess(release="2020", mode="stream", origin=CERN))
    assert data.files("4lep", "data_A") == [f"{CERN}/{A}"]
    assert data.files("4lep", 345060) == [
        f"{CERN}/OutreachDatasets/2020-08-19/4lep/MC/mc_345060.ggH125_ZZ4lep.4lep.root"
    ]
    assert len(data.files("4lep")) == 110
    assert data.label() == "ATLAS Open Data"


@pytest.mark.parametrize(
    ("origin", "first"),
    [
        ("https://opendata.cern.ch/eos/opendata/atlas/", f"https://opendata.cern.ch/eos/opendata/atlas/{A}"),
        ("/srv/atlas", f"/srv/atlas/{A}"),
        ("s3://bucket/atlas", f"s3://bucket/atlas/{A}"),
    ],
)
def test_any_origin_has_the_same_paths(monkeypatch: pytest.MonkeyPatch, origin: str, first: str) -> None:
    _use(monkeypatch, DataAccess(release="2020", origin=origin))
    assert data.files("4lep", "data_A") == [first]


@pytest.mark.parametrize("origin", [CERN, "root://eospublic.cern.ch:1094//eos/opendata/atlas/"])
def test_the_cache_keeps_the_origins_path(monkeypatch: pytest.MonkeyPatch, origin: str) -> None:
    _use(monkeypatch, DataAccess(release="2020", mode="cache", origin=origin, cache="root://127.0.0.1:11094"))
    assert data.files("4lep", "data_A") == [f"root://127.0.0.1:11094//eos/opendata/atlas/{A}"]


def test_the_mirror_has_what_was_fetched_and_says_how_to_fetch_the_rest(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _use(monkeypatch, DataAccess(release="2020", mode="mirror", origin=CERN, mirror=tmp_path))
    (tmp_path / A).parent.mkdir(parents=True)
    (tmp_path / A).touch()
    assert data.files("4lep", "data_A") == [str(tmp_path / A)]
    with pytest.raises(LumiHubError) as caught:
        data.files("4lep", "data_A", "data_B")
    missing = tmp_path / A.replace("data_A", "data_B")
    assert str(caught.value) == (
        "error: data_B of 4lep has not been fetched into the mirror\n"
        f"  in {missing}\n"
        "  fix: python3 deploy.py data fetch 4lep --sample 'data_B'"
    )


def test_luminosity_of_all_and_of_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    _use(monkeypatch, DataAccess(release="2020", origin=CERN))
    assert data.luminosity() == 10.0
    assert data.luminosity("data_A", "data_D") == pytest.approx(5.2)
    with pytest.raises(InputError) as caught:
        data.luminosity("Zee")
    assert str(caught.value) == (
        "error: the luminosity of Zee alone is not known\n"
        "  fix: call luminosity() for all of the data, or name data samples that have one:"
        " data_A, data_B, data_C, data_D"
    )


def test_nothing_said_means_the_simulated_sample() -> None:
    assert DataAccess.current({}) == DataAccess(release="simulated")
    assert DataAccess().environment() == {VARIABLE: '{"release":"simulated","mode":"stream","origin":""}'}


def test_a_broken_variable_is_told() -> None:
    with pytest.raises(InputError) as caught:
        DataAccess.current({VARIABLE: '{"release": "2019"}'})
    assert str(caught.value) == (
        "error: the environment variable LUMIHUB_DATA cannot be read: Input should be '2020', '2025' or 'simulated'\n"
        "  fix: restart your server, or unset LUMIHUB_DATA to read the simulated sample"
    )


def test_students_clients_do_not_wait_for_minutes() -> None:
    environment = DataAccess(release="2020", origin=CERN).environment()
    assert {name: value for name, value in environment.items() if name != VARIABLE} == {
        "XRD_CONNECTIONWINDOW": "5",
        "XRD_CONNECTIONRETRY": "5",
        "XRD_STREAMERRORWINDOW": "5",
        "XRD_REQUESTTIMEOUT": "60",
        "XRD_TIMEOUTRESOLUTION": "1",
        "FSSPEC_ROOT": '{"timeout": 60, "locate_all_sources": false}',
    }
    assert storage_options(f"{CERN}/{A}") == {"timeout": 60, "locate_all_sources": False}
    assert storage_options("/srv/a.root") == {}


def test_settings_become_access(tmp_path: Path) -> None:
    manifest = tmp_path / "closed" / "own.json"
    manifest.parent.mkdir(mode=0o700)
    write_manifest(Manifest(files=(ManifestFile(path=A, size=1, adler32="00000001"),)), manifest)
    manifest.chmod(0o600)
    settings = Settings.model_validate(
        {"data": {"mode": "mirror", "origin": {"url": "/srv/atlas", "manifest": str(manifest)}}}
    )

    access = build_access(settings, tmp_path, simulated=False)

    assert (access.release, access.mode, access.origin) == ("2020", "mirror", "/srv/atlas")
    assert access.mirror == tmp_path / "mirror"
    assert access.manifest == tmp_path / "manifest.json"
    assert stat.S_IMODE(access.manifest.stat().st_mode) == 0o644
    assert len(access.catalogue().files) == 1
    assert DataAccess.current(access.environment()) == access
    assert build_access(settings, tmp_path, simulated=True) == DataAccess()


def test_no_cache_in_front_of_a_folder(tmp_path: Path) -> None:
    settings = Settings.model_validate({"data": {"mode": "cache", "origin": {"url": "/srv/atlas"}}})
    access = build_access(settings, tmp_path, simulated=False)
    assert (access.mode, access.cache) == ("stream", None)


def test_the_catalogue_of_a_notebook_is_that_of_its_release(monkeypatch: pytest.MonkeyPatch) -> None:
    _use(monkeypatch, DataAccess(release="2025", origin=CERN))
    assert data.catalogue() is load_catalogue("2025")


def test_files_opened_without_options_wait_no_longer_than_ours() -> None:
    environment = DataAccess(release="2020", origin=CERN).environment()
    code = "import fsspec; fs = fsspec.filesystem('root', hostid='h'); print(fs.timeout, fs.locate_all_sources)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "60 False\n"
