"""Students' Dask clusters across worker pods: the same numbers, walls between students, and an end for each."""

from __future__ import annotations

import json
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from cluster.dask_students import BEGIN, DEFAULT, Student, find_pods, is_worker
from cluster.installation import DASK, NAMESPACE, ClusterInstallation
from cluster.reaching import REACH
from cluster.waiting import until
from lumihub.labels import DASHBOARD_PORT, SCHEDULER_PORT
from opendata import EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.link import Link

pytestmark = [pytest.mark.timeout(1200), pytest.mark.xrootd, pytest.mark.opendata]

OTHER = f"{NAMESPACE}-dask-other"
# In the first cohort, which has room for two; cy is in the other.
STUDENTS = ("ada", "ben", "cy", "dora")
ASK = """
def ask(method, path, body=None, token=os.environ["JUPYTERHUB_API_TOKEN"]):
    import ast, json, os
    url = json.loads(os.environ["LUMIHUB_DASK"])["gateway"] + path
    headers = {"Authorization": "jupyterhub " + token} if token else {}
    answer = requests.request(method, url, json=body, headers=headers, timeout=30)
    return answer.status_code, (answer.json() if answer.content and "json" in answer.headers["Content-Type"] else None)
"""


@pytest.fixture(scope="module")
def students(installed: tuple[ClusterInstallation, dict[str, Any]]) -> Iterator[dict[str, Student]]:
    """Four students, each with a server and a notebook; ada, ben and cy have a cluster."""
    one, _ = installed
    passwords = one.add(*STUDENTS)
    with ExitStack() as stack:
        found = {}
        for name in STUDENTS:
            session = stack.enter_context(one.student(name, passwords[name]))
            found[name] = Student(name, passwords[name], session, session.start_kernel())
            stack.callback(found[name].kernel.close)
            found[name].run(BEGIN + REACH + ASK)
        for name in ("ada", "ben", "cy"):
            found[name].open_pods()
        yield found
    for name in STUDENTS:
        one.lumihub("users", "remove", name, "--delete-home", "--yes")


def test_a_lesson_on_real_data_gives_the_same_numbers_in_worker_pods(students: dict[str, Student], link: Link) -> None:
    ada = students["ada"]
    found = ada.value(
        "from distributed import get_task_stream\n"
        "with get_task_stream(c) as stream:\n"
        "    result = analysis.run('higgs-4l', client=c)\n"
        "kept = {name: int(result.cutflow.count(name, 'charge-and-flavour').events_out) for name in result.counts}\n"
        "workers = {record['worker'] for record in stream.data}\n"
        "(kept, len(workers), result.workers)"
    )
    assert found == ({name: kept for name, (_, kept) in EVENTS.items()}, 2, 2)
    assert ada.value("int(analysis.run('higgs-4l').events), int(result.events)") == (432, 432)
    # Each worker has open the cache's port, and no way to the origin.
    seen = ada.value(
        "def cached():\n"
        "    lines = [line.split() for name in ('tcp', 'tcp6') for line in open(f'/proc/net/{name}').readlines()[1:]]\n"
        "    return any(words[2].endswith(':0446') for words in lines)\n"
        "list(c.run(cached).values())"
    )
    assert seen == [True, True]
    origin = ("10.99.0.2", link.port)
    assert ada.value(f"list(c.run(reach, [{origin}]).values())") == [[], []]


@pytest.mark.long
def test_simulated_photons_give_what_they_give_in_this_process(students: dict[str, Student]) -> None:
    same = students["ada"].value(
        "from lumihub.data.catalogue import simulated_folder\n"
        "files = sorted(str(path) for path in simulated_folder().rglob('*.GamGam.root'))\n"
        "here, there = (analysis.run('higgs-gamgam', files=files, client=one) for one in (None, c))\n"
        "alike = [bool(abs(here.counts[name].cuts - there.counts[name].cuts).max() < 1e-9) for name in here.counts]\n"
        "len(alike), all(alike), there.workers"
    )
    assert same == (9, True, 2)


