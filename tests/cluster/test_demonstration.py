"""The demonstration cluster of a class: one works with it, the others look on and can do nothing to it, and it ends."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from browser.chromium import person, running_chromium
from browser.jupyterlab import JupyterLab, log_in
from cluster.dask_students import BEGIN, Student
from cluster.guards import without
from cluster.installation import DASK, NAMESPACE, ClusterInstallation
from cluster.reaching import REACH
from cluster.waiting import until
from lumihub.labels import DASHBOARD_PORT, SCHEDULER_PORT
from opendata import EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.timeout(900), pytest.mark.xrootd, pytest.mark.opendata]

DEMO = f"{NAMESPACE}-demo"
HOST = f"demo-scheduler.{DEMO}.svc"
WORKERS = DASK["demo"]["maxWorkers"]
# What keeps a class from the scheduler, all of it.
WALLS = ("default-deny", "demo", "demo-dashboard", "demo-instructor")
NONE_NOW = "No demonstration now"
# The sentence that a student reads beside a client that is another one.
TRY = """
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    c = compute.client(where="demo")
[str(one.message) for one in said]
"""


@pytest.fixture(scope="module")
def students(installed: tuple[ClusterInstallation, dict[str, Any]]) -> Iterator[dict[str, Student]]:
    """Ivo, who shows something, and Kim, who looks on; each with a server and a notebook."""
    one, _ = installed
    names = ("ivo", "kim")
    passwords = one.add(*names)
    with ExitStack() as stack:
        found = {}
        for name in names:
            session = stack.enter_context(one.student(name, passwords[name]))
            found[name] = Student(name, passwords[name], session, session.start_kernel())
            stack.callback(found[name].kernel.close)
            found[name].run(BEGIN + REACH)
        yield found
    one.lumihub("demo", "stop")
    for name in names:
        one.lumihub("users", "remove", name, "--delete-home", "--yes")


@pytest.fixture(scope="module")
def started(
    installed: tuple[ClusterInstallation, dict[str, Any]], students: dict[str, Student]
) -> tuple[ClusterInstallation, dict[str, Any]]:
    """The installation with a demonstration of Ivo's, and what the command said."""
    one, _ = installed
    assert students["ivo"].value(TRY)[0].startswith("no demonstration cluster for you, for none runs now; ")
    assert NONE_NOW in students["kim"].session.get("demo/status").text
    return one, start(one, "ivo", "--workers", str(WORKERS), "--minutes", "60")


def start(one: ClusterInstallation, name: str, *words: str) -> dict[str, Any]:
    """`demo start --json`."""
    answer: dict[str, Any] = json.loads(one.lumihub("demo", "start", "--for", name, "--json", *words).stdout)
    return answer


def find_pods(one: ClusterInstallation) -> dict[str, str]:
    """Names of its pods, of which none is on its way out, by uid."""
    items = json.loads(one.cluster.kubectl("--namespace", DEMO, "get", "pods", "--output=json"))["items"]
    return {
        pod["metadata"]["uid"]: pod["metadata"]["name"] for pod in items if "deletionTimestamp" not in pod["metadata"]
    }


def test_a_lesson_of_the_instructor_runs_on_more_workers_than_a_student_may_have(
    started: tuple[ClusterInstallation, dict[str, Any]], students: dict[str, Student]
) -> None:
    one, answer = started
    assert (answer["instructor"], answer["workers"], answer["ready"]) == ("ivo", WORKERS, WORKERS)
    assert one.status()["demonstration"] == answer
    assert DASK["maxWorkers"] < WORKERS
    ivo = students["ivo"]
    assert ivo.value(TRY) == []
    ivo.run(f"c.wait_for_workers({WORKERS}, timeout=60)")
    assert ivo.value("c.dashboard_link") == "/user/ivo/demo/status"
    limits = ivo.value("[one['memory_limit'] for one in c.scheduler_info()['workers'].values()]")
    assert limits == [512 * 1024**2] * WORKERS
    found = ivo.value(
        "result = analysis.run('higgs-4l', client=c)\n"
        "{name: int(result.cutflow.count(name, 'charge-and-flavour').events_out) for name in result.counts}"
    )
    assert found == {name: kept for name, (_, kept) in EVENTS.items()}
    # By the cache alone, and with no token of the cluster.
    seen = ivo.value(
        "def look():\n"
        "    lines = [line.split() for name in ('tcp', 'tcp6') for line in open(f'/proc/net/{name}').readlines()[1:]]\n"
        "    cached = any(words[2].endswith(':0446') for words in lines)\n"
        "    return cached, os.path.exists('/var/run/secrets/kubernetes.io'), os.getuid()\n"
        "set(c.run(look).values())"
    )
    assert (True, False, 1000) in seen
    assert {(token, account) for _, token, account in seen} == {(False, 1000)}


