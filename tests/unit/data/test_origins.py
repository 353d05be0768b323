from __future__ import annotations

from typing import TYPE_CHECKING

import fsspec
import pytest

from lumihub.data.listing import build_manifest
from lumihub.data.origins import Origin, OriginError, build_options, join_url, probe_origin
from lumihub.errors import InputError, LumiHubError
from lumihub.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def memory() -> Iterator[str]:
    files = fsspec.filesystem("memory")
    files.pipe("/atlas/a/one.root", b"0123456789")
    files.pipe("/atlas/two.root", b"abc")
    files.pipe("/atlas/notes.txt", b"no")
    yield "memory://atlas"
    files.rm("/atlas", recursive=True)


@pytest.mark.parametrize("base", ["root://h:1//eos/atlas", "root://h:1//eos/atlas/"])
def test_the_double_slash_of_xrootd_stays(base: str) -> None:
    assert join_url(base, "a/b.root") == "root://h:1//eos/atlas/a/b.root"


def test_any_file_system_of_fsspec_will_do(memory: str) -> None:
    origin = Origin(memory)
    assert list(origin.walk()) == [("a/one.root", 10), ("notes.txt", 2), ("two.root", 3)]
    assert origin.size("a/one.root") == 10
    with origin.open("a/one.root", 10) as file:
        assert file.read(3, 4) == b"3456"
        with pytest.raises(OriginError, match="the file at the origin ends after 10 bytes"):
            file.read(8, 5)
    with (
        pytest.raises(OriginError, match=r"the origin does not have memory://atlas/none\.root") as caught,
        origin.open("none.root", 1),
    ):
        pass
    assert caught.value.lasting


def test_a_manifest_of_any_origin(memory: str) -> None:
    manifest = build_manifest(memory, Silent())
    assert [(file.path, file.size, file.adler32) for file in manifest.files] == [
        ("a/one.root", 10, "0aff020e"),
        ("two.root", 3, "024d0127"),
    ]


def test_a_folder_without_root_files(tmp_path: Path) -> None:
    with pytest.raises(LumiHubError) as caught:
        build_manifest(str(tmp_path), Silent())
    assert str(caught.value) == (
        "error: there is no .root file below the origin\n"
        f"  in {tmp_path}\n"
        "  fix: name the folder that holds OutreachDatasets/"
    )


def test_a_folder_answers_or_is_not_there(tmp_path: Path) -> None:
    assert probe_origin(str(tmp_path)).reachable
    state = probe_origin(str(tmp_path / "none"))
    assert (state.reachable, state.detail) == (False, f"{tmp_path}/none is not there")


def test_storage_without_its_package_says_what_to_do() -> None:
    with pytest.raises(InputError) as caught:
        Origin("gcs://bucket/atlas")
    fault = caught.value.faults[0]
    assert fault.what.startswith("data.origin.url: reading gcs:// needs a package that is not installed (")
    assert fault.fix == "install the package into LumiHub's environment"


def test_a_scheme_that_nobody_knows() -> None:
    with pytest.raises(InputError) as caught:
        Origin("gopher://cern.ch/atlas")
    assert str(caught.value) == (
        "error: data.origin.url: gopher://cern.ch/atlas cannot be read: Protocol not known: gopher\n"
        "  fix: use root://, https://, s3:// or a folder of this machine"
    )


def test_every_client_has_a_limit() -> None:
    assert build_options("root://h//x", timeout=7) == {"timeout": 7, "locate_all_sources": False}
    assert build_options("s3://b", timeout=7) == {"config_kwargs": {"connect_timeout": 7, "read_timeout": 7}}
    client = build_options("https://h/x", timeout=7)["client_kwargs"]
    assert (client["timeout"].sock_connect, client["timeout"].sock_read, client["trust_env"]) == (7, 7, True)