@pytest.mark.long
def test_notebooks_of_a_student_share_the_cluster(students: dict[str, Student]) -> None:
    ada = students["ada"]
    second = Student("ada", "", ada.session, ada.session.start_kernel())
    second.run(BEGIN)
    assert second.open_pods() == ada.value("c.cluster.name")
    second.kernel.close()
    ada.session.delete_kernel(second.kernel.identity)
    time.sleep(3)
    assert ada.value("c.submit(sum, [1, 2]).result()") == 3


def test_status_tells_clusters_and_workers(one: ClusterInstallation, students: dict[str, Student]) -> None:
    details = {part["name"]: part["detail"] for part in one.status()["parts"]}
    assert details["gateway"] == "1/1 ready, 3 clusters, 6 workers"
    assert details["gateway-controller"] == "1/1 ready"
    assert "Creating cluster" in one.lumihub("logs", "gateway", "--lines", "2000").stdout
    assert one.plan()["changes"] == []


def test_pods_are_small_and_hold_no_token(one: ClusterInstallation, students: dict[str, Student]) -> None:
    pods = find_pods(one, DEFAULT)
    assert len(pods) == 6
    image = one.get("deployment", "hub")["spec"]["template"]["spec"]["containers"][0]["image"]
    for pod in pods:
        [container] = pod["spec"]["containers"]
        assert pod["spec"]["securityContext"]["runAsUser"] > 1_000_000_000
        assert container["image"] == image.replace("/hub:", "/lab:")
        assert container["resources"]["limits"] == {"cpu": "1", "memory": str(512 << 20)}
        assert not [volume for volume in pod["spec"]["volumes"] if "projected" in volume]
    assert students["ben"].value("list(c.run(lambda: os.path.exists('/var/run/secrets/kubernetes.io')).values())") == [
        False,
        False,
    ]


def test_the_dashboard_is_its_owners(one: ClusterInstallation, students: dict[str, Student]) -> None:
    ada, ben = students["ada"], students["ben"]
    assert ada.value("c.dashboard_link") == "/user/ada/dask/status"
    page = ada.session.get("dask/status")
    assert (page.status_code, "Dask" in page.text) == (200, True)
    assert ben.session._ask("GET", f"{one.url}user/ada/dask/status").status_code in (403, 404)
    assert not one.cluster.kubectl("get", "services", "--namespace", DEFAULT, "--output=jsonpath={..nodePort}")


def test_no_way_leads_to_anothers_pods(one: ClusterInstallation, students: dict[str, Student], link: Link) -> None:
    own = {name: find_places(one, students[name]) for name in ("ada", "ben", "cy")}
    api = ("10.99.0.1", 6443)
    gateway, hub, cache = (
        (f"{name}.{NAMESPACE}.svc", port) for name, port in (("gateway", 8000), ("hub", 8081), ("cache", 1094))
    )
    for name, student in students.items():
        places = [place for other, of in own.items() for place in of if other != name]
        assert student.value(f"reach({places!r})") == [], name
    for name in own:
        student = students[name]
        others = [place for other, of in own.items() for place in of if other != name]
        mine = [place for place in own[name] if place[1] in (SCHEDULER_PORT, DASHBOARD_PORT)]
        # The guards are not just a network that is down.
        assert set(student.value(f"reach({mine!r})")) == set(mine)
        platform = [gateway, hub, cache, api, ("10.99.0.2", link.port)]
        from_workers = student.value(f"list(c.run(reach, {[*others, *platform]!r}).values())")
        assert [set(places) for places in from_workers] == [{cache}, {cache}]
        assert set(student.value(f"c.run_on_scheduler(reach, {[*others, *platform]!r})")) == {gateway}