@pytest.mark.usefixtures("started")
def test_the_class_looks_on_and_can_do_nothing_to_it(one: ClusterInstallation, students: dict[str, Student]) -> None:
    kim = students["kim"]
    assert kim.value(TRY)[0] == (
        "no demonstration cluster for you, for the one that runs is somebody else's, for you to look at; this notebook"
        " uses the workers of your own server"
    )
    assert kim.value("c.submit(sum, [40, 2]).result()") == 42
    page = kim.session.get("demo/status")
    assert page.status_code == 200
    assert "Dask Diagnostic UI" in page.text
    assert kim.session.get("demo/json/counts.json").json()["workers"] == WORKERS
    # No way on from there, and nothing to order.
    assert kim.session.get("demo/proxy/8787/127.0.0.1/status").status_code == 404
    assert kim.session.get("demo/api/v1/get_workers").status_code == 404
    places = [(HOST, SCHEDULER_PORT), (HOST, DASHBOARD_PORT)]
    ask = f"reach({places})"
    assert kim.value(ask) == [(HOST, DASHBOARD_PORT)]
    assert students["ivo"].value(ask) == [(HOST, SCHEDULER_PORT), (HOST, DASHBOARD_PORT)]
    with without(one.cluster, [(DEMO, name) for name in WALLS]):
        until(lambda: kim.value(ask) == places, 60)
    until(lambda: kim.value(ask) == [(HOST, DASHBOARD_PORT)], 60)


@pytest.mark.browser
@pytest.mark.usefixtures("started")
def test_a_browser_shows_what_the_workers_do(one: ClusterInstallation, students: dict[str, Student]) -> None:
    ivo, kim = students["ivo"], students["kim"]
    with running_chromium() as browser, person(browser) as context:
        page = context.new_page()
        page.goto(one.url)
        log_in(page, "kim", kim.password)
        JupyterLab(page, []).wait_until_ready("Welcome: hunting for the Higgs boson")
        page.get_by_role("button", name="New Launcher (").click()
        with page.expect_websocket(lambda socket: "/user/kim/demo/status/ws" in socket.url) as opened:
            page.locator(".jp-LauncherCard", has_text="Demonstration").click()
        dashboard = page.frame_locator("iframe[src*='/demo/status']")
        expect(dashboard.locator("canvas").first).to_be_visible()
        with opened.value.expect_event("framereceived"):
            ivo.run(f"{TRY}\nc.gather(c.map(lambda number: time.sleep(0.2) or number, range(40), pure=False))")
        if folder := os.environ.get("LUMIHUB_SCREENSHOTS"):
            page.wait_for_timeout(2000)
            page.screenshot(path=Path(folder) / "demonstration.png")


@pytest.mark.usefixtures("started")
def test_somebody_elses_is_not_taken_over(one: ClusterInstallation) -> None:
    done = one.lumihub("demo", "start", "--for", "kim", check=False)
    assert done.returncode == 1
    assert "error: somebody has the demonstration cluster: ivo's, until " in done.stderr
    assert "fix: wait, or end it: ./deploy.py demo stop" in done.stderr
    done = one.lumihub("demo", "start", "--for", "nobody-here", check=False)
    assert done.returncode == 2
    assert "error: --for: there is no account nobody-here" in done.stderr


@pytest.mark.usefixtures("started")
def test_who_leads_it_may_be_killed_and_it_goes_on(one: ClusterInstallation, students: dict[str, Student]) -> None:
    ivo = students["ivo"]
    assert ivo.value(TRY) == []
    ivo.run("kept = c.scatter([125.25])")
    before = find_pods(one)
    [leader] = [name for name in before.values() if name.startswith("demo-work-")]
    one.cluster.kubectl("--namespace", DEMO, "delete", "pod", leader, "--grace-period=0", "--force")

    def goes_on() -> bool:
        pods = find_pods(one)
        others = {uid for uid, name in before.items() if name != leader}
        return others < set(pods) and any(name.startswith("demo-work-") for name in set(pods.values()) - {leader})

    until(goes_on, 120)
    assert start(one, "ivo")["workers"] == WORKERS
    assert ivo.value("c.gather(kept)") == [125.25]


@pytest.mark.usefixtures("started")
def test_it_is_ended_by_hand(one: ClusterInstallation, students: dict[str, Student]) -> None:
    assert "ended the demonstration cluster" in one.lumihub("demo", "stop").stderr
    assert find_pods(one) == {}
    assert one.status()["demonstration"] is None
    assert "there is no demonstration cluster" in one.lumihub("demo", "stop").stderr
    assert NONE_NOW in students["kim"].session.get("demo/status").text
    ivo = students["ivo"]
    assert ivo.value(TRY)[0].startswith("no demonstration cluster for you, for none runs now; ")


@pytest.mark.long
@pytest.mark.usefixtures("students")
def test_it_ends_by_itself_when_its_time_is_over(one: ClusterInstallation) -> None:
    start(one, "ivo", "--workers", "1", "--minutes", "1")
    until(lambda: not [name for name in find_pods(one).values() if not name.startswith("demo-work-")], 120)
    until(lambda: one.status()["demonstration"] is None, 60)
    clusters = one.cluster.kubectl("--namespace", DEMO, "get", "daskclusters.kubernetes.dask.org", "--output=name")
    assert clusters == ""
