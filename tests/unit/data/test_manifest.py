from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lumihub.data.manifest import Manifest, ManifestFile, Normalisation, load_manifest, write_manifest
from lumihub.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def test_what_was_written_is_read(tmp_path: Path) -> None:
    manifest = Manifest(
        label="my data",
        source="root://here//there",
        luminosity_fb={"data_A": 0.5},
        normalisation={"4lep": {"Zee": Normalisation(cross_section_pb=2, sum_of_weights=3)}},
        files=(
            ManifestFile(path="a/b.root", size=3, adler32="0000beef", entries=7),
            ManifestFile(path="c.root", size=0, adler32="00000001"),
        ),
    )
    path = tmp_path / "manifest.json"
    write_manifest(manifest, path)

    assert load_manifest(path) == manifest
    assert [file.name for file in tmp_path.iterdir()] == ["manifest.json"]
    assert path.read_text().count("\n  {") == 2


def _refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_manifest(path)
    return str(caught.value)


def test_one_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "none.json"
    assert _refusal(path) == (
        f"error: the manifest {path} cannot be read: No such file or directory\n"
        "  fix: make one with `data manifest URL -o FILE`, or take data.origin.manifest out of the values file"
    )


def test_one_that_was_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "short.json"
    path.write_text('{\n "files": [')
    assert _refusal(path) == (
        f"error: the manifest is not JSON: Expecting value\n  in {path}, line 2\n"
        "  fix: make it anew with `data manifest`"
    )


@pytest.mark.parametrize("place", ["../../etc/passwd", "/etc/passwd", "a/../../b", ""])
def test_paths_that_leave_the_folder_are_refused(tmp_path: Path, place: str) -> None:
    path = tmp_path / "evil.json"
    path.write_text(f'{{"files": [{{"path": "{place}", "size": 1, "adler32": "00000001"}}]}}')
    assert _refusal(path) == (
        "error: files.0.path: Value error, should be a path below the origin's folder, without `..`\n"
        f"  in {path}\n"
        "  fix: make it anew with `data manifest`"
    )


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text('{"files": [{"path": "a", "size": -1, "adler32": "xyz"}]}')
    text = _refusal(path)
    assert "files.0.size: Input should be greater than or equal to 0" in text
    assert "files.0.adler32: String should match pattern '^[0-9a-f]{8}$'" in text