def test_credentials_of_one_cluster_open_no_other(students: dict[str, Student]) -> None:
    """Even where no NetworkPolicy holds: ada's own scheduler, which ada reaches, takes no credentials of ben's."""
    key, certificate = students["ben"].value("(c.cluster.security.tls_key, c.cluster.security.tls_cert)")
    said = students["ada"].kernel.run(
        "from dask_gateway.client import GatewaySecurity\n"
        "from distributed import Client\n"
        f"other = GatewaySecurity({key!r}, {certificate!r})\n"
        "own = c.cluster.security\n"
        "Client(c.cluster.scheduler_address, security=own, set_as_default=False).close(); print('own opens')\n"
        "Client(c.cluster.scheduler_address, security=other, set_as_default=False, timeout=5)"
    )
    assert said.text.startswith("own opens")
    assert said.error.startswith("FatalCommClosedError: TLS certificate does not match"), said


def test_the_gateway_answers_for_ones_own_cluster_alone(students: dict[str, Student]) -> None:
    ben = students["ben"]
    hers, his = (students[name].value("c.cluster.name") for name in ("ada", "ben"))
    assert list(ben.value("ask('GET', '/api/v1/clusters/')[1]")) == [his]
    cluster = f"/api/v1/clusters/{hers}"
    for method, path, body, deed in (
        ("GET", cluster, None, "view"),
        ("DELETE", cluster, None, "stop"),
        ("POST", f"{cluster}/scale", {"count": 0}, "view"),
        ("POST", f"{cluster}/adapt", {"active": True}, "view"),
    ):
        status, answer = ben.value(f"ask({method!r}, {path!r}, {body!r})")
        assert (status, answer["error"]) == (403, f"User ben lacks permissions to {deed} cluster {hers}")
    assert ben.value(f"ask('GET', {cluster!r}, token='')")[0] == 401
    assert ben.value(f"ask('GET', {cluster!r}, token='guessed')")[0] in (401, 500)
    assert ben.value(f"ask('POST', {cluster + '/heartbeat'!r}, {{'count': 0}})")[0] == 401
    assert ben.value("ask('DELETE', '/api/lumihub/students/ada/clusters')")[0] == 403
    # Nothing of a pod is a student's to choose, and there is no second cluster.
    image = {"cluster_options": {"image": "evil"}}
    assert ben.value(f"ask('POST', '/api/v1/clusters/', {image!r})") in (
        (422, {"error": "you have 1 Dask cluster, the most a student may have"}),
        (422, {"error": "Unknown fields ['image']"}),
    )
    assert ben.value("ask('POST', '/api/v1/clusters/', {})") == (
        422,
        {"error": "you have 1 Dask cluster, the most a student may have"},
    )
    assert students["dora"].value(f"ask('POST', '/api/v1/clusters/', {image!r})")[0] == 422


@pytest.mark.long
def test_nobody_gets_more_workers_than_there_may_be(one: ClusterInstallation, students: dict[str, Student]) -> None:
    ben = students["ben"]
    cluster = ben.value("'/api/v1/clusters/' + c.cluster.name")
    said = ben.run("c = compute.client(workers=1000)").text
    assert "LimitWarning: a notebook may have 2 Dask workers, not 1000; asking for 2" in said
    for path, body in (
        ("scale", {"count": 1000}),
        ("adapt", {"active": True}),
        ("adapt", {"minimum": 1000, "active": True}),
    ):
        assert ben.value(f"ask('POST', '{cluster}/{path}', {body!r})")[0] == 200
    # What runs in a scheduler is the student's too, and tells the gateway whatever it likes.
    for count, status in ((1000, 200), (-1000, 409), ("'x'", 409)):
        said = ben.value(
            "def lie(dask_scheduler):\n"
            "    import requests\n"
            "    gateway = dask_scheduler.services['gateway'].gateway\n"
            "    url = f'{gateway.api_url}/v1/clusters/{gateway.cluster_name}/heartbeat'\n"
            "    headers = {'Authorization': f'token {gateway.token}'}\n"
            f"    return requests.post(url, json={{'count': {count}}}, headers=headers).status_code\n"
            "c.run_on_scheduler(lie)"
        )
        assert said == status, count
    time.sleep(8)
    replicas = {
        found["spec"]["username"]: found["spec"]["replicas"]
        for found in json.loads(one.cluster.kubectl("--namespace", DEFAULT, "get", "daskclusters", "--output=json"))[
            "items"
        ]
        if found["spec"].get("active", True)
    }
    assert replicas == {"ada": 2, "ben": 2}
    assert len([pod for pod in find_pods(one, DEFAULT) if is_worker(pod)]) == 4
    ben.run(f"ask('POST', '{cluster}/scale', {{'count': 2}})")


