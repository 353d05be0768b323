"""A whole installation on a cluster for tests, driven through the command line as its admin does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
import yaml

from lumihub.errors import LumiHubError
from lumihub.kubernetes.images import find_references
from lumihub.settings import Settings
from servers.hub import logged_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from cluster.machine.access import Cluster
    from lumihub.operations.student import Kernel, StudentSession

# Several people, or one with several work trees, may test on one cluster at once when each gives a name of its own.
OWN_NAME = os.environ.get("LUMIHUB_TEST_NAME", "")
NAMESPACE = f"lumihub-{OWN_NAME or 'e2e'}"
USERS = f"{NAMESPACE}-users"
IMAGES = OWN_NAME or "e2e"
NODE_PORT = 30088 + (zlib.crc32(OWN_NAME.encode()) % 1000 if OWN_NAME else 0)
# Two cohorts, small enough to be full soon; cy is in the second.
DASK: dict[str, Any] = {
    "enabled": True,
    "maxWorkers": 2,
    "gateway": {
        "cohorts": ["default", "other"],
        "cohort": {"clusters": 2, "workers": 4},
        "worker": {"memory": {"limit": "512M", "guarantee": "192M"}, "cpu": {"limit": 1.0, "guarantee": 0.01}},
        "scheduler": {"memory": {"limit": "512M", "guarantee": "160M"}, "cpu": {"limit": 1.0, "guarantee": 0.01}},
    },
    "platform": {"workers": 1, "streams": 4},
    "demo": {
        "maxWorkers": 3,
        "worker": {"requests": {"cpu": "10m", "memory": "192Mi"}, "limits": {"cpu": "1", "memory": "512Mi"}},
        "scheduler": {"requests": {"cpu": "10m", "memory": "160Mi"}, "limits": {"cpu": "1", "memory": "512Mi"}},
    },
}
GROUPS = {"other": {"users": ["cy"]}}
# The school's own, by path; names as people give them.
LESSONS = {"muons/week {1}, äußerst schwer.ipynb": '{"cells": []}', "rules.md": "be kind\n"}
# What changes by itself, or belongs to no release.
_PASSING = ("events", "events.events.k8s.io", "leases.coordination.k8s.io", "pods.metrics.k8s.io")


@dataclass
class ClusterInstallation:
    """One installation.

    Attributes:
        cluster: where it is.
        folder: of its values file, and of what the tool remembers.
        helm: the folder whose `helm` it uses.
        last: what the last command said on stderr.
    """

    cluster: Cluster
    folder: Path
    helm: Path
    last: str = field(default="", repr=False)

    @property
    def values(self) -> Path:
        """The values file."""
        return self.folder / "values.yaml"

    @property
    def settings(self) -> dict[str, Any]:
        """What is in the values file."""
        loaded: dict[str, Any] = yaml.safe_load(self.values.read_text())
        return loaded

    @property
    def environment(self) -> dict[str, str]:
        """Of its commands."""
        return {
            **os.environ,
            "KUBECONFIG": str(self.cluster.kubeconfig),
            "PATH": f"{self.helm}{os.pathsep}{os.environ['PATH']}",
            "XDG_STATE_HOME": str(self.folder / "state"),
        }

    @property
    def url(self) -> str:
        """The public address: a port of the node."""
        return f"http://{self.cluster.node_address}:{self.settings['proxy']['service']['nodePorts']['http']}/"

    def serves(self) -> bool:
        """Whether the hub answers at the public address."""
        try:
            return requests.get(f"{self.url}hub/health", timeout=5).ok
        except requests.RequestException:
            return False

    def write(self, settings: dict[str, Any]) -> None:
        """Replace the values file."""
        self.values.write_text(yaml.safe_dump(settings))

    @contextmanager
    def changed(self, **sections: dict[str, Any]) -> Iterator[None]:
        """The values file with other keys in some sections, while the block runs."""
        before = self.settings
        settings = self.settings
        for name, section in sections.items():
            settings.setdefault(name, {}).update(section)
        self.write(settings)
        try:
            yield
        finally:
            self.write(before)

    def command(self, *words: str) -> list[str]:
        """The argument list of a command."""
        verb, *rest = words
        sub = [rest.pop(0)] if verb in ("users", "images", "data", "demo") else []
        return [str(Path(sys.prefix) / "bin" / "lumihub"), verb, *sub, "--values", str(self.values), *rest]

    def lumihub(self, *words: str, check: bool = True, timeout: float = 900) -> subprocess.CompletedProcess[str]:
        """Type a command."""
        done = subprocess.run(
            self.command(*words),
            capture_output=True,
            text=True,
            timeout=timeout,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            check=False,
            cwd=self.folder,
        )
        self.last = done.stderr
        assert not check or done.returncode == 0, f"lumihub {' '.join(words)}:\n{done.stdout}\n{done.stderr}"
        return done

    def up(self, *words: str) -> dict[str, Any]:
        """`up --json`."""
        answer: dict[str, Any] = json.loads(self.lumihub("up", "--json", *words).stdout)
        return answer

    def status(self) -> dict[str, Any]:
        """`status --json`."""
        answer: dict[str, Any] = json.loads(self.lumihub("status", "--json", check=False).stdout)
        return answer

    def plan(self) -> dict[str, Any]:
        """`plan --json`."""
        answer: dict[str, Any] = json.loads(self.lumihub("plan", "--json").stdout)
        return answer

    def add(self, *names: str) -> dict[str, str]:
        """`users add NAME... --json`: passwords by name."""
        answer = json.loads(self.lumihub("users", "add", *names, "--json").stdout)
        return {account["name"]: account["password"] for account in answer}

    def revision(self) -> int:
        """Number of the revision that serves."""
        words = self.status()["versions"]["release"]
        return int(words.partition("revision ")[2].rstrip(")"))

    def find_objects(self) -> dict[str, str]:
        """The resourceVersion of every object of both namespaces that does not change by itself."""
        kinds = self.cluster.kubectl("api-resources", "--verbs=list", "--namespaced", "--output=name").split()
        wanted = ",".join(kind for kind in kinds if kind not in _PASSING)
        found = {}
        for namespace in (NAMESPACE, USERS):
            text = self.cluster.kubectl("--namespace", namespace, "get", wanted, "--output=json")
            for one in json.loads(text)["items"]:
                name = f"{namespace}/{one['kind']}/{one['metadata']['name']}"
                found[name] = one["metadata"]["resourceVersion"]
        return found

    def get(self, kind: str, name: str, namespace: str = NAMESPACE) -> dict[str, Any]:
        """An object."""
        answer: dict[str, Any] = json.loads(
            self.cluster.kubectl("--namespace", namespace, "get", kind, name, "--output=json")
        )
        return answer

    def student(self, name: str, password: str, *, server: bool = True) -> AbstractContextManager[StudentSession]:
        """A student who logged in and, with `server`, whose server answers."""
        return logged_in(self.url, name, password, server=server)


def build_values(cluster: Cluster, **sections: dict[str, Any]) -> dict[str, Any]:
    """A values file for a small cluster."""
    values: dict[str, Any] = {
        "kubernetes": {
            "context": cluster.context,
            "namespace": NAMESPACE,
            "usersNamespace": USERS,
            "release": NAMESPACE,
            "timeout": 240,
        },
        "proxy": {"service": {"type": "NodePort", "nodePorts": {"http": NODE_PORT}}},
        "singleuser": {
            "memory": {"limit": "1G", "guarantee": "256M"},
            "cpu": {"limit": 1.0, "guarantee": 0.05},
            "storage": {"capacity": "100M"},
        },
        "data": {"cache": {"size": "1G"}},
        "dask": {"enabled": False},
        # Not the sum of the sources: they may be worked at while tests run.
        "images": {"tag": IMAGES},
    }
    for name, section in sections.items():
        values.setdefault(name, {}).update(section)
    return values


def find_images() -> dict[str, str]:
    """By name, the reference of each image of these tests."""
    return find_references(Settings.model_validate({"images": {"tag": IMAGES}}))


def build_images() -> None:
    """Build what is not built: about ten minutes the first time, so not a part of any test.

    Raises:
        LumiHubError: it failed; its words are on stderr.
    """
    with tempfile.TemporaryDirectory(prefix="lumihub-test-") as place:
        values = Path(place, "values.yaml")
        values.write_text(yaml.safe_dump({"images": {"tag": IMAGES}}))
        command = [Path(sys.prefix) / "bin" / "lumihub", "images", "build", "--values", values]
        if subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode:
            raise LumiHubError("the images could not be built; the words of the tool are above")


def check_memory(kernel: Kernel) -> None:
    """What the kernel and the home held they still hold, as an open page finds it when it comes back."""
    kernel.close()  # a connection that nobody read from for minutes was closed by the server
    result = kernel.run("print(mass, open('notes.txt').read())")
    assert (result.error, result.text) == ("", "125.25 kept")


@contextmanager
def working_student(one: ClusterInstallation, name: str) -> Iterator[Kernel]:
    """A student whose kernel holds a variable; at the end it must still hold it."""
    password = one.add(name)[name]
    with one.student(name, password) as student:
        kernel = student.start_kernel()
        assert not kernel.run("mass = 125.25; open('notes.txt', 'w').write('kept')").error
        yield kernel
        check_memory(kernel)
        kernel.close()
    one.lumihub("users", "remove", name, "--delete-home", "--yes")
