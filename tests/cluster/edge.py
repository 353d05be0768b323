"""What stands before an institution's cluster: a controller of Ingresses and Gateways, and who gives out addresses."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cluster.installation import NAMESPACE, NODE_PORT
from cluster.machine.images import write_program_image
from cluster.machine.layout import HOST_LINK, NODE_ADDRESS
from lumihub.process import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster.machine.access import Cluster

HOST = "hub.example.org"
NAME = f"{NAMESPACE}-edge"
IMAGE = "localhost/lumihub-test/traefik:1"
# Of a network for documentation, on this machine alone: one for the controller, one for the platform itself.
_NUMBER = 1 + NODE_PORT % 100
CONTROLLER_ADDRESS, PLATFORM_ADDRESS = f"203.0.113.{_NUMBER}", f"203.0.113.{_NUMBER + 100}"
_PORTS = {"web": (80, 8000), "websecure": (443, 8443)}


@contextmanager
def controller(cluster: Cluster, program: Path) -> Iterator[None]:
    """Traefik in a pod, which serves every Ingress and Gateway of the class NAME at CONTROLLER_ADDRESS.

    Args:
        cluster: our own.
        program: traefik.
    """
    with tempfile.TemporaryDirectory(prefix="lumihub-image-") as place:
        archive = Path(place, "image.tar")
        write_program_image(archive, IMAGE, program)
        cluster.load_image(str(archive))
    objects = _build_objects()
    cluster.apply(*objects)
    try:
        cluster.kubectl("--namespace", NAME, "rollout", "status", "deployment/edge", "--timeout=60s")
        with addressed(cluster, NAME, "edge", CONTROLLER_ADDRESS):
            yield
    finally:
        cluster.kubectl("delete", "--ignore-not-found", "--filename=-", objects=objects)


@contextmanager
def addressed(cluster: Cluster, namespace: str, service: str, address: str) -> Iterator[None]:
    """A Service of type LoadBalancer with an address, as a cloud gives it; this machine finds the way there."""
    status = {"status": {"loadBalancer": {"ingress": [{"ip": address}]}}}
    words = ["--subresource=status", "--type=merge", f"--patch={json.dumps(status)}"]
    cluster.kubectl("--namespace", namespace, "patch", "service", service, *words)
    route = [f"{address}/32", "via", NODE_ADDRESS, "dev", HOST_LINK]
    run(["ip", "route", "replace", *route])
    try:
        yield
    finally:
        run(["ip", "route", "del", *route], check=False)  # gone with the cluster


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for HOST, which vouches for itself, and its key."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    words = f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={HOST} -addext subjectAltName=DNS:{HOST}"
    command = ["openssl", *words.split(), "-keyout", str(key), "-out", str(cert)]
    subprocess.run(command, check=True, capture_output=True)
    return cert, key


def find_traefik() -> Path | None:
    """The program, as the environment of the tests has it."""
    found = shutil.which("traefik")
    return Path(found) if found else None


def _build_objects() -> list[dict[str, Any]]:
    labels = {"app": "edge"}
    level = {"pod-security.kubernetes.io/enforce": "restricted"}
    namespaced = {"name": "edge", "namespace": NAME}
    ports = [{"name": name, "port": port, "targetPort": target} for name, (port, target) in _PORTS.items()]
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAME, "labels": level}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": namespaced},
        {
            # What it reads in earnest is a page of rules of its maker's, and nothing of ours.
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": NAME},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", **namespaced}],
        },
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "IngressClass",
            "metadata": {"name": NAME},
            "spec": {"controller": "traefik.io/ingress-controller"},
        },
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "GatewayClass",
            "metadata": {"name": NAME},
            "spec": {"controllerName": "traefik.io/gateway-controller"},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": namespaced,
            "spec": {"type": "LoadBalancer", "selector": labels, "ports": ports},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": namespaced,
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": _build_pod()},
            },
        },
    ]


def _build_pod() -> dict[str, Any]:
    entries = [f"--entrypoints.{name}.address=:{target}" for name, (_, target) in _PORTS.items()]
    return {
        "serviceAccountName": "edge",
        "terminationGracePeriodSeconds": 0,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 1000,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "traefik",
                "image": IMAGE,
                "imagePullPolicy": "Never",
                "args": [
                    *entries,
                    # As its own chart has it: without it a certificate of an Ingress is shown, and no route serves it.
                    "--entrypoints.websecure.http.tls=true",
                    "--providers.kubernetesingress",
                    "--providers.kubernetesgateway",
                    "--global.checknewversion=false",
                    "--global.sendanonymoususage=false",
                    "--ping.entrypoint=web",
                ],
                "readinessProbe": {"httpGet": {"path": "/ping", "port": _PORTS["web"][1]}, "periodSeconds": 1},
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            }
        ],
    }


def build_gateway(namespace: str, secret: str) -> dict[str, Any]:
    """A Gateway of the institution's, with http and with https, to which every namespace may add routes."""
    everybody = {"namespaces": {"from": "All"}}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "campus", "namespace": namespace},
        "spec": {
            "gatewayClassName": NAME,
            "listeners": [
                {"name": "http", "protocol": "HTTP", "port": _PORTS["web"][1], "allowedRoutes": everybody},
                {
                    "name": "https",
                    "protocol": "HTTPS",
                    "port": _PORTS["websecure"][1],
                    "tls": {"certificateRefs": [{"name": secret}]},
                    "allowedRoutes": everybody,
                },
            ],
        },
    }
