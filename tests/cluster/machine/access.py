"""What tests get in their hands: a cluster, the project's own or any other, and the programs that talk to it."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cluster.machine.images import find_builder, load_image, push_image, write_test_image
from cluster.machine.layout import CONTEXT, HOST_ADDRESS, KUBECONFIG, SOCKET, TEST_IMAGE
from cluster.machine.programs import find_programs
from lumihub.errors import LumiHubError
from lumihub.process import find_program, run

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster.

    Attributes:
        kubeconfig: the file that says how it is reached.
        context: which of the file's contexts that is.
        containerd: the socket through which images are loaded; None for another cluster.
        registry: where images are pushed for another cluster, such as registry.example.org/test; None for our own.
        host_address: the address at which pods reach this machine; None for another cluster.
    """

    kubeconfig: Path
    context: str
    containerd: Path | None = None
    registry: str | None = None
    host_address: str | None = None

    @property
    def is_own(self) -> bool:
        """Whether it is the project's own, whose parts may be killed."""
        return self.containerd is not None

    @property
    def node_address(self) -> str:
        """The first node's address."""
        wanted = '{.items[0].status.addresses[?(@.type=="InternalIP")].address}'
        return self.kubectl("get", "nodes", f"--output=jsonpath={wanted}").split()[0]

    def kubectl(
        self, *words: str, objects: list[Mapping[str, object]] | None = None, timeout: float = 120, check: bool = True
    ) -> str:
        """Run kubectl and return what it prints on stdout.

        Args:
            words: its arguments; with `objects` these should contain `--filename=-`.
            objects: what it reads on its standard input.
            timeout: seconds until it is killed.
            check: raise when it fails.

        Raises:
            LumiHubError: it failed; holds its own words.
        """
        begin: list[str | Path] = [
            self.program("kubectl"),
            f"--kubeconfig={self.kubeconfig}",
            f"--context={self.context}",
        ]
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}) if objects is not None else None
        return run([*begin, *words], timeout=timeout, check=check, input_text=text).stdout

    def apply(self, *objects: Mapping[str, object]) -> None:
        """Make or change objects."""
        self.kubectl("apply", "--filename=-", objects=list(objects))

    def load_image(self, reference: str) -> str:
        """Let pods use an image that buildah, podman or docker holds; returns the reference to write into a pod."""
        if self.is_own:
            return load_image(reference)
        return push_image(find_builder(reference), reference, self._require_registry(reference))

    def load_test_image(self) -> str:
        """Let pods use the image of busybox that tests share; returns its reference."""
        if self.is_own:
            return TEST_IMAGE
        self._require_registry(TEST_IMAGE)
        with tempfile.TemporaryDirectory(prefix="lumihub-image-") as place:
            archive = Path(place, "image.tar")
            write_test_image(archive)
            run(["buildah", "pull", "--quiet", f"docker-archive:{archive}"])
        return self.load_image(TEST_IMAGE)

    def _require_registry(self, reference: str) -> str:
        if self.registry is None:
            raise LumiHubError(
                f"{reference} cannot be brought to the cluster that {self.kubeconfig} names",
                fix="name a registry that it pulls from and that you may push to, with --image-registry",
            )
        return self.registry

    def program(self, name: str) -> Path:
        """The path of `kubectl`, `helm` (4) or `helm3`: the one built for the test cluster, or else the installed one.

        Raises:
            LumiHubError: it is not here.
        """
        built = find_programs() / name
        found = built if built.exists() else find_program(name)
        if found is None:
            raise LumiHubError(f"{name} is not installed", fix="./tests/cluster/run build")
        return found


def own_cluster() -> Cluster:
    """The project's own test cluster, which must be up."""
    return Cluster(KUBECONFIG, CONTEXT, containerd=SOCKET, host_address=HOST_ADDRESS)


def other_cluster(kubeconfig: Path, registry: str | None) -> Cluster:
    """The cluster of a kubeconfig's current context."""
    nameless = Cluster(kubeconfig, "", registry=registry)
    words: list[str | Path] = [nameless.program("kubectl"), f"--kubeconfig={kubeconfig}", "config", "current-context"]
    return Cluster(kubeconfig, run(words).stdout.strip(), registry=registry)