@pytest.mark.long
def test_a_full_class_is_told_so_in_one_sentence_and_goes_on(students: dict[str, Student]) -> None:
    result = students["dora"].run("c = compute.client(workers=1)\nprint(c.submit(sum, [1, 2]).result())")
    warnings = [line for line in result.text.splitlines() if "LimitWarning" in line]
    assert len(warnings) == 1
    assert warnings[0].endswith(
        "LimitWarning: no Dask workers in pods, for all 2 Dask clusters of your class are in use;"
        " this notebook goes on with those of your own server"
    )
    assert result.text.endswith("3")
    students["dora"].run("compute.close()")


@pytest.mark.long
def test_a_worker_that_eats_its_memory_harms_nobody_else(
    one: ClusterInstallation, students: dict[str, Student]
) -> None:
    ben, ada = students["ben"], students["ada"]
    before = {pod["metadata"]["name"]: count_restarts(pod) for pod in find_pods(one, DEFAULT, student="ada")}
    ben.run("def attack():\n    held = []\n    while True:\n        held.append(bytearray(16 << 20))")
    ben.run("bomb = c.submit(attack, retries=0)")
    harmed = lambda: sum(count_restarts(pod) for pod in find_pods(one, DEFAULT, student="ben"))  # noqa: E731
    until(lambda: ben.value("bomb.status") == "error" or harmed() > 0, 120)
    assert ada.value("int(analysis.run('higgs-4l', client=c).events)") == 432
    assert {pod["metadata"]["name"]: count_restarts(pod) for pod in find_pods(one, DEFAULT, student="ada")} == before
    ben.run("bomb.cancel(); del bomb")
    # The attacker's own cluster is well again when the worker has been started anew.
    until(lambda: ben.value("len(c.scheduler_info(n_workers=-1)['workers'])") == 2, 120)
    assert ben.value("sorted(c.gather(c.map(abs, range(-3, 0))))") == [1, 2, 3]


@pytest.mark.long
def test_a_fork_bomb_ends_at_the_limit_of_its_cluster(students: dict[str, Student]) -> None:
    ben, ada = students["ben"], students["ada"]
    # Two workers and a scheduler may have 600 processes; nothing that runs in them can ask for more.
    limits = ben.value("import resource\nlist(c.run(resource.getrlimit, resource.RLIMIT_NPROC).values())")
    assert limits == [(600, 600), (600, 600)]
    attack = ben.kernel.run(
        "def attack():\n"
        "    import os\n"
        "    children = 0\n"
        "    try:\n"
        "        while children < 2000:\n"  # far above the limit, and harmless to this machine
        "            os.posix_spawnp('sleep', ['sleep', '20'], os.environ)\n"
        "            children += 1\n"
        "    except BlockingIOError:\n"
        "        pass\n"
        "    return children\n"
        "print(c.submit(attack, retries=0).result())",
        timeout=200,
    )
    # Its memory may have ended it before.
    assert attack.error.startswith("KilledWorker") or 100 < int(attack.text) < 600, attack
    assert ada.value("int(analysis.run('higgs-4l', client=c).events)") == 432


