"""Two students of one installation, of whom one is hostile, and the guards that tests take away for a moment."""

from __future__ import annotations

import base64
import inspect
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cluster import attacker
from cluster.attacked_caches import build_caches
from cluster.installation import NAMESPACE, USERS
from lumihub.kubernetes.images import find_references
from lumihub.settings.loading import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cluster.installation import ClusterInstallation
    from cluster.machine.access import Cluster
    from lumihub.operations.student import Kernel

MALLORY, BEN = "mallory", "ben"
# A port on which a program of Ben's listens.
LISTENING = 9999
# What a test wants of an address: method, URL, and what is sent.
Request = tuple[Any, ...]
_LEVEL = "pod-security.kubernetes.io/enforce"
_MAKE_PODS = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["create", "list"]}]


@dataclass
class Scene:
    """What the tests know of both.

    Attributes:
        one: the installation.
        cluster: where it is.
        kernel: Mallory's, which knows how to attack.
        passwords: of both, by name.
        secret: what stands in a file of Ben's.
        token: of Mallory's account, with all its rights.
        addresses: of services, and of Ben's pod, by name.
    """

    one: ClusterInstallation
    cluster: Cluster
    kernel: Kernel
    passwords: dict[str, str]
    secret: str
    token: str = ""
    addresses: dict[str, str] = field(default_factory=dict)

    @property
    def hub(self) -> str:
        """The hub's own address, which students' servers may ask."""
        return f"http://{self.addresses['hub']}:8081/hub"

    def pods(self, namespace: str = USERS) -> str:
        """The API server's address of a namespace's pods."""
        return f"https://{self.addresses['kubernetes']}/api/v1/namespaces/{namespace}/pods"

    def image(self, name: str) -> str:
        """The image that a part of the installation runs."""
        return find_references(load_settings(self.one.values))[name]

    def do(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """What one of the attacker's functions gives in Mallory's kernel."""
        return do(self.kernel, function, *arguments)

    def ask(self, requests: dict[str, Request], token: str = "") -> dict[str, int]:
        """The status of each answer that Mallory gets; 0 where nobody answers."""
        return {name: status for name, (status, _) in self.do(attacker.ask, requests, token).items()}

    def make_token(self, account: str = "default") -> str:
        """A token of a service account of the students' namespace."""
        return self.cluster.kubectl("--namespace", USERS, "create", "token", account).strip()

    def log_in(self, name: str, password: str) -> str:
        """A new token of an account of the hub, made in Mallory's kernel."""
        token: str = self.do(attacker.make_token, self.hub, name, password)
        return token

    def read_secrets(self) -> dict[str, str]:
        """The secrets of the hub and the administrator's password (`admin`), by name."""
        return {
            key: base64.b64decode(value).decode()
            for name in ("hub", "hub-admin")
            for key, value in self.one.get("secret", name)["data"].items()
        }

    def run_pod(self, token: str, pod: dict[str, Any], namespace: str = USERS) -> str:
        """What a pod says that Mallory makes with a token."""
        [status, text] = self.do(attacker.ask, {"": ("POST", self.pods(namespace), pod)}, token)[""]
        assert status == 201, text
        return self.wait_for(pod, namespace)

    def wait_for(self, pod: dict[str, Any], namespace: str) -> str:
        """What a pod says until it ends; then it is removed."""
        inside, name = ("--namespace", namespace), pod["metadata"]["name"]
        ended = "--for=jsonpath={.status.phase}=Succeeded"
        try:
            self.cluster.kubectl(*inside, "wait", ended, f"pod/{name}", "--timeout=60s")
            return self.cluster.kubectl(*inside, "logs", name)
        finally:
            self.cluster.kubectl(*inside, "delete", "pod", name)

    @contextmanager
    def rights(self, account: str = "default", namespace: str = USERS) -> Iterator[None]:
        """A service account of the students' namespace that may make pods in a namespace."""
        role = {"metadata": {"name": "attack", "namespace": namespace}, "apiVersion": "rbac.authorization.k8s.io/v1"}
        binding = {
            **role,
            "kind": "RoleBinding",
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "attack"},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": USERS}],
        }
        self.cluster.apply({**role, "kind": "Role", "rules": _MAKE_PODS}, binding)
        try:
            yield
        finally:
            self.cluster.kubectl("--namespace", namespace, "delete", "rolebinding/attack", "role/attack")

    @contextmanager
    def without_pod_security(self) -> Iterator[None]:
        """The students' namespace as it would be if it took any pod."""
        before = self.one.get("namespace", USERS)["metadata"]["labels"][_LEVEL]
        self.cluster.kubectl("label", "--overwrite", "namespace", USERS, f"{_LEVEL}=privileged")
        try:
            yield
        finally:
            self.cluster.kubectl("label", "--overwrite", "namespace", USERS, f"{_LEVEL}={before}")

    @contextmanager
    def administrator(self) -> Iterator[None]:
        """The hub as it would be if Mallory were one of its administrators."""
        token = self.log_in("admin", self.read_secrets()["admin"])
        account = f"{self.hub}/api/users/{MALLORY}"
        assert self.ask({"": ("PATCH", account, {"admin": True})}, token) == {"": 200}
        try:
            yield
        finally:
            assert self.ask({"": ("PATCH", account, {"admin": False})}, token) == {"": 200}

    @contextmanager
    def caches(self) -> Iterator[str]:
        """The address of a pod with caches that may be spoilt."""
        namespace = f"{NAMESPACE}-caches"
        self.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        try:
            self.cluster.apply(build_caches(self.cluster, NAMESPACE, namespace, self.image("cache")))
            ready = "--for=condition=Ready"
            self.cluster.kubectl("--namespace", namespace, "wait", ready, "pod/caches", "--timeout=60s")
            address: str = self.one.get("pod", "caches", namespace)["status"]["podIP"]
            yield address
        finally:
            self.cluster.kubectl("delete", "namespace", namespace, "--wait=false")


