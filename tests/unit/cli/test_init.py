import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lumihub.settings import load_settings

LUMIHUB = [sys.executable, "-c", "from lumihub.cli.main import main; main()"]


def converse(cwd, answers, *arguments):
    """Answer each prompt (they end in "]: ") on a terminal of its own; returns what it showed and the exit code."""
    ours, theirs = pty.openpty()
    program = subprocess.Popen(
        [*LUMIHUB, "init", *arguments],
        cwd=cwd,
        env={**os.environ, "NO_COLOR": "1", "TERM": "dumb"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown, waiting, end = "", list(answers), time.monotonic() + 100
    while time.monotonic() < end:
        if not select.select([ours], [], [], 1)[0]:
            continue
        try:
            shown += os.read(ours, 4096).decode()
        except OSError:  # it is done
            break
        if shown.endswith("]: ") and waiting:
            os.write(ours, waiting.pop(0).encode())
            shown += "\n"
    code = program.wait(10)
    os.close(ours)
    return shown.replace("\r", ""), code


def test_without_a_terminal_it_takes_the_defaults(lumihub, tmp_path):
    done = lumihub("init")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "wrote values.yaml" in done.stderr
    assert "next: ./deploy.py up\n" in done.stderr
    lines = (tmp_path / "values.yaml").read_text().splitlines()
    assert len(lines) <= 40


def test_options_answer(lumihub, tmp_path):
    done = lumihub("init", "--admin", "mara", "--port", "8080", "--origin", "/srv/opendata", "-o", "class.yaml")
    assert done.returncode == 0, done.stderr
    assert "next: ./deploy.py up -f class.yaml\n" in done.stderr
    settings = load_settings(tmp_path / "class.yaml")
    assert (settings.auth.admins, settings.proxy.port, settings.data.origin.url) == (("mara",), 8080, "/srv/opendata")


def test_wrong_options_write_nothing_and_exit_2(lumihub, tmp_path):
    done = lumihub("init", "--port", "0", "--signup", "opne")
    assert done.returncode == 2
    assert done.stderr == (
        "error: --signup should be one of approval, open, closed, not 'opne'\n\n"
        "error: --port should be a whole number from 1 to 65535, not 0\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_stays_without_force(lumihub, tmp_path):
    path = tmp_path / "values.yaml"
    path.write_text("# mine\n")
    done = lumihub("init", "--yes")
    assert done.returncode == 2
    assert done.stderr == (
        "error: values.yaml exists already\n  fix: keep it, name another with --output, or replace it with --force\n"
    )
    assert path.read_text() == "# mine\n"
    assert lumihub("init", "--force").returncode == 0
    assert path.read_text() != "# mine\n"


def test_on_a_terminal_it_asks_again_until_the_answer_is_right(tmp_path):
    answers = ["mara\n", "opne\n", "open\n", "\n", "80a\n", "8080\n", "2\n", "1G\n", "\n", "cern-https\n"]
    shown, code = converse(tmp_path, answers)
    assert code == 0, shown
    assert "--signup should be one of approval, open, closed, not 'opne'" in shown
    assert "--port should be a whole number from 1 to 65535, not '80a'" in shown
    assert re.search(r"with 2G: this machine \(\d+G\) holds \d+ such server", shown)
    settings = load_settings(tmp_path / "values.yaml")
    assert settings.auth.admins == ("mara",)
    assert settings.auth.native.signup == "open"
    assert settings.proxy.port == 8080
    assert settings.singleuser.memory.limit == "1G"
    assert settings.data.origin.url == "https://opendata.cern.ch/eos/opendata/atlas"


@pytest.mark.parametrize(("answer", "code", "kept"), [("\n", 2, True), ("yes\n", 0, False)])
def test_on_a_terminal_it_asks_before_it_replaces(tmp_path, answer, code, kept):
    path = tmp_path / "values.yaml"
    path.write_text("# mine\n")
    shown, done = converse(tmp_path, [answer, *["\n"] * 7])
    assert done == code, shown
    assert "values.yaml exists. Replace it (yes or no)? [no]" in shown
    assert (path.read_text() == "# mine\n") is kept


def test_an_option_is_not_asked_for(tmp_path):
    shown, code = converse(tmp_path, ["\n"] * 6, "--port", "8081")
    assert code == 0, shown
    assert "Port that browsers open" not in shown
    assert load_settings(tmp_path / "values.yaml").proxy.port == 8081


def test_answers_that_end_early_write_nothing(tmp_path):
    shown, code = converse(tmp_path, ["mara\n", "\x04"])
    assert code == 2
    assert "error: the answers ended before the questions\n  fix: answer by options, or take defaults: --yes" in shown
    assert not Path(tmp_path / "values.yaml").exists()