@pytest.mark.long
def test_close_ends_the_cluster_at_once(one: ClusterInstallation, students: dict[str, Student]) -> None:
    students["ben"].run("compute.close()")
    until(lambda: not find_pods(one, DEFAULT, student="ben"), 30)
    # There is room again.
    assert "LimitWarning" not in students["dora"].run("c = compute.client(workers=1)").text
    students["dora"].run("compute.close()")
    until(lambda: not find_pods(one, DEFAULT, student="dora"), 30)


@pytest.mark.long
def test_of_many_orders_at_once_one_is_let_in(one: ClusterInstallation, students: dict[str, Student]) -> None:
    dora = students["dora"]
    answers = dora.value(
        "from concurrent.futures import ThreadPoolExecutor\n"
        "order = lambda _: ask('POST', '/api/v1/clusters/', {})\n"
        "list(ThreadPoolExecutor(8).map(order, range(8)))"
    )
    assert Counter(status for status, _ in answers) == {201: 1, 422: 7}
    words = {answer["error"] for status, answer in answers if status == 422}
    assert words == {"you have 1 Dask cluster, the most a student may have"}
    dora.run("c = compute.client(workers=1)\ncompute.close()")
    until(lambda: not find_pods(one, DEFAULT, student="dora"), 30)


@pytest.mark.long
def test_without_the_gateway_a_notebook_goes_on(one: ClusterInstallation, students: dict[str, Student]) -> None:
    with scaled_down(one, "gateway"):
        said = students["dora"].run("c = compute.client(workers=1)\nprint(c.submit(sum, [1, 2]).result())").text
    assert "no Dask workers in pods, for the Dask gateway does not answer; this notebook goes on" in said
    students["dora"].run("compute.close()")
    # Those that ran all the while never noticed.
    assert students["ada"].value("c.submit(sum, [1, 2]).result()") == 3


def test_a_cluster_ends_with_its_students_server(one: ClusterInstallation, students: dict[str, Student]) -> None:
    began = time.monotonic()
    students["cy"].session.stop_server()
    until(lambda: not find_pods(one, OTHER), 60)
    assert time.monotonic() - began < 60


@pytest.mark.long
def test_a_cluster_ends_though_the_controller_was_restarted(
    one: ClusterInstallation, students: dict[str, Student]
) -> None:
    ben = students["ben"]
    ben.open_pods(1)
    with scaled_down(one, "gateway-controller"):
        ben.session.stop_server()
        assert find_pods(one, DEFAULT, student="ben")
    until(lambda: not find_pods(one, DEFAULT, student="ben"), 90)


@pytest.mark.long
def test_a_cluster_ends_though_nobody_told_the_gateway(one: ClusterInstallation, students: dict[str, Student]) -> None:
    """The server dies while the hub is away: the hub finds out when it is back, and the gateway asks it."""
    ada = students["ada"]
    assert find_pods(one, DEFAULT, student="ada")
    with scaled_down(one, "hub"):
        one.cluster.kubectl("--namespace", f"{NAMESPACE}-users", "delete", "pod", "jupyter-ada", "--grace-period=1")
        time.sleep(70)
        # A hub that does not answer says nothing about anybody.
        assert find_pods(one, DEFAULT, student="ada")
    began = time.monotonic()
    until(lambda: not find_pods(one, DEFAULT, student="ada"), 300)
    assert time.monotonic() - began < 300
    ada.session.start_server()


@pytest.mark.long
def test_idle_and_old_clusters_end(one: ClusterInstallation, students: dict[str, Student]) -> None:
    gateway = DASK["gateway"]
    assert isinstance(gateway, dict)
    dora = students["dora"]
    # With room for dora whoever else of the class has a cluster.
    short = {"idleTimeout": 30, "maxAge": 180, "cohort": {"clusters": 3, "workers": 6}}
    with one.changed(dask={"gateway": gateway | short}):
        one.up("--no-check")
        dora.open_pods(1)
        until(lambda: not find_pods(one, DEFAULT, student="dora"), 90)
        # The next cell that asks has workers again.
        again = dora.value("c = compute.client()\n(c.cluster.name, len(c.scheduler_info(n_workers=-1)['workers']))")
        assert (again[0].partition(".")[0], again[1]) == (DEFAULT, 1)
        busy = "def work():\n    import time\n    time.sleep(600)\nwork = c.submit(work)"
        dora.run(busy)
        time.sleep(45)
        assert find_pods(one, DEFAULT, student="dora")
        until(lambda: not find_pods(one, DEFAULT, student="dora"), 240)
        dora.run("compute.close()")
    one.up("--no-check")