def do(kernel: Kernel, function: Callable[..., Any], *arguments: Any) -> Any:
    """What one of the attacker's functions gives in a kernel that knows them."""
    result = kernel.run(f"print(json.dumps({function.__name__}(*json.loads({json.dumps(arguments)!r}))))")
    assert not result.error, result.traceback
    return json.loads(result.text)


def build_script(function: Callable[..., Any], *arguments: Any) -> list[str]:
    """A command that calls one of the attacker's functions in a pod of the image `lab`, and prints what it gives."""
    call = f"print(json.dumps({function.__name__}(*json.loads({json.dumps(arguments)!r}))))"
    return ["python", "-c", f"{inspect.getsource(attacker)}\n{call}"]


@contextmanager
def prepared(one: ClusterInstallation, cluster: Cluster, secret: str) -> Iterator[Scene]:
    """Both students with their servers, and what is to be known; afterwards they are gone."""
    passwords = one.add(MALLORY, BEN)
    with ExitStack() as stack:
        stack.callback(one.lumihub, "users", "remove", MALLORY, BEN, "--delete-home", "--yes")

        def open_kernel(name: str) -> Kernel:
            kernel = stack.enter_context(one.student(name, passwords[name])).start_kernel()
            stack.callback(kernel.close)
            result = kernel.run(inspect.getsource(attacker))
            assert not result.error, result.traceback
            return kernel

        with ThreadPoolExecutor() as pool:
            mallory, ben = pool.map(open_kernel, (MALLORY, BEN))
        do(ben, attacker.listen, LISTENING)
        do(ben, attacker.keep, "secret.txt", secret)
        scene = Scene(one, cluster, mallory, passwords, secret)
        for name, namespace in (
            *((name, NAMESPACE) for name in ("hub", "proxy-api", "cache")),
            ("kubernetes", "default"),
        ):
            scene.addresses[name] = one.get("service", name, namespace)["spec"]["clusterIP"]
        scene.addresses[BEN] = one.get("pod", f"jupyter-{BEN}", USERS)["status"]["podIP"]
        scene.token = scene.log_in(MALLORY, passwords[MALLORY])
        yield scene
