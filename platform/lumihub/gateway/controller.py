"""dask-gateway's controller, which walls off each cluster before its first pod."""

from __future__ import annotations

from typing import Any

from dask_gateway_server.backends.kubernetes.controller import KubeController
from dask_gateway_server.backends.kubernetes.utils import RateLimitedClient
from kubernetes_asyncio.client import NetworkingV1Api
from kubernetes_asyncio.client.rest import ApiException

from lumihub.gateway.configuration import Configuration, load_configuration
from lumihub.labels import DASHBOARD_PORT, SCHEDULER_PORT, select_server

_CONFLICT = 409
# Far from the accounts of images and nodes.
_FIRST_ACCOUNT = 1_000_000_000


class CohortController(KubeController):
    """Makes pods, secrets and services of clusters, and a NetworkPolicy for each.

    Students reach their schedulers directly, so there is no proxy and there are no routes.
    """

    name = "gateway-controller"

    async def setup(self) -> None:
        """Begin to work."""
        self.configuration = load_configuration()
        await super().setup()

    async def create_secret_if_not_exists(self, cluster: dict[str, Any]) -> str:
        """The first thing that a cluster gets: its wall, then its credentials."""
        if self.configuration.isolated:
            await self._ensure_policy(cluster)
        name: str = await super().create_secret_if_not_exists(cluster)
        return name

    def make_pod(self, namespace: str, cluster_name: str, config: Any, is_worker: bool = False) -> dict[str, Any]:
        """A pod under the account of its cluster."""
        pod: dict[str, Any] = super().make_pod(namespace, cluster_name, config, is_worker=is_worker)
        pod["spec"]["securityContext"]["runAsUser"] = find_account(cluster_name)
        return pod

    async def create_ingressroute_if_not_exists(self, cluster: dict[str, Any], sched_pod: dict[str, Any]) -> str:  # noqa: ARG002
        """None: the dashboard asks for no password, so it is published nowhere."""
        return "none"

    async def create_ingressroutetcp_if_not_exists(self, cluster: dict[str, Any], sched_pod: dict[str, Any]) -> str:  # noqa: ARG002
        """None: see the class."""
        return "none"

    async def _ensure_policy(self, cluster: dict[str, Any]) -> None:
        policy = build_policy(cluster, self.configuration)
        client = RateLimitedClient(NetworkingV1Api(api_client=self.api_client), self.rate_limiter)
        try:
            await client.create_namespaced_network_policy(cluster["metadata"]["namespace"], policy)
        except ApiException as error:
            if error.status != _CONFLICT:
                raise


def find_account(cluster_name: str) -> int:
    """The number of the account of a cluster's processes: one for each cluster, so that a node counts them apart."""
    return _FIRST_ACCOUNT + int(cluster_name[:7], 16)


def build_policy(cluster: dict[str, Any], configuration: Configuration) -> dict[str, Any]:
    """The NetworkPolicy of a cluster: its pods reach each other, and its owner's server reaches them.

    What all of a cohort's pods may reach besides (DNS, the cache...) a policy of the chart says.
    """
    metadata = cluster["metadata"]
    own = {"gateway.dask.org/cluster": metadata["name"]}
    owner = select_server(configuration.users_namespace, cluster["spec"]["username"])
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            "name": f"dask-{metadata['name']}",
            "labels": dict(metadata["labels"]),
            "ownerReferences": [
                {
                    "apiVersion": cluster["apiVersion"],
                    "kind": cluster["kind"],
                    "name": metadata["name"],
                    "uid": metadata["uid"],
                }
            ],
        },
        "spec": {
            "podSelector": {"matchLabels": own},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [
                {"from": [{"podSelector": {"matchLabels": own}}]},
                {"from": [owner], "ports": [{"port": SCHEDULER_PORT}, {"port": DASHBOARD_PORT}]},
            ],
            "egress": [{"to": [{"podSelector": {"matchLabels": own}}]}],
        },
    }
