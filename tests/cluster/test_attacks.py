"""What a hostile student tries from the kernel of a real server: all of it is refused.

Each guard is then taken away for a moment, and the same attempt succeeds, so that what is tested is the guard and not
the attempt; with the guard back it is refused again.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from requests import get

from cluster import attacker
from cluster.attack_scene import BEN, LISTENING, MALLORY, Request, Scene, build_script, prepared
from cluster.attacked_caches import FILE, FOREIGN, GUARDED, OPEN
from cluster.guards import node_server, until, without
from cluster.installation import NAMESPACE, USERS
from cluster.machine.layout import API_PORT, ETCD_PORT, KUBELET_PORT, METADATA_ADDRESS, VOLUMES
from lumihub.hub.server_keys import COOKIE, build_key
from lumihub.kubernetes.trials import build_pod
from lumihub.operations.student import StudentSession
from opendata import PLACE
from servers.stage import SEEN, read_lines, set_the_stage
from servers.xrootd import EXPORT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cluster.installation import ClusterInstallation
    from cluster.machine.access import Cluster
    from servers.link import Link

pytestmark = [pytest.mark.timeout(1200), pytest.mark.xrootd, pytest.mark.opendata]

READ_ONLY_PORT = 10255
# Where Azure has what others have at the metadata address, and a network that some clouds give to pods.
AZURE, RARE = "168.63.129.16", "198.18.0.1"
WAY_OUT = [(USERS, "default-deny"), (USERS, "singleuser")]
WAY_TO_PROXY = [*WAY_OUT, (NAMESPACE, "default-deny"), (NAMESPACE, "proxy")]

# KubeSpawner would give both the same home: their sha256 begin alike, and so do their letters.
ALIKE = ("ben@school.example.@@@-_-__", "ben@school.example_@._@._@.")

# What a pod may ask for beyond a plain one: in its spec, and in its container's.
FORBIDDEN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "privileged": ({}, {"securityContext": {"privileged": True, "allowPrivilegeEscalation": True}}),
    "root": ({"securityContext": {"runAsUser": 0}}, {}),
    "more rights by setuid": ({}, {"securityContext": {"allowPrivilegeEscalation": True}}),
    "a capability": ({}, {"securityContext": {"capabilities": {"add": ["NET_RAW"]}}}),
    "no seccomp": ({"securityContext": {"seccompProfile": {"type": "Unconfined"}}}, {}),
    "a folder of the node": ({"volumes": [{"name": "node", "hostPath": {"path": "/"}}]}, {}),
    "the node's network": ({"hostNetwork": True}, {}),
    "the node's processes": ({"hostPID": True}, {}),
    "the node's memory": ({"hostIPC": True}, {}),
    "a port of the node": ({}, {"ports": [{"containerPort": 8080, "hostPort": 30999}]}),
}


@pytest.fixture(scope="module")
def scene(own: Cluster, installed: tuple[ClusterInstallation, dict[str, Any]]) -> Iterator[Scene]:
    with prepared(installed[0], own, uuid.uuid4().hex) as found:
        yield found


@pytest.fixture(scope="module")
def places(scene: Scene) -> Iterator[dict[str, tuple[str, str, int]]]:
    """By name, the protocol, address and port of what listens here: students have business with the last two alone."""
    node, stranger = scene.cluster.node_address, f"{NAMESPACE}-stranger"
    web = build_pod("web", scene.cluster.load_test_image(), ["httpd", "-f", "-p", "8080", "-h", "/etc"], port=8080)
    web["metadata"] |= {"namespace": stranger, "labels": {"name": "web"}}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": stranger}}
    scene.cluster.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": stranger}},
        web,
        {**service, "spec": {"selector": {"name": "web"}, "ports": [{"port": 8080}]}},
    )
    scene.cluster.kubectl("--namespace", stranger, "wait", "--for=condition=Ready", "pod/web", "--timeout=60s")
    with ExitStack() as stack:
        stack.callback(scene.cluster.kubectl, "delete", "namespace", stranger, "--wait=false")
        for address, port in ((METADATA_ADDRESS, 80), (AZURE, 80), (RARE, 80), (node, READ_ONLY_PORT)):
            stack.enter_context(node_server(address, port))
        yield {
            "API server": ("tcp", scene.addresses["kubernetes"], 443),
            "API server, on its node": ("tcp", node, API_PORT),
            "API server, written as IPv6": ("tcp", f"::ffff:{node}", API_PORT),
            "kubelet": ("tcp", node, KUBELET_PORT),
            "kubelet, without a login": ("tcp", node, READ_ONLY_PORT),
            "etcd": ("tcp", node, ETCD_PORT),
            "cloud metadata": ("tcp", METADATA_ADDRESS, 80),
            "cloud metadata of Azure": ("tcp", AZURE, 80),
            "a network of a rare kind": ("tcp", RARE, 80),
            "another namespace's service": (
                "tcp",
                scene.one.get("service", "web", stranger)["spec"]["clusterIP"],
                8080,
            ),
            "another's server": ("tcp", scene.addresses[BEN], 8888),
            "another's program": ("tcp", scene.addresses[BEN], LISTENING),
            "another's program by UDP": ("udp", scene.addresses[BEN], LISTENING),
            "proxy's API": ("tcp", scene.addresses["proxy-api"], 8001),
            "hub": ("tcp", scene.addresses["hub"], 8081),
            "cache": ("tcp", scene.addresses["cache"], 1094),
        }


@pytest.mark.parametrize(
    ("guards", "closed"), [(WAY_OUT, {"proxy's API"}), (WAY_TO_PROXY, set())], ids=["the way out", "the proxy's API"]
)
def test_by_the_network(
    scene: Scene, places: dict[str, tuple[str, str, int]], guards: list[tuple[str, str]], closed: set[str]
) -> None:
    def reach() -> set[str]:
        return set(scene.do(attacker.reach, places))

    assert reach() == {"hub", "cache"}
    with without(scene.cluster, guards):
        assert until(reach, set(places) - closed) == set(places) - closed
    assert until(reach, {"hub", "cache"}) == {"hub", "cache"}


def test_the_api_server(scene: Scene) -> None:
    """A pod holds no token. One from elsewhere finds no way there, and would open nothing if it is a student's."""
    token = scene.make_token()
    assert scene.do(attacker.find_words, [token.partition(".")[0]]) == []
    api = scene.pods().removesuffix(f"/api/v1/namespaces/{USERS}/pods")
    requests: dict[str, Request] = {
        "version": ("GET", f"{api}/version"),
        "pods": ("GET", scene.pods()),
        "secrets": ("GET", f"{api}/api/v1/namespaces/{NAMESPACE}/secrets"),
        "nodes": ("GET", f"{api}/api/v1/nodes"),
        "claims": ("GET", f"{api}/api/v1/namespaces/{USERS}/persistentvolumeclaims"),
    }
    nobody = dict.fromkeys(requests, 0)
    refused = dict.fromkeys(requests, 403) | {"version": 200}
    assert (scene.ask(requests), scene.ask(requests, token)) == (nobody, nobody)
    with without(scene.cluster, WAY_OUT):
        assert until(lambda: scene.ask(requests), refused) == refused
        assert scene.ask(requests, token) == refused
        assert find_groups(scene, api, token) == {"authorization.k8s.io", "authentication.k8s.io"}
        with scene.rights():
            given = refused | {"pods": 200}
            assert until(lambda: scene.ask(requests, token), given) == given
        assert scene.ask(requests, token) == refused
    assert until(lambda: scene.ask(requests, token), nobody) == nobody


