"""The programs that build images: buildah, podman or docker, whichever is there, and their command lines."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from lumihub.errors import LumiHubError
from lumihub.process import find_program, run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Kind = Literal["buildah", "podman", "docker"]

KINDS: tuple[Kind, ...] = ("buildah", "podman", "docker")

# The label by which an image says what it was built from, so that it is not built again.
INPUTS_LABEL = "lumihub.inputs"

_SIZE = re.compile(r"([\d.]+) ?([KMGT]?)B")
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


@dataclass(frozen=True, slots=True)
class Builder:
    """A program that builds images.

    Attributes:
        kind: whose command line it has.
        program: where it is.
        isolation: how buildah and podman keep build steps apart; empty leaves it to them.
    """

    kind: Kind
    program: Path
    isolation: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """The variables that it runs with."""
        # Docker's old builder knows no secrets.
        return {**os.environ, "DOCKER_BUILDKIT": "1"} if self.kind == "docker" else dict(os.environ)


@dataclass(frozen=True, slots=True)
class Build:
    """One image to build.

    Attributes:
        reference: its name with registry and tag.
        containerfile: the file that says how.
        context: the folder that the file copies from.
        arguments: values of the file's ARGs.
        labels: labels to add.
        secrets: files that steps may read while they run, by the names they have there; they stay out of the image.
        fresh: leave what was built before out of it.
    """

    reference: str
    containerfile: Path
    context: Path
    arguments: Mapping[str, str]
    labels: Mapping[str, str]
    secrets: Mapping[str, Path]
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class LocalImage:
    """An image that the builder holds.

    Attributes:
        id: sha256 of its configuration, without a prefix.
        size: bytes unpacked, those included that it shares with others.
        time: when it was made, ISO 8601 in UTC to the second.
        labels: what it says about itself.
    """

    id: str
    size: int
    time: str
    labels: Mapping[str, str]


def find_builder() -> Builder:
    """The first of buildah, podman and docker that is installed.

    Raises:
        LumiHubError: none is.
    """
    for kind in KINDS:
        program = find_program(kind)
        if program:
            return Builder(kind, program)
    raise LumiHubError(
        "no program that builds images is installed",
        fix="apt install buildah (on Fedora and RHEL: dnf install buildah); podman and docker do as well",
    )


def build_build(builder: Builder, build: Build) -> list[str]:
    """The argument list that builds an image."""
    words = [str(builder.program), "build", "--file", str(build.containerfile), "--tag", build.reference]
    if builder.kind == "docker":
        words += ["--progress", "plain"]
    else:
        # A proxy or a mirror on this machine is then reached by the address that it has here.
        words += ["--layers", "--network", "host"]
        words += ["--isolation", builder.isolation] if builder.isolation else []
    words += ["--no-cache"] if build.fresh else []
    for name, value in sorted(build.arguments.items()):
        words += ["--build-arg", f"{name}={value}"]
    for name, value in sorted(build.labels.items()):
        words += ["--label", f"{name}={value}"]
    for name, file in sorted(build.secrets.items()):
        words += ["--secret", f"id={name},src={file}"]
    return [*words, str(build.context)]


def build_pull(builder: Builder, reference: str) -> list[str]:
    """The argument list that pulls an image."""
    return [str(builder.program), "pull", "--quiet", reference]


def build_push(builder: Builder, reference: str, digest_file: Path, *, insecure: bool) -> list[str]:
    """The argument list that pushes an image.

    Args:
        digest_file: where buildah and podman write the digest; docker prints it.
        insecure: also to a registry without TLS, or with a certificate that nobody vouches for.
    """
    if builder.kind == "docker":
        return [str(builder.program), "push", reference]
    trust = ["--tls-verify=false"] if insecure else []
    return [str(builder.program), "push", *trust, "--digestfile", str(digest_file), reference]


def build_save(builder: Builder, reference: str, archive: Path) -> list[str]:
    """The argument list that writes an image into an archive, which every containerd imports."""
    if builder.kind == "buildah":
        return [str(builder.program), "push", "--quiet", reference, f"docker-archive:{archive}:{reference}"]
    layout = ["--format", "docker-archive"] if builder.kind == "podman" else []
    return [str(builder.program), "save", *layout, "--output", str(archive), reference]


def build_inspect(builder: Builder, reference: str) -> list[str]:
    """The argument list that describes an image as JSON."""
    kind = ["inspect", "--type", "image"] if builder.kind == "buildah" else ["image", "inspect"]
    return [str(builder.program), *kind, reference]


def find_image(builder: Builder, reference: str) -> LocalImage | None:
    """What the builder holds under a reference; None where there is no such image.

    Raises:
        LumiHubError: docker is installed and its daemon does not answer.
    """
    done = run(build_inspect(builder, reference), check=False, env=builder.environment)
    if done.exit_code != 0:
        if "daemon" in done.stderr:
            raise LumiHubError(
                "docker is installed, but its daemon does not answer",
                where=done.stderr.strip().splitlines()[-1],
                fix="start it (systemctl start docker), join the group docker, or apt install buildah",
            )
        return None
    if builder.kind == "buildah":
        listed = run([builder.program, "images", "--json", reference], env=builder.environment)
        return read_buildah(done.stdout, listed.stdout)
    return read_inspected(done.stdout)


def read_buildah(inspected: str, listed: str) -> LocalImage:
    """Read what `buildah inspect` and `buildah images --json` say about an image."""
    described: Any = json.loads(inspected)
    number, unit = _SIZE.fullmatch(json.loads(listed)[0]["size"]).groups()  # type: ignore[union-attr]
    config = described["OCIv1"]
    return LocalImage(
        id=described["FromImageID"],
        size=round(float(number) * _UNITS[unit]),
        time=_read_time(config["created"]),
        labels=config["config"].get("Labels") or {},
    )


def read_inspected(inspected: str) -> LocalImage:
    """Read what `podman image inspect` or `docker image inspect` says about an image."""
    [described] = json.loads(inspected)
    return LocalImage(
        id=described["Id"].removeprefix("sha256:"),
        size=described["Size"],
        time=_read_time(described["Created"]),
        labels=described["Config"].get("Labels") or {},
    )


def choose_isolation(builder: Builder, base: str, folder: Path) -> Builder:
    """The builder with an isolation under which steps run here; tried out, for nothing else tells.

    Within a container or a small virtual machine the usual one often cannot start; `chroot` asks for less, and a build
    of our own files needs no more.

    Args:
        base: an image that the builder holds.
        folder: an empty folder for the trial.

    Raises:
        LumiHubError: no step runs at all.
    """
    if builder.kind == "docker" or "BUILDAH_ISOLATION" in os.environ:
        return builder
    (folder / "Containerfile").write_text(f"FROM {base}\nRUN true\n", encoding="utf-8")
    said = ""
    for isolation in ("", "chroot"):
        candidate = replace(builder, isolation=isolation)
        words = [str(builder.program), "build", "--quiet", "--no-cache", "--network", "host"]
        words += ["--isolation", isolation] if isolation else []
        done = run([*words, str(folder)], check=False, env=builder.environment)
        if done.exit_code == 0:
            run([builder.program, "rmi", done.stdout.split()[-1]], check=False, env=builder.environment)
            return candidate
        said = done.stderr.strip()[-500:]
    raise LumiHubError(f"{builder.kind} cannot run a step of a build here: {said}", where=str(builder.program))


def _read_time(text: str) -> str:
    """Builders write nanoseconds and an offset; Python reads microseconds."""
    moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
