"""A port of loopback that leads to a pod of a service, through the API server: no kubectl, no ingress needed."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from typing import TYPE_CHECKING, Any, Self

from lumihub.errors import LumiHubError
from lumihub.kubernetes.objects import build_selector, is_ready, name_of, path_of

if TYPE_CHECKING:
    from types import TracebackType

    from lumihub.kubernetes.access import Cluster, Object

# A pod that was just replaced: its successor is ready soon, or the caller should hear that nothing answers.
_PATIENCE = 20.0
_CHUNK = 65536


class Forwarding:
    """Forwards each connection to its `port` to a pod of a service that is ready at that moment.

    So it goes on when the pod is replaced; connections that were open then end, as they would at an ingress.

    Args:
        cluster: where the service is.
        namespace: of the service.
        service: its name.
        service_port: the port or its name, as the service has it.

    Attributes:
        port: on 127.0.0.1.
    """

    def __init__(self, cluster: Cluster, namespace: str, service: str, service_port: int | str) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._service = service
        self._service_port = service_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, daemon=True, name=f"forwarding to {service}")
        self._accepting.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Take no more connections."""
        with contextlib.suppress(OSError):  # wakes the thread that waits in accept
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join(5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._forward, args=(connection,), daemon=True).start()

    def _forward(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError, LumiHubError):
            tunnel = self._open()
            with contextlib.closing(tunnel):
                _pump(connection, tunnel)

    def _open(self) -> Any:
        """The near end of a tunnel to the pod."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                pod, port = find_target(self._cluster, self._namespace, self._service, self._service_port)
                return open_tunnel(self._cluster, self._namespace, pod, port)
            except LumiHubError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)


def find_target(cluster: Cluster, namespace: str, service: str, service_port: int | str) -> tuple[str, int]:
    """A ready pod of a service, and the pod's own port.

    Raises:
        LumiHubError: there is no such service, or no pod of it is ready.
    """
    found = cluster.find(path_of("services", namespace, service))
    if found is None:
        raise LumiHubError(
            f"there is no service {service} in the namespace {namespace}", where=cluster.context, fix="./deploy.py up"
        )
    port = next(
        (one for one in found["spec"]["ports"] if service_port in (one["port"], one.get("name"))),
        found["spec"]["ports"][0],
    )
    selector = build_selector(found["spec"]["selector"])
    pods = [pod for pod in cluster.items(path_of("pods", namespace), labelSelector=selector) if is_ready(pod)]
    if not pods:
        raise LumiHubError(f"no pod of {service} is ready", where=f"namespace {namespace}", fix="./deploy.py status")
    newest = max(pods, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))
    return name_of(newest), find_pod_port(newest, port.get("targetPort", port["port"]))


def find_pod_port(pod: Object, target: int | str) -> int:
    """The number of a pod's port, which a service may name by a word."""
    if isinstance(target, int):
        return target
    for container in pod["spec"]["containers"]:
        for port in container.get("ports") or []:
            if port.get("name") == target:
                return int(port["containerPort"])
    raise LumiHubError(f"the pod {name_of(pod)} has no port {target}", fix="./deploy.py status")


def open_tunnel(cluster: Cluster, namespace: str, pod: str, port: int) -> Any:
    """A socket whose other end is a pod's port.

    Raises:
        LumiHubError: the pod went away, or the cluster forbids it.
    """
    from kubernetes.client.exceptions import ApiException
    from kubernetes.stream.ws_client import portforward_call

    address = f"{cluster.server}{path_of('pods', namespace, pod, 'portforward')}?ports={port}"
    headers = {name.lower(): value for name, value in cluster.authorized_headers().items()}
    try:
        forwarding = portforward_call(cluster.client.configuration, "GET", address, headers=headers)
    except ApiException as error:
        raise LumiHubError(
            f"no connection to port {port} of the pod {pod}: {error.reason}",
            where=f"namespace {namespace} of {cluster.context}",
            fix="./deploy.py doctor, which tries the right to forward ports too",
        ) from error
    return forwarding.socket(port)


def _pump(one: socket.socket, other: Any) -> None:
    """Carry bytes both ways until an end closes."""
    ends = {one.fileno(): (one, other), other.fileno(): (other, one)}
    while True:
        readable, _, _ = select.select(list(ends), [], [])
        for number in readable:
            source, target = ends[number]
            data = source.recv(_CHUNK)
            if not data:
                return
            target.sendall(data)
