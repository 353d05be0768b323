"""Manifests: which files an origin holds, with their sizes and checksums. What `data manifest` writes."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from lumihub.errors import Fault, InputError

if TYPE_CHECKING:
    from pathlib import Path

FORMAT: Final = "lumihub-manifest-1"
ATLAS_LABEL = "ATLAS Open Data"
SIMULATED_LABEL = "simulated sample, not ATLAS data"


def _below(path: str) -> str:
    if not path or path.startswith("/") or ".." in path.split("/"):
        raise ValueError("should be a path below the origin's folder, without `..`")
    return path


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Normalisation(_Record):
    """What turns simulated events into the number expected in data.

    The weight of an event is mcWeight x scale factors x cross_section_pb x luminosity / (sum_of_weights x efficiency),
    with the luminosity in pb^-1.

    Attributes:
        cross_section_pb: cross-section with filter efficiency and k-factor, in pb.
        efficiency: share of the generated events that the sum of weights covers.
        sum_of_weights: sum of the weights of all generated events, before any selection.
    """

    cross_section_pb: float
    efficiency: float = 1.0
    sum_of_weights: float


class ManifestFile(_Record):
    """One file.

    Attributes:
        path: below the origin's folder (or the manifest's own folder for the simulated sample), with forward slashes.
        size: bytes.
        adler32: eight hexadecimal digits.
        entries: events in the tree, None where they were not counted.
    """

    path: Annotated[str, AfterValidator(_below)]
    size: Annotated[int, Field(ge=0)]
    adler32: Annotated[str, Field(pattern="^[0-9a-f]{8}$")]
    entries: Annotated[int, Field(ge=0)] | None = None


class Manifest(_Record):
    """All files of an origin.

    Attributes:
        label: what plots and pages call the data.
        source: where the files were seen when the manifest was made.
        luminosity_fb: by data sample, in fb^-1; empty for the published values.
        normalisation: by collection (or "default"), then by sample; empty for the published values.
        files: the files, by path.
    """

    format: Literal["lumihub-manifest-1"] = FORMAT
    label: str = ATLAS_LABEL
    source: str = ""
    luminosity_fb: dict[str, float] = {}
    normalisation: dict[str, dict[str, Normalisation]] = {}
    files: tuple[ManifestFile, ...]


def load_manifest(path: Path) -> Manifest:
    """Read a manifest.

    Raises:
        InputError: it is not there, or not a manifest; names each fault.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"the manifest {path} cannot be read: {error.strerror}",
            fix="make one with `data manifest URL -o FILE`, or take data.origin.manifest out of the values file",
        ) from error
    try:
        return Manifest.model_validate(json.loads(text))
    except json.JSONDecodeError as error:
        raise InputError(
            f"the manifest is not JSON: {error.msg}",
            where=f"{path}, line {error.lineno}",
            fix="make it anew with `data manifest`",
        ) from error
    except ValidationError as error:
        raise InputError.from_faults(
            [
                Fault(
                    f"{'.'.join(str(part) for part in fault['loc']) or 'the manifest'}: {fault['msg']}",
                    where=str(path),
                    fix="make it anew with `data manifest`",
                )
                for fault in error.errors()[:5]
            ]
        ) from error


def write_manifest(manifest: Manifest, path: Path) -> None:
    """Write a manifest, one file a line; the old one stays until the new one is whole."""
    head = manifest.model_dump(mode="json", exclude={"files"})
    lines = [f"  {json.dumps(file.model_dump(mode='json', exclude_none=True))}" for file in manifest.files]
    text = json.dumps(head, indent=1)[:-2] + ',\n "files": [\n' + ",\n".join(lines) + "\n ]\n}\n"
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
