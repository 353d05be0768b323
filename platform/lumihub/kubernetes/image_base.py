"""The Debian that images start from: pulled where a registry answers, else made from Debian's own packages."""

from __future__ import annotations

import os
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
# What Debian's own slim images leave out, now and in what is installed later on.
_LEFT_OUT = "".join(f"path-exclude=/usr/share/{folder}/*\n" for folder in ("doc", "info", "locale", "man"))
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
    mmdebstrap = find_program("mmdebstrap")
    if mmdebstrap is None or os.geteuid() != 0:
        raise LumiHubError(
            f"{base} cannot be pulled: {reason}",
            where=str(builder.program),
            fix="connect this machine to the internet; or, where no registry of images answers, apt install mmdebstrap"
            " and type the same command as root: the base is then made from Debian's packages",
        )
    progress.warn(f"{base} cannot be pulled, so Debian {suite} is made from its packages with mmdebstrap ({reason})")
    with progress.task(f"making Debian {suite}") as task:
        _make(builder, mmdebstrap, suite, made, task)
    progress.step(f"Debian {suite} made from its packages")
    return made


def build_mmdebstrap(mmdebstrap: Path, suite: str, options: Path, archive: Path) -> list[str]:
    """The argument list that makes a Debian with all its corrections.

    Args:
        options: a file of dpkg's options, which the made Debian keeps.
        archive: the tar file to write.
    """
    words = [str(mmdebstrap), "--mode=root", "--variant=minbase", "--format=tar", f"--dpkgopt={options}"]
    # These belong to the machine that it is made on.
    words += [f'--customize-hook=rm -f "$1/etc/{name}"' for name in ("hostname", "resolv.conf")]
    sources = (
        f"deb {_MIRROR} {suite} main",
        f"deb {_MIRROR} {suite}-updates main",
        f"deb {_SECURITY} {suite}-security main",
    )
    return [*words, suite, str(archive), *sources]


def _make(builder: Builder, mmdebstrap: Path, suite: str, reference: str, task: Task) -> None:
    with tempfile.TemporaryDirectory(dir=SCRATCH, prefix="lumihub-base-") as place:
        options, context = Path(place, "slim"), Path(place, "context")
        context.mkdir()
        options.write_text(_LEFT_OUT, encoding="utf-8")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "TMPDIR": place}
        what = f"make Debian {suite}"
        run_builder(build_mmdebstrap(mmdebstrap, suite, options, context / "system.tar"), environment, what, task)
        text = 'FROM scratch\nADD system.tar /\nCMD ["/bin/bash"]\n'
        (context / "Containerfile").write_text(text, encoding="utf-8")
        task.describe(f"{what}: image")
        words = [str(builder.program), "build", "--tag", reference, "--file", str(context / "Containerfile")]
        run_builder([*words, str(context)], builder.environment, what, task)
