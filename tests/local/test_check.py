"""`check` against a real hub: passes where a student can work, and says why where a student can't."""

from __future__ import annotations

import json
import pwd
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from lumihub.backend import Access
from lumihub.hub.client import HubClient
from lumihub.operations.check import remove_leftovers
from lumihub.operations.known_answers import PUBLISHED
from opendata import EVENTS
from servers.hub import PREFIX, Installation, installation, running_hub

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.xrootd import XRootDOrigin

pytestmark = pytest.mark.timeout(600)

RUN = """
from lumihub import analysis, data
from lumihub.analysis.questions import question
first = analysis.run("higgs-4l", files=data.files("4lep", "data_A"))
result = analysis.run("higgs-4l", files=data.files("4lep", "data_A", "data_B"))
"""
LESSONS = {
    "raises": ["ready = True", "share = 1 / 0"],
    "kills": ["ready = True", "import os\nos._exit(1)"],
    "miscounts": [RUN, "result.counts['data_A'].cuts[2][0] += 1"],
    "misjudges": [RUN, "question('4l-charge', first)"],
    "sleeps": ["import time\ntime.sleep(120)"],
}


@pytest.fixture(scope="module")
def lessons() -> Iterator[Path]:
    """An institution's own lessons, each with a fault of its own, where students can read them."""
    folder = Path(tempfile.mkdtemp(prefix="lumihub-lessons-", dir="/tmp"))
    folder.chmod(0o755)
    for name, sources in LESSONS.items():
        cells = [new_code_cell(source, id=f"cell-{place}") for place, source in enumerate(sources, 1)]
        nbformat.write(new_notebook(cells=cells), folder / f"{name}.ipynb")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def hub(lessons: Path) -> Iterator[Installation]:
    with running_hub(lessons={"folder": str(lessons)}) as one:
        yield one


def find_traces(one: Installation) -> list[str]:
    """Whatever a check could have left: accounts, homes, logs, processes."""
    accounts = json.loads(one.lumihub("users", "list", "--json").stdout)
    names = [account["name"] for account in accounts if account["name"].startswith("lumihub-check")]
    users = [entry.pw_name for entry in pwd.getpwall() if entry.pw_name.startswith(f"{PREFIX}lumihub-check")]
    folders = (one.folder / "homes", one.folder / "logs" / "students")
    files = [str(path) for folder in folders for path in folder.iterdir() if path.name.startswith("lumihub-check")]
    lines = subprocess.run(["ps", "axwwe", "-o", "args"], capture_output=True, text=True, check=True).stdout
    marked = [
        line[:80] for line in lines.splitlines() if "JUPYTERHUB_USER=lumihub-check" in line and str(one.url) in line
    ]
    return names + users + files + marked


@contextmanager
def checking(one: Installation, lesson: str) -> Iterator[subprocess.Popen[str]]:
    """A check that is at work in the lesson's first cell."""
    command = one.command("check", "--lesson", lesson)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if "Running the lesson" in line:
                break
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_student_can_work_on_the_simulated_sample(hub: Installation) -> None:
    done = hub.lumihub("check")
    assert done.stdout.startswith(
        "A student can work: lessons/01-higgs-to-four-leptons.ipynb on simulated sample, not ATLAS data, "
    )
    steps = [line.partition(" (")[0] for line in done.stderr.splitlines() if line.startswith("✓")]
    assert steps == [
        "✓ account made",
        "✓ logged in at the login page",
        "✓ server started",
        "✓ opened lessons/01-higgs-to-four-leptons.ipynb",
        "✓ kernel started",
        "✓ every cell ran",
        "✓ result compared",
        "✓ questions answered",
        "✓ server stopped",
        "✓ cleaned up",
    ]
    assert "72 counts as in the same analysis run by the tool itself" in done.stderr
    assert "6 right" in done.stderr
    assert find_traces(hub) == []


@pytest.mark.parametrize(
    ("lesson", "error", "seen"),
    [
        ("raises", "cell 2 of 2 (cell-2) failed: ZeroDivisionError: division by zero", "share = 1 / 0"),
        ("kills", "cell 2 of 2 (cell-2) failed: the kernel died", "os._exit(1)"),
        (
            "miscounts",
            "the lesson's result differs from the same analysis run by the tool itself",
            "data_A: charge-and-flavour keeps",
        ),
        ("misjudges", "the lesson calls the right answer to 4l-charge wrong:", "✗ Not yet."),
    ],
)
def test_a_lesson_that_goes_wrong_is_found_and_shown(hub: Installation, lesson: str, error: str, seen: str) -> None:
    done = hub.lumihub("check", "--lesson", lesson, check=False)
    assert done.returncode == 1, done.stderr
    assert f"error: {error}" in done.stderr
    assert seen in done.stderr.partition("What a student sees:")[2]
    assert "lumihub-check-1: " in done.stderr.partition("Last lines of the logs:")[2]
    assert find_traces(hub) == []


