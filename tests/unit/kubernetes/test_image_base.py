import os
from pathlib import Path

import pytest

from lumihub.errors import LumiHubError
from lumihub.kubernetes import image_base
from lumihub.kubernetes.image_base import build_mmdebstrap, ensure_base
from lumihub.kubernetes.image_builders import Builder
from lumihub.progress import Silent

BASE = "docker.io/library/debian:trixie-slim"


def write_builder(folder, *, held=(), pulls=True):
    """A program that answers as podman does, and writes down what it was asked."""
    program = folder / "podman"
    image = '[{"Id":"1","Size":1,"Created":"2026-11-25T16:00:00Z","Config":{}}]'
    answers = "".join(f"""  "image inspect {one}") echo '{image}' ;;\n""" for one in held)
    pull = "" if pulls else "echo 'dial tcp: lookup registry-1.docker.io: no such host' >&2; exit 125 "
    program.write_text(
        f'#!/bin/sh\necho "$@" >> {folder}/asked\ncase "$*" in\n{answers}  pull*) {pull};;\n  *) exit 1 ;;\nesac\n'
    )
    program.chmod(0o755)
    return Builder("podman", program)


def asked(folder):
    return (folder / "asked").read_text().splitlines()


def test_what_is_here_is_taken(tmp_path):
    assert ensure_base(write_builder(tmp_path, held=[BASE]), BASE, Silent()) == BASE
    assert asked(tmp_path) == [f"image inspect {BASE}"]


def test_what_was_made_here_is_taken(tmp_path):
    made = "localhost/lumihub/debian:trixie"
    assert ensure_base(write_builder(tmp_path, held=[made]), BASE, Silent()) == made


def test_what_is_missing_is_pulled_and_fresh_pulls_again(tmp_path):
    assert ensure_base(write_builder(tmp_path), BASE, Silent()) == BASE
    assert asked(tmp_path)[-1] == f"pull --quiet {BASE}"
    (tmp_path / "asked").unlink()
    assert ensure_base(write_builder(tmp_path, held=[BASE]), BASE, Silent(), fresh=True) == BASE
    assert asked(tmp_path) == [f"pull --quiet {BASE}"]


@pytest.mark.parametrize(("program", "account"), [(None, 0), (Path("/usr/bin/mmdebstrap"), 1000)])
def test_where_it_can_be_neither_pulled_nor_made(tmp_path, monkeypatch, program, account):
    monkeypatch.setattr(image_base, "find_program", lambda name: program)
    monkeypatch.setattr(os, "geteuid", lambda: account)
    builder = write_builder(tmp_path, pulls=False)
    with pytest.raises(LumiHubError) as caught:
        ensure_base(builder, BASE, Silent())
    assert str(caught.value) == (
        f"error: {BASE} cannot be pulled: dial tcp: lookup registry-1.docker.io: no such host\n"
        f"  in {builder.program}\n"
        "  fix: connect this machine to the internet; or, where no registry of images answers, apt install mmdebstrap"
        " and type the same command as root: the base is then made from Debian's packages"
    )


def test_corrections_are_among_the_sources():
    words = build_mmdebstrap(Path("/usr/bin/mmdebstrap"), "trixie", Path("/s"), Path("/a.tar"))
    assert words[:5] == [
        "/usr/bin/mmdebstrap", "--mode=root", "--variant=minbase", "--format=tar", "--dpkgopt=/s",
    ]  # fmt: skip
    assert words[-5:] == [
        "trixie",
        "/a.tar",
        "deb http://deb.debian.org/debian trixie main",
        "deb http://deb.debian.org/debian trixie-updates main",
        "deb http://deb.debian.org/debian-security trixie-security main",
    ]