def find_groups(scene: Scene, api: str, token: str) -> set[str]:
    """The groups of the API where a token may do anything: everybody may ask who they are and what they may."""
    review = ("POST", f"{api}/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", {"spec": {"namespace": USERS}})
    [status, text] = scene.do(attacker.ask, {"": review}, token)[""]
    assert status == 201
    return {group for rule in json.loads(text)["status"]["resourceRules"] for group in rule["apiGroups"]}


@pytest.fixture
def maker(scene: Scene) -> Iterator[str]:
    """A token, come by somehow, of an account that may make pods in the students' namespace."""
    scene.cluster.kubectl("--namespace", USERS, "create", "serviceaccount", "maker")
    with scene.rights("maker"):
        yield scene.make_token("maker")
    scene.cluster.kubectl("--namespace", USERS, "delete", "serviceaccount", "maker")


def test_pods_with_more_rights(scene: Scene, maker: str) -> None:
    """Whoever may make pods may still make none that reaches the node, where homes and processes of all lie."""
    image, place = scene.cluster.load_test_image(), f"{scene.pods()}?dryRun=All"
    pods = {name: build_forbidden(image, *more) for name, more in {"plain": ({}, {}), **FORBIDDEN}.items()}
    requests: dict[str, Request] = {name: ("POST", place, pod) for name, pod in pods.items()}
    words = [scene.secret, f"JUPYTERHUB_USER={BEN}"]
    spy = build_pod("spy", scene.image("lab"), build_script(attacker.find_words, words))
    spy["spec"] |= {"hostPID": True, "volumes": [{"name": "node", "hostPath": {"path": str(VOLUMES)}}]}
    spy["spec"]["containers"][0]["volumeMounts"] = [{"name": "node", "mountPath": "/volume"}]

    def make() -> dict[str, int]:
        answers = scene.do(attacker.ask, requests, maker)
        assert all("violates PodSecurity" in text for status, text in answers.values() if status == 403), answers
        return {name: status for name, (status, _) in answers.items()}

    refused = dict.fromkeys(requests, 403) | {"plain": 201}
    with without(scene.cluster, WAY_OUT):
        assert until(make, refused) == refused
        with scene.without_pod_security():
            made = dict.fromkeys(requests, 201)
            assert until(make, made) == made
            assert sorted(json.loads(scene.run_pod(maker, spy))) == sorted(words)
        assert make() == refused