def test_a_lesson_that_is_not_there_is_bad_input(hub: Installation) -> None:
    done = hub.lumihub("check", "--lesson", "higgs", check=False)
    assert done.returncode == 2
    assert "error: --lesson: there is no lesson higgs.ipynb" in done.stderr
    assert "fix: name one of 00-welcome.ipynb, 01-higgs-to-four-leptons.ipynb" in done.stderr
    assert find_traces(hub) == []


@pytest.mark.parametrize("ending", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)])
def test_an_interrupted_check_cleans_up(hub: Installation, ending: signal.Signals) -> None:
    with checking(hub, "sleeps") as process:
        process.send_signal(ending)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "cleaned up" in said
    assert find_traces(hub) == []


@pytest.mark.long
def test_what_a_killed_check_left_is_removed_by_a_later_one(hub: Installation) -> None:
    with checking(hub, "sleeps") as process:
        process.kill()
        process.wait()
    assert len(find_traces(hub)) >= 4
    token = (hub.folder / "secrets" / "tool_token").read_text().strip()
    client = HubClient(Access(hub.url, token))
    # Nobody can tell it from one that is at work, so a check leaves it alone and takes another name...
    assert remove_leftovers(client) == []
    done = hub.lumihub("check", "--lesson", "00-welcome")
    assert "lumihub-check-2" in done.stderr
    # ...until it is older than any check can be.
    assert remove_leftovers(client, older_than=0) == ["lumihub-check-1"]
    assert find_traces(hub) == []


def test_without_a_hub_it_says_so() -> None:
    with installation() as one:
        done = one.lumihub("check", check=False)
    assert done.returncode == 1
    assert "error: the hub is not running" in done.stderr
    assert "fix: ./deploy.py up" in done.stderr


def test_a_server_that_does_not_start_is_told_with_its_log() -> None:
    config = {"Spawner": {"cmd": ["sh", "-c", "echo no room for notebooks; exit 3"]}}
    with running_hub(hub={"config": config}) as one:
        done = one.lumihub("check", "--json", check=False)
        assert find_traces(one) == []
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert not report["ok"]
    assert report["failure"]["step"] == "server started"
    assert report["failure"]["errors"][0]["what"].startswith(
        "the server of lumihub-check-1 did not start: Spawn failed: it ended right after its start (exit code 3)."
        " An administrator sees its last words by ./deploy.py logs lumihub-check-1."
    )
    assert "lumihub-check-1: no room for notebooks" in report["failure"]["log"]
    assert [step["name"] for step in report["steps"]][-1] == "cleaned up"


def test_the_published_counts_are_those_of_the_files_here() -> None:
    assert {name: PUBLISHED["higgs-4l"][name] for name in EVENTS} == EVENTS


@contextmanager
def real_hub(origin: XRootDOrigin, mode: str) -> Iterator[Installation]:
    """A hub whose students read the real files of an origin."""
    with installation() as one:
        manifest = one.values.parent / "manifest.json"
        subprocess.run([one.program, "data", "manifest", origin.url(), "-o", str(manifest)], check=True, timeout=120)
        one.change(data={"mode": mode, "origin": {"url": origin.url(), "manifest": str(manifest)}})
        if mode == "mirror":
            fetch = [one.program, "data", "fetch", "4lep", "--values", str(one.values)]
            subprocess.run(fetch, check=True, timeout=120)
        one.up()
        yield one


@pytest.mark.xrootd
@pytest.mark.opendata
@pytest.mark.parametrize(
    "mode", [pytest.param("stream", marks=pytest.mark.long), "cache", pytest.param("mirror", marks=pytest.mark.long)]
)
def test_real_data_give_the_published_counts_in_every_mode(xrootd_origin: XRootDOrigin, mode: str) -> None:
    with real_hub(xrootd_origin, mode) as one:
        done = one.lumihub("check", "--json")
        assert find_traces(one) == []
    report = json.loads(done.stdout)
    assert report["ok"]
    assert report["data"] == f"ATLAS Open Data, release 2020, mode {mode}"
    details: dict[str, Any] = {step["name"]: step["detail"] for step in report["steps"]}
    assert details["result compared"] == "3 counts as in the published numbers"
    assert details["questions answered"] == "4 right; no published answer to 4l-window, 4l-error"


@pytest.mark.long
@pytest.mark.xrootd
@pytest.mark.opendata
def test_real_files_that_are_not_as_published_are_found(xrootd_origin: XRootDOrigin) -> None:
    place = next(xrootd_origin.files.rglob("data_A.4lep.root")).parent
    shutil.copyfile(place / "data_B.4lep.root", place / "data_A.4lep.root")
    with real_hub(xrootd_origin, "stream") as one:
        done = one.lumihub("check", check=False)
        assert find_traces(one) == []
    assert done.returncode == 1
    assert "data_A: charge-and-flavour keeps 86 of 156 events and should keep 27 of 39" in done.stderr
    assert "error: the lesson's result differs from the published numbers" in done.stderr