@pytest.mark.long
def test_down_ends_clusters_first(one: ClusterInstallation, students: dict[str, Student]) -> None:
    students["dora"].open_pods(1)
    said = one.lumihub("down", "--yes").stderr
    assert "ended students' Dask clusters (1)" in said
    until(lambda: not {f"namespace/{DEFAULT}", f"namespace/{OTHER}"} & set(find_namespaces(one)), 120)
    one.up("--no-check")
    assert one.status()["healthy"]


@pytest.mark.long
def test_switched_off_it_leaves_nothing(one: ClusterInstallation) -> None:
    with one.changed(dask={"gateway": {"enabled": False}}):
        one.up("--no-check")
        until(lambda: not {f"namespace/{DEFAULT}", f"namespace/{OTHER}"} & set(find_namespaces(one)), 120)
        assert {part["state"] for part in one.status()["parts"] if part["name"] == "gateway"} <= {"off"}
    one.up("--no-check")


def find_namespaces(one: ClusterInstallation) -> list[str]:
    return one.cluster.kubectl("get", "namespaces", "--output=name").split()


def find_places(one: ClusterInstallation, student: Student) -> list[tuple[str, int]]:
    """Everything that listens in a student's cluster, by address and by name."""
    name = student.value("c.cluster.name")
    namespace, _, short = name.partition(".")
    workers = student.value("[address for address in c.scheduler_info(n_workers=-1)['workers']]")
    scheduler = f"dask-{short}.{namespace}.svc"
    places = [(scheduler, port) for port in (SCHEDULER_PORT, DASHBOARD_PORT, 8788)]
    for pod in find_pods(one, namespace, student=student.name):
        places += [(pod["status"]["podIP"], port) for port in (SCHEDULER_PORT, DASHBOARD_PORT, 8788)]
    for address in workers:
        host, _, port = address.removeprefix("tls://").rpartition(":")
        places.append((host, int(port)))
    return [place for place in places if is_listening(place, scheduler, one, namespace)]


def is_listening(place: tuple[str, int], scheduler: str, one: ClusterInstallation, namespace: str) -> bool:
    """Workers listen on their own port alone: their other ports would prove nothing."""
    host, port = place
    workers = {pod["status"]["podIP"] for pod in find_pods(one, namespace) if is_worker(pod)}
    return host == scheduler or host not in workers or port not in (SCHEDULER_PORT, DASHBOARD_PORT, 8788)


def count_restarts(pod: dict[str, Any]) -> int:
    return sum(status["restartCount"] for status in pod["status"].get("containerStatuses", ()))


@contextmanager
def scaled_down(one: ClusterInstallation, part: str) -> Iterator[None]:
    """A part that is away while the block runs."""
    one.cluster.kubectl("--namespace", NAMESPACE, "scale", f"deployment/{part}", "--replicas=0")
    one.cluster.kubectl(
        "--namespace", NAMESPACE, "wait", "--for=delete", "pod",
        f"--selector=app.kubernetes.io/component={part}", "--timeout=60s",
    )  # fmt: skip
    try:
        yield
    finally:
        one.cluster.kubectl("--namespace", NAMESPACE, "scale", f"deployment/{part}", "--replicas=1")
        one.cluster.kubectl("--namespace", NAMESPACE, "rollout", "status", f"deployment/{part}", "--timeout=120s")