def build_forbidden(image: str, spec: dict[str, Any], container: dict[str, Any]) -> dict[str, Any]:
    """A plain pod with something more."""
    pod = build_pod("forbidden", image, ["true"])
    for here, more in ((pod["spec"], spec), (pod["spec"]["containers"][0], container)):
        for key, value in more.items():
            here[key] = {**here.get(key, {}), **value} if isinstance(value, dict) else value
    return pod


@pytest.mark.parametrize(
    ("namespace", "claim", "words"),
    [(USERS, f"home-{BEN}", ["cat", "/volume/secret.txt"]), (NAMESPACE, "hub-db", ["ls", "/volume"])],
    ids=["another's home", "the hub's database"],
)
def test_another_volume(scene: Scene, namespace: str, claim: str, words: list[str]) -> None:
    """A volume is mounted by the pods that name its claim, and students may make none."""
    thief = build_pod("thief", scene.cluster.load_test_image(), words, claim=claim)
    request: dict[str, Request] = {"": ("POST", scene.pods(namespace), thief)}
    token = scene.make_token()
    with without(scene.cluster, WAY_OUT):
        assert until(lambda: scene.ask(request, token), {"": 403}) == {"": 403}
        with scene.rights(namespace=namespace):
            assert scene.run_pod(token, thief, namespace).split()[0] in (scene.secret, "jupyterhub.sqlite")
        assert scene.ask(request, token) == {"": 403}
    assert until(lambda: scene.ask(request, token), {"": 0}) == {"": 0}


def test_what_the_hub_starts(scene: Scene) -> None:
    """No name gets somebody the home of another, and no wish the pod of one's own making."""
    options = {"image": "evil", "service_account": "hub", "volumes": [], "container_security_context": {}}
    wishes = {**options, "profile_list": [], "kubespawner_override": options}
    passwords = scene.one.add(*ALIKE)
    try:
        for name in ALIKE:
            start = ("POST", f"{scene.hub}/api/users/{name}/server", wishes)
            assert scene.ask({"": start}, scene.log_in(name, passwords[name]))[""] in (201, 202)
        until(lambda: set(find_pods(scene)) & set(ALIKE), set(ALIKE))
        pods = find_pods(scene)
    finally:
        scene.one.lumihub("users", "remove", *ALIKE, "--delete-home", "--yes")
    claims = {pods[name]["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"] for name in ALIKE}
    assert len(claims) == len(ALIKE)
    for name in ALIKE:
        assert find_rights(pods[name]) == find_rights(pods[MALLORY])


def find_pods(scene: Scene) -> dict[str, dict[str, Any]]:
    """Students' pods by their names."""
    text = scene.cluster.kubectl("--namespace", USERS, "get", "pods", "--output=json")
    return {pod["metadata"]["annotations"]["hub.jupyter.org/username"]: pod for pod in json.loads(text)["items"]}


def find_rights(pod: dict[str, Any]) -> dict[str, Any]:
    """What a pod is, as far as that gives it rights."""
    spec, [container] = pod["spec"], pod["spec"]["containers"]
    return {
        **{name: spec.get(name) for name in ("serviceAccountName", "automountServiceAccountToken", "securityContext")},
        "volumes": [volume["name"] for volume in spec["volumes"]],
        **{name: container.get(name) for name in ("image", "command", "args", "securityContext", "resources")},
    }


def test_the_proxys_token(scene: Scene) -> None:
    """Whoever gets as far as the proxy's API still needs its token."""
    routes = {"": ("GET", f"http://{scene.addresses['proxy-api']}:8001/api/routes", None, "token")}
    secret = scene.read_secrets()["proxy-token"]

    def ask(token: str) -> tuple[int, bool]:
        status, text = scene.do(attacker.ask, routes, token)[""]
        return status, f'"/user/{BEN}"' in text

    with without(scene.cluster, WAY_TO_PROXY):
        assert until(lambda: ask(""), (403, False)) == (403, False)
        assert ask(scene.token) == (403, False)
        assert ask(secret) == (200, True)
    assert until(lambda: ask(secret), (0, False)) == (0, False)


