"""The Debian that images start from: pulled where a registry answers, else made from Debian's own packages."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lumihub.errors import LumiHubError
from lumihub.kubernetes.image_builders import build_pull, find_image
from lumihub.kubernetes.image_steps import run_builder
from lumihub.process import find_program, run

if TYPE_CHECKING:
    from lumihub.kubernetes.image_builders import Builder
    from lumihub.progress import Progress, Task

_MIRROR = "http://deb.debian.org/debian"
_SECURITY = "http://deb.debian.org/debian-security"
# What Debian's own slim images leave out, and what belongs to the machine that it was made on.
_LEFT_OUT = (
    "dev/*", "proc/*", "sys/*", "run/*", "tmp/*", "var/cache/*", "var/lib/apt/lists/*", "var/log/*",
    "usr/share/doc/*", "usr/share/info/*", "usr/share/locale/*", "usr/share/man/*",
    "etc/hostname", "etc/resolv.conf",
)  # fmt: skip
# The same for what is installed later on.
_DPKG = "".join(f"path-exclude=/usr/share/{folder}/*\n" for folder in ("doc", "info", "locale", "man"))
_PATIENCE = 3600
# Systems and archives are as large as the images; /tmp may lie in memory, or forbid devices and programs.
SCRATCH = "/var/tmp"  # noqa: S108


def ensure_base(builder: Builder, base: str, progress: Progress, *, fresh: bool = False) -> str:
    """Have the base image at hand.

    Args:
        base: such as docker.io/library/debian:bookworm-slim.
        fresh: ask for a newer one even where it is here.

    Returns:
        the reference to start from: `base`, or that of the one that was made here.

    Raises:
        LumiHubError: it can neither be pulled nor made; says what to install or to type.
    """
    suite = base.rpartition(":")[2].removesuffix("-slim")
    made = f"localhost/lumihub/debian:{suite}"
    if not fresh:
        for reference in (base, made):
            if find_image(builder, reference):
                return reference
    with progress.task(f"pulling {base}"):
        pulled = run(build_pull(builder, base), check=False, timeout=_PATIENCE, env=builder.environment)
    if pulled.exit_code == 0:
        progress.step(f"{base} pulled")
        return base
    reason = (pulled.stderr.strip() or "no answer").splitlines()[-1]
    debootstrap = find_program("debootstrap")
    if debootstrap is None or os.geteuid() != 0:
        raise LumiHubError(
            f"{base} cannot be pulled: {reason}",
            where=str(builder.program),
            fix="connect this machine to the internet; or, where no registry of images answers, apt install debootstrap"
            " and type the same command as root: the base is then made from Debian's packages",
        )
    progress.warn(f"{base} cannot be pulled, so Debian {suite} is made from its packages with debootstrap ({reason})")
    with progress.task(f"making Debian {suite}") as task:
        _make(builder, debootstrap, suite, made, task)
    progress.step(f"Debian {suite} made from its packages")
    return made


def build_debootstrap(debootstrap: Path, suite: str, folder: Path) -> list[str]:
    """The argument list that unpacks a Debian into a folder."""
    return [str(debootstrap), "--variant=minbase", suite, str(folder), _MIRROR]


def build_archive(folder: Path, archive: Path) -> list[str]:
    """The argument list that packs an unpacked Debian, without what an image does not need."""
    left_out = [f"--exclude=./{pattern}" for pattern in _LEFT_OUT]
    return ["tar", "--create", f"--file={archive}", f"--directory={folder}", "--numeric-owner", *left_out, "."]


def build_sources(suite: str) -> str:
    """Where the image's apt finds Debian with its corrections."""
    return f"deb {_MIRROR} {suite} main\ndeb {_MIRROR} {suite}-updates main\ndeb {_SECURITY} {suite}-security main\n"


def _make(builder: Builder, debootstrap: Path, suite: str, reference: str, task: Task) -> None:
    with tempfile.TemporaryDirectory(dir=SCRATCH, prefix="lumihub-base-") as place:
        system, context = Path(place, "system"), Path(place, "context")
        context.mkdir()
        system.mkdir(mode=0o755)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        what = f"make Debian {suite}"
        run_builder(build_debootstrap(debootstrap, suite, system), environment, what, task)
        (system / "etc/apt/sources.list").write_text(build_sources(suite), encoding="utf-8")
        (system / "etc/dpkg/dpkg.cfg.d/slim").write_text(_DPKG, encoding="utf-8")
        # debootstrap knows the release as it came out; this brings what has been corrected since.
        task.describe(f"{what}: security updates")
        for words in (["apt-get", "update"], ["apt-get", "--yes", "upgrade"]):
            run_builder(["chroot", str(system), *words], environment, what, task)
        run(build_archive(system, context / "system.tar"), timeout=_PATIENCE)
        shutil.rmtree(system)
        text = 'FROM scratch\nADD system.tar /\nCMD ["/bin/bash"]\n'
        (context / "Containerfile").write_text(text, encoding="utf-8")
        task.describe(f"{what}: image")
        words = [str(builder.program), "build", "--tag", reference, "--file", str(context / "Containerfile")]
        run_builder([*words, str(context)], builder.environment, what, task)
