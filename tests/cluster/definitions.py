"""Kinds that no cluster knows by itself: Gateway API and cert-manager, as their Go modules define them."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cluster.waiting import until
from lumihub.process import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster.machine.access import Cluster

# As new as the one that Traefik is built with: it waits for every kind that it knows.
_GATEWAY_API = ("sigs.k8s.io/gateway-api@v1.6.3", "config/crd/standard/gateway.networking.k8s.io_{}.yaml")
# Kind -> the module that defines it, and the file there.
DEFINITIONS = {
    **{
        kind: (_GATEWAY_API[0], _GATEWAY_API[1].format(plural))
        for kind, plural in (
            ("BackendTLSPolicy", "backendtlspolicies"),
            ("Gateway", "gateways"),
            ("GatewayClass", "gatewayclasses"),
            ("GRPCRoute", "grpcroutes"),
            ("HTTPRoute", "httproutes"),
            ("ListenerSet", "listenersets"),
            ("ReferenceGrant", "referencegrants"),
            ("TLSRoute", "tlsroutes"),
        )
    },
    "Certificate": (
        "github.com/cert-manager/cert-manager@v1.19.1",
        "deploy/crds/cert-manager.io_certificates.yaml",
    ),
}


@contextmanager
def defined(cluster: Cluster) -> Iterator[None]:
    """All of them are known; those that the cluster lacked are gone afterwards."""
    made: list[str] = []
    try:
        for kind, (module, path) in DEFINITIONS.items():
            if knows(cluster, kind):
                continue
            found = json.loads(run(["go", "mod", "download", "-json", module], timeout=280).stdout)
            made.append(f"{found['Dir']}/{path}")
            cluster.kubectl("create", f"--filename={made[-1]}")
            until(lambda kind=kind: knows(cluster, kind), 60)  # type: ignore[misc]
        yield
    finally:
        for path in made:
            cluster.kubectl("delete", f"--filename={path}")


def knows(cluster: Cluster, kind: str) -> bool:
    """Whether the API server serves a kind."""
    return kind in cluster.kubectl("api-resources", "--no-headers").split()