def test_the_hubs_api(scene: Scene) -> None:
    """What an administrator may ask, a student may not."""
    api = f"{scene.hub}/api"
    requests: dict[str, Request] = {
        "all users": ("GET", f"{api}/users"),
        "another user": ("GET", f"{api}/users/{BEN}"),
        "another's tokens": ("GET", f"{api}/users/{BEN}/tokens"),
        "a token of another": ("POST", f"{api}/users/{BEN}/tokens", {}),
        "another's server": ("GET", f"{api}/users/{BEN}/server/progress"),
        "another's rights": ("PATCH", f"{api}/users/{BEN}", {"admin": False}),
        "all accounts": ("GET", f"{api}/lumihub/accounts"),
        "another's password": ("PATCH", f"{api}/lumihub/accounts/{BEN}", {"password": scene.passwords[BEN]}),
        "groups": ("GET", f"{api}/groups"),
        "services": ("GET", f"{api}/services"),
        "routes": ("GET", f"{api}/proxy"),
        "versions": ("GET", f"{api}/info"),
        "metrics": ("GET", f"{scene.hub}/metrics"),
    }
    harmful: dict[str, Request] = {
        "own rights": ("PATCH", f"{api}/users/{MALLORY}", {"admin": True}),
        "the hub's end": ("POST", f"{api}/shutdown", {}),
    }
    server_token = scene.do(attacker.own_token)
    for token in ("", server_token, scene.token):
        assert answered(scene.ask(requests | harmful, token)) == set()
    with scene.administrator():
        assert answered(scene.ask(requests, scene.token)) == set(requests)
        # A server's token is for that server, whoever owns it.
        assert answered(scene.ask(requests, server_token)) == set()
    assert answered(scene.ask(requests | harmful, scene.token)) == set()


def answered(statuses: dict[str, int]) -> set[str]:
    """Which requests were granted."""
    return {name for name, status in statuses.items() if status in range(200, 300)}


def test_a_page_of_another_site(scene: Scene) -> None:
    """A browser that is logged in sends its cookie along, but not the word that only the hub's own pages know."""
    account = (scene.hub, MALLORY, scene.passwords[MALLORY])
    assert scene.do(attacker.forge_token, *account) == 403
    assert scene.do(attacker.make_token, *account)


def test_anothers_server_with_the_own_login(scene: Scene) -> None:
    """By the proxy, where anybody comes, and past it, where the policy keeps students out."""
    path = f"user/{BEN}/api/contents/secret.txt"
    past: dict[str, Request] = {"past": ("GET", f"http://{scene.addresses[BEN]}:8888/{path}")}

    def ask(token: str) -> tuple[int, int]:
        by_proxy = get(scene.one.url + path, headers={"Authorization": f"token {token}"}, timeout=20)
        return by_proxy.status_code, scene.ask(past, token)["past"]

    with StudentSession(scene.one.url, MALLORY) as browser:
        browser.log_in(scene.passwords[MALLORY])
        browser.name = BEN
        browser.get("lab")  # the first visit would hand over the login, by way of the hub
        assert browser.get("api/contents/secret.txt").status_code == 404
    assert ask(scene.token) == (403, 0)
    with without(scene.cluster, WAY_OUT):
        assert until(lambda: ask(scene.token), (403, 403)) == (403, 403)
        with scene.administrator():
            # A new one: a server remembers for some minutes whom it did not let in.
            token = scene.log_in(MALLORY, scene.passwords[MALLORY])
            assert ask(token) == (200, 200)
    assert until(lambda: ask(scene.token), (403, 0)) == (403, 0)


