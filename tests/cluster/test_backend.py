"""The verbs on a real cluster: from nothing to a student's answers, twice, upgraded, broken, rolled back, killed."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cluster.installation import LESSONS, NAMESPACE, USERS, ClusterInstallation, check_memory, working_student

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster.machine.access import Cluster
    from servers.link import Link

pytestmark = [pytest.mark.timeout(1200), pytest.mark.xrootd, pytest.mark.opendata]


@pytest.mark.core
def test_up_from_nothing_ends_with_a_students_answers_on_real_data(
    installed: tuple[ClusterInstallation, dict[str, Any]],
) -> None:
    one, answer = installed
    report = answer["check"]
    assert report["ok"], report
    assert report["data"] == "ATLAS Open Data, release 2020, mode cache"
    details = {step["name"]: step["detail"] for step in report["steps"]}
    assert details["result compared"] == "3 counts as in the published numbers"
    assert details["questions answered"] == "4 right; no published answer to 4l-window, 4l-error"
    assert answer["url"] == one.url
    assert answer["admin"] == "admin"
    assert answer["wholeSeconds"] < 400


@pytest.mark.core
def test_students_pod_is_restricted(one: ClusterInstallation) -> None:
    for namespace in (NAMESPACE, USERS):
        labels = json.loads(one.cluster.kubectl("get", "namespace", namespace, "--output=json"))["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.core
def test_second_read_takes_nothing_from_the_origin(one: ClusterInstallation, link: Link) -> None:
    before = link.down
    assert json.loads(one.lumihub("check", "--json").stdout)["ok"]
    assert link.down - before == 0


@pytest.mark.core
def test_second_up_changes_no_object_and_is_quick(one: ClusterInstallation) -> None:
    before = one.find_objects()
    began = time.monotonic()
    answer = one.up("--no-check")
    seconds = time.monotonic() - began
    assert answer["changes"] == []
    assert "nothing to change: everything runs as the settings ask" in one.lumihub("up", "--no-check").stderr
    assert one.find_objects() == before
    assert seconds < 30


@pytest.mark.core
def test_plan_shows_what_changes_and_touches_nothing(one: ClusterInstallation) -> None:
    assert one.plan()["changes"] == []
    before = one.find_objects()
    with one.changed(cull={"timeout": 1800}):
        plan = one.plan()
    assert one.find_objects() == before
    changes = {(change["action"], change["kind"], change["name"]): change["diff"] for change in plan["changes"]}
    assert set(changes) == {("change", "Secret", "hub-values"), ("change", "Deployment", "hub")}
    lines = [line.split() for line in changes["change", "Secret", "hub-values"] if line.startswith(("+", "-"))]
    assert lines == [["-", "timeout:", "3600"], ["+", "timeout:", "1800"]]
    assert plan["effects"] == [
        "the hub restarts: for some seconds nobody can log in; running servers and kernels go on"
    ]


@pytest.mark.long
def test_plan_finds_what_somebody_changed_or_deleted_by_hand_and_up_mends_it(one: ClusterInstallation) -> None:
    one.cluster.kubectl("--namespace", NAMESPACE, "scale", "deployment/proxy", "--replicas=2")
    one.cluster.kubectl("--namespace", NAMESPACE, "delete", "service", "proxy-api")
    plan = one.plan()
    assert {(change["action"], change["kind"], change["name"]) for change in plan["changes"]} == {
        ("change", "Deployment", "proxy"),
        ("create", "Service", "proxy-api"),
    }
    one.up("--no-check")
    assert one.get("deployment", "proxy")["spec"]["replicas"] == 1
    assert one.plan()["changes"] == []


@pytest.mark.core
def test_status_tells_parts_data_and_versions(one: ClusterInstallation) -> None:
    status = one.status()
    assert status["healthy"], status
    states = {part["name"]: part["state"] for part in status["parts"]}
    assert {"proxy": "running", "hub": "running", "cache": "running"}.items() <= states.items()
    assert status["data"].startswith("ATLAS Open Data, release 2020, through the cache from root://")
    assert set(status["versions"]) == {"lumihub", "release", "jupyterhub", "kubernetes"}
    assert status["url"] == one.url


@pytest.mark.core
def test_students_find_the_schools_own_lessons_beside_ours(one: ClusterInstallation) -> None:
    with working_student(one, "learner") as kernel:
        found = kernel.run(
            "import json, pathlib\n"
            "here = pathlib.Path.home() / 'lessons'\n"
            "print(json.dumps({str(path.relative_to(here)): path.read_text() for path in here.rglob('*.[im]*')}))"
        )
    lessons = json.loads(found.text)
    assert LESSONS.items() <= lessons.items()
    assert "01-higgs-to-four-leptons.ipynb" in lessons


def test_logs_shows_parts_and_students(one: ClusterInstallation) -> None:
    assert "hub: [I " in one.lumihub("logs").stdout
    assert len(one.lumihub("logs", "hub", "-n", "3").stdout.splitlines()) == 3
    done = one.lumihub("logs", "hubb", check=False)
    assert done.returncode == 2
    assert "error: there is no part hubb, and no student of that name has a server now" in done.stderr
    with working_student(one, "reader"):
        assert "reader" in one.lumihub("logs", "reader").stdout


@pytest.mark.long
def test_logs_follows_the_pod_that_takes_the_place_of_another(one: ClusterInstallation) -> None:
    with subprocess.Popen(
        one.command("logs", "hub", "-f", "-n", "0"), stdout=subprocess.PIPE, text=True, env=one.environment
    ) as following:
        assert following.stdout is not None
        time.sleep(3)
        one.cluster.kubectl("--namespace", NAMESPACE, "rollout", "restart", "deployment/hub")
        try:
            assert any("JupyterHub is now running" in line for line in following.stdout)
        finally:
            following.terminate()
    one.cluster.kubectl("--namespace", NAMESPACE, "rollout", "status", "deployment/hub")
    assert one.up("--no-check")["url"]


def test_doctor_finds_everything_well_and_leaves_nothing(one: ClusterInstallation) -> None:
    done = one.lumihub("doctor", "--json", check=False)
    findings = {finding["name"]: finding for finding in json.loads(done.stdout)}
    bad = {name: finding["detail"] for name, finding in findings.items() if not finding["ok"]}
    assert set(bad) <= {"room"}, bad
    assert findings["network policies"]["detail"] == "enforced: a forbidden connection between two pods was refused"
    assert findings["pod security"]["detail"] == "enforced: a privileged pod was refused"
    assert {"kubernetes", "clock", "rights", "processes", "helm", "storage", "dns", "origin", "image lab"} <= set(
        findings
    )
    assert find_trials(one.cluster) == []


def find_trials(cluster: Cluster) -> list[str]:
    """Namespaces of trials that are not on their way out."""
    text = cluster.kubectl(
        "get", "namespaces", "--selector=app.kubernetes.io/managed-by=lumihub-trial", "--output=json"
    )
    return [
        item["metadata"]["name"] for item in json.loads(text)["items"] if "deletionTimestamp" not in item["metadata"]
    ]


@pytest.mark.long
def test_doctor_names_the_remedy_of_what_is_wrong(one: ClusterInstallation) -> None:
    with one.changed(
        singleuser={"storage": {"dynamic": {"storageClass": "fast"}}},
        ingress={"enabled": True, "ingressClassName": "nginx"},
        images={"tag": "nowhere"},
    ):
        done = one.lumihub("doctor", check=False)
    assert done.returncode == 1
    assert "there is no ingress class nginx" in done.stdout
    assert "nowhere can't be had" in done.stdout
    assert "./deploy.py images build, then ./deploy.py images load" in done.stdout
    assert find_trials(one.cluster) == []


@pytest.mark.core
def test_upgrade_and_rollback_leave_a_working_student_alone(one: ClusterInstallation) -> None:
    with working_student(one, "worker") as kernel:
        first = one.revision()
        with one.changed(cull={"timeout": 1800}):
            changes = one.up("--no-check")["changes"]
            assert "changed Deployment hub" in changes
            assert one.revision() == first + 1
            check_memory(kernel)
            assert one.lumihub("rollback", "--yes").stderr.count("went back") <= 1
        assert one.revision() == first + 2
        values = one.get("secret", "hub-values")["data"]["values.json"]
        assert json.loads(base64.b64decode(values))["cull"]["timeout"] == 3600
        check_memory(kernel)
    assert one.up("--no-check")["changes"] == []


def test_image_that_is_nowhere_is_refused_before_anything_changes(one: ClusterInstallation) -> None:
    before, revision = one.find_objects(), one.revision()
    with one.changed(images={"tag": "nowhere"}):
        done = one.lumihub("up", check=False)
    assert done.returncode == 1
    assert "nowhere can't be had" in done.stderr
    assert "fix: ./deploy.py images build, then ./deploy.py images load on the node" in done.stderr
    assert (one.find_objects(), one.revision()) == (before, revision)


@pytest.mark.long
def test_upgrade_whose_hub_does_not_start_ends_with_the_old_release_serving(one: ClusterInstallation) -> None:
    with working_student(one, "patient") as kernel:
        broken = {"config": {"JupyterHub": {"db_url": "sqlite:////nowhere/at/all.sqlite"}}}
        with one.changed(hub=broken):
            done = one.lumihub("up", "--no-check", check=False)
        assert done.returncode == 1
        assert "CrashLoopBackOff: hub ended with exit code 1" in done.stderr
        assert "unable to open database file" in done.stderr
        assert "serves as before" in done.stderr
        assert one.status()["healthy"]
        check_memory(kernel)
    assert one.up("--no-check")["changes"] == []


@pytest.mark.long
def test_full_node_ends_with_the_old_release_serving_and_says_so(one: ClusterInstallation) -> None:
    with one.changed(hub={"resources": {"requests": {"memory": "900Gi"}}}, kubernetes={"timeout": 60}):
        done = one.lumihub("up", "--no-check", check=False)
    assert done.returncode == 1
    assert "Unschedulable" in done.stderr
    assert "Insufficient memory" in done.stderr
    assert "fix: add a node, end servers that nobody needs, or lower the requests in the values file" in done.stderr
    assert one.status()["healthy"]


def find_helm_process(one: ClusterInstallation, up: subprocess.Popen[str]) -> int | None:
    """Process id of the helm that an `up` runs to change the release."""
    for pid in Path(f"/proc/{up.pid}/task/{up.pid}/children").read_text().split():
        with suppress(OSError):  # it has ended meanwhile
            words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
            if words[0] == str(one.helm / "helm") and "--wait" in words:
                return int(pid)
    return None


@contextmanager
def upgrading(one: ClusterInstallation) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """An `up` whose helm is in the middle of an upgrade that would take long."""
    slow = {"resources": {"requests": {"memory": "900Gi"}}}
    with one.changed(hub=slow):
        command = one.command("up", "--no-check")
        up = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=one.environment,
            stdin=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + 120
            while (pid := find_helm_process(one, up)) is None or one.get("deployment", "hub")["spec"]["template"][
                "spec"
            ]["containers"][0]["resources"]["requests"]["memory"] != "900Gi":
                assert up.poll() is None, up.communicate()
                assert time.monotonic() < deadline
                time.sleep(0.2)
            yield up, pid
        finally:
            up.kill()
            up.communicate()


@pytest.mark.long
def test_helm_that_is_killed_is_recovered_from_at_once(one: ClusterInstallation) -> None:
    with upgrading(one) as (up, pid):
        os.kill(pid, signal.SIGKILL)
        _, said = up.communicate(timeout=300)
    assert up.returncode == 1
    assert "error: helm was ended from outside (signal 9)" in said
    assert "serves as before" in said
    assert one.status()["healthy"]


@pytest.mark.long
def test_up_that_is_killed_with_its_helm_is_recovered_from_by_the_next(one: ClusterInstallation) -> None:
    with upgrading(one) as (up, pid):
        up.kill()
        with suppress(ProcessLookupError):  # it ends with the one who started it
            os.kill(pid, signal.SIGKILL)
        up.communicate()
    done = one.lumihub("plan", check=False)
    assert "is pending-upgrade: an earlier change was not finished" in done.stderr
    done = one.lumihub("up", "--no-check")
    assert "an earlier call was ended in the middle" in done.stderr
    assert one.status()["healthy"]
    assert one.plan()["changes"] == []


@pytest.mark.long
def test_interrupt_takes_back_what_was_begun(one: ClusterInstallation) -> None:
    with upgrading(one) as (up, _):
        up.send_signal(signal.SIGINT)
        _, said = up.communicate(timeout=300)
    assert up.returncode == 130
    assert "interrupted: helm takes back what it began" in said
    assert one.status()["healthy"]
    assert one.plan()["changes"] == []


@pytest.mark.long
def test_two_calls_at_once_take_turns(one: ClusterInstallation) -> None:
    with upgrading(one):
        done = one.lumihub("up", "--no-check", check=False)
        assert done.returncode == 1
        assert "is changing the release" in done.stderr
    one.lumihub("up", "--no-check")
    assert one.status()["healthy"]


def test_surprising_place_is_asked_about(one: ClusterInstallation, tmp_path: Path) -> None:
    config = json.loads(one.cluster.kubectl("config", "view", "--raw", "--output=json"))
    config["contexts"] = [{**config["contexts"][0], "name": "another"}]
    path = tmp_path / "config"
    path.write_text(json.dumps(config))
    with one.changed(kubernetes={"context": "another"}):
        done = subprocess.run(
            one.command("up", "--no-check"),
            env={**one.environment, "KUBECONFIG": str(path)},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    assert done.returncode == 2
    assert f"the last `up` of {one.values} went to the cluster {one.cluster.context}" in done.stderr
    assert "error: nobody is there to ask whether this is the right place\n  fix: add --yes if it is" in done.stderr


@pytest.mark.long
def test_helm_3_carries_on_where_helm_4_was(one: ClusterInstallation, helm: dict[int, Path]) -> None:
    other = ClusterInstallation(one.cluster, one.folder, helm[3])
    assert other.plan()["changes"] == []
    with other.changed(cull={"timeout": 1500}):
        assert "changed Deployment hub" in other.up("--no-check")["changes"]
    assert one.up("--no-check")["changes"]
    assert one.plan()["changes"] == []


def test_account_without_rights_hears_which_are_missing(one: ClusterInstallation, tmp_path: Path) -> None:
    name = "nobody-e2e"
    one.cluster.kubectl("--namespace", "default", "create", "serviceaccount", name)
    try:
        token = one.cluster.kubectl("--namespace", "default", "create", "token", name).strip()
        config = json.loads(one.cluster.kubectl("config", "view", "--raw", "--flatten", "--output=json"))
        config["users"] = [{"name": entry["name"], "user": {"token": token}} for entry in config["users"]]
        path = tmp_path / "config"
        path.write_text(json.dumps(config))
        environment = {**one.environment, "KUBECONFIG": str(path)}
        done = subprocess.run(one.command("up"), env=environment, capture_output=True, text=True, check=False)
        assert done.returncode in (1, 2)
        assert "lacks a right" in done.stderr
        config["users"] = [{"name": entry["name"], "user": {"token": "old"}} for entry in config["users"]]
        path.write_text(json.dumps(config))
        done = subprocess.run(one.command("status"), env=environment, capture_output=True, text=True, check=False)
        assert "does not accept the credentials of the context" in done.stderr
    finally:
        one.cluster.kubectl("--namespace", "default", "delete", "serviceaccount", name)