def test_a_page_of_a_students_server(scene: Scene) -> None:
    """It would act with the login of whoever follows a link to it, so they are shown the hub in its place."""
    owner, secrets = "sly", scene.read_secrets()
    key = build_key(secrets["proxy-token"], owner)
    visitors = {BEN: (scene.passwords[BEN], 404), "admin": (secrets["admin"], 403)}
    passwords = scene.one.add(owner)
    try:
        with scene.one.student(owner, passwords[owner]) as server:
            set_the_stage(server)
            page, person = f"{server.base}stage", {"Accept": "text/html"}
            # Nor does it leave a service worker in a browser that the next one uses.
            assert "My results" in server._http.get(page, timeout=20).text
            worker = server._http.get(page, headers={"Service-Worker": "script"}, allow_redirects=False, timeout=20)
            assert worker.status_code == 302
            for name, (password, refusal) in visitors.items():
                with StudentSession(scene.one.url, name) as browser:
                    browser.log_in(password)

                    def ask(mark: str, browser: StudentSession = browser) -> tuple[int, bool]:
                        answer = browser._http.get(f"{page}?by={mark}", headers=person, timeout=20)
                        return answer.status_code, "My results" in answer.text

                    assert ask(f"{name}-without") == (refusal, False)
                    assert browser._http.post(f"{page}?by={name}-without", timeout=20).status_code == 403
                    own = browser._http.cookies[COOKIE]
                    browser._http.cookies.set(COOKIE, key, domain=urlsplit(page).hostname, path="/")
                    assert ask(f"{name}-with") == (200, True)
                    browser._http.cookies.set(COOKIE, own, domain=urlsplit(page).hostname, path="/")
                    assert ask(f"{name}-without") == (refusal, False)
                assert read_lines(server, SEEN, f"by={name}") == [f"GET /user/{owner}/stage?by={name}-with"]
    finally:
        scene.one.lumihub("users", "remove", owner, "--delete-home", "--yes")


def test_the_cache(scene: Scene, link: Link) -> None:
    """It reads the releases from one origin, and that is all; what it holds stays, and is not read there again."""
    file = f"{EXPORT}/{PLACE}/data_A.4lep.root"
    with scene.caches() as pod:
        url, foreign = f"root://{scene.addresses['cache']}:1094", f"{pod}:{FOREIGN}"
        harmless = {name: name == "read a file" for name in scene.do(attacker.try_cache, url, file, foreign)}
        before = link.down
        assert scene.do(attacker.try_cache, url, file, foreign) == harmless
        assert link.down == before
        with without(scene.cluster, WAY_OUT):
            assert until(lambda: scene.do(attacker.reach, {"": ("tcp", pod, GUARDED)}), [""]) == [""]
            guarded, opened = (
                scene.do(attacker.try_cache, f"root://{pod}:{port}", FILE, foreign) for port in (GUARDED, OPEN)
            )
    assert guarded == harmless
    # These two XRootD refuses whatever it is told: a proxy has no modes, and no path goes up.
    assert opened == {name: name not in ("chmod", "read by ..") for name in harmless}


def test_gaining_root(scene: Scene, make_namespace: Callable[..., str]) -> None:
    """In the own pod, where students may run what they like."""
    ways = scene.do(attacker.gain_root)
    assert ways == dict.fromkeys(ways, False)
    namespace = make_namespace("privileged")
    lax, root = (build_pod(name, scene.image("lab"), build_script(attacker.gain_root)) for name in ("lax", "root"))
    lax["spec"]["securityContext"] = {"runAsUser": 1000, "seccompProfile": {"type": "Unconfined"}}
    lax["spec"]["containers"][0]["securityContext"] = {"allowPrivilegeEscalation": True}
    root["spec"]["securityContext"] = {"runAsUser": 0}
    root["spec"]["containers"][0]["securityContext"] = {"privileged": True}
    for pod in (lax, root):
        pod["metadata"]["namespace"] = namespace
    scene.cluster.apply(lax, root)
    by_account = {"a program with the setuid bit", "a user namespace", "the kernel's keyring"}
    assert json.loads(scene.wait_for(lax, namespace)) == {way: way in by_account for way in ways}
    # Root has no use for the first, and the image has no sudo.
    assert json.loads(scene.wait_for(root, namespace)) == {
        way: way not in ("a program with the setuid bit", "sudo") for way in ways
    }


def test_secrets_are_nowhere(scene: Scene) -> None:
    """Neither in a file nor in an environment; only what is Mallory's own is."""
    own = scene.do(attacker.own_token)
    words = (own, *scene.read_secrets().values(), scene.passwords[BEN])
    digests = {hashlib.sha256(word.encode()).hexdigest(): word for word in words}
    assert [digests[one] for one in scene.do(attacker.find_digests, list(digests))] == [own]
    scene.do(attacker.keep, "own.txt", own)
    of_ben, of_mallory = ([f"JUPYTERHUB_USER={name}", word] for name, word in ((BEN, scene.secret), (MALLORY, own)))
    assert scene.do(attacker.find_words, of_ben + of_mallory) == sorted(of_mallory)
    assert scene.do(attacker.find_processes) == []


def test_the_installation_is_as_it_was(scene: Scene) -> None:
    assert scene.one.plan()["changes"] == []
