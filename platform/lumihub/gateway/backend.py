"""dask-gateway's backend with limits for each student and cohort, and an end for every cluster."""

from __future__ import annotations

import asyncio
import hmac
import time
from typing import TYPE_CHECKING, Any

from aiohttp import ClientError, ClientTimeout, web
from dask_gateway_server.backends.base import PublicException
from dask_gateway_server.backends.kubernetes.backend import KubeBackend
from dask_gateway_server.models import ClusterStatus

from lumihub.gateway.configuration import TOKEN, load_configuration
from lumihub.gateway.ending import Owners, find_end

if TYPE_CHECKING:
    from dask_gateway_server.models import User

_SWEEP_SECONDS = 30.0
_HUB_SECONDS = 10.0
_KNOWN_SECONDS = 10.0
_ENDED = ("Stopped", "Failed")
# Clusters that have not ended, by namespace.
Living = dict[str, list[dict[str, Any]]]


class CohortBackend(KubeBackend):
    """Starts clusters where there is room for them, and ends those that nobody can use any more."""

    async def setup(self, app: web.Application) -> None:
        """Begin to work."""
        self.configuration = load_configuration()
        self._token = TOKEN.read_text("utf-8").strip()
        self._one_at_a_time = asyncio.Lock()
        app.router.add_delete("/api/lumihub/students/{name}/clusters", self.handle_end)
        await super().setup(app)
        self._sweeper = asyncio.ensure_future(self._sweep_for_ever())

    async def cleanup(self) -> None:
        """End."""
        if hasattr(self, "_sweeper"):
            self._sweeper.cancel()
        await super().cleanup()

    async def start_cluster(self, user: User, cluster_options: dict[str, Any]) -> str:
        """Start a cluster for a student.

        Raises:
            PublicException: the student has one, or the cohort has no room; the student is told these words.
        """
        async with self._one_at_a_time:
            living = {space: await self._find_living(space) for space in self.configuration.cohorts.values()}
            self._check_student(user, living)
            self._check_cohort(user, living)
            name: str = await super().start_cluster(user, cluster_options)
        await self._wait_until_known(name)
        return name

    async def _wait_until_known(self, name: str) -> None:
        """The API server tells us of it a moment later, and until then we would say that there is no such cluster."""
        deadline = time.monotonic() + _KNOWN_SECONDS
        while name not in self.clusters and time.monotonic() < deadline:
            await asyncio.sleep(0.02)

    async def on_cluster_heartbeat(self, cluster_name: str, msg: dict[str, Any]) -> None:
        """A scheduler says how many workers it wants; what runs in it is the student's, so it may say anything.

        Raises:
            PublicException: what it says is no number of workers.
        """
        count = msg.get("count")
        if type(count) is not int or count < 0:
            raise PublicException(f"count should be a number of workers, not {str(count)[:40]!r}")
        told = {key: list(msg.get(key) or ()) for key in ("active_workers", "closing_workers", "closed_workers")}
        await super().on_cluster_heartbeat(cluster_name, {"count": min(count, self.configuration.max_workers), **told})

    async def handle_end(self, request: web.Request) -> web.Response:
        """The hub says that a student's last server has stopped."""
        self._check_hub(request)
        for cluster in await self.list_clusters(username=request.match_info["name"]):
            self.log.info("Ending %s: its student's server has stopped", cluster.name)
            await self.stop_cluster(cluster.name)
        return web.Response(status=204)

    def _check_hub(self, request: web.Request) -> None:
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"token {self._token}".encode()):
            raise web.HTTPForbidden(reason="this is for the hub alone")

    def _check_student(self, user: User, living: Living) -> None:
        most = self.configuration.clusters_per_student
        own = [one for clusters in living.values() for one in clusters if one["spec"]["username"] == user.name]
        if len(own) >= most:
            raise PublicException(f"you have {len(own)} Dask cluster{'s'[: len(own) > 1]}, the most a student may have")

    def _check_cohort(self, user: User, living: Living) -> None:
        own = self.configuration
        clusters = living[own.cohorts[own.find_cohort(user.groups)]]
        if len(clusters) >= own.cohort_clusters:
            raise PublicException(f"all {own.cohort_clusters} Dask clusters of your class are in use")
        if sum(map(_replicas, clusters)) >= own.cohort_workers:
            raise PublicException(f"all {own.cohort_workers} Dask workers of your class are in use")

    async def _find_living(self, namespace: str) -> list[dict[str, Any]]:
        """The clusters of a namespace that have not ended; asked anew, since what is cached may be a moment old."""
        found = await self.custom_client.list_namespaced_custom_object(
            "gateway.dask.org", self.crd_version, namespace, "daskclusters", label_selector=self.label_selector
        )
        return [one for one in found["items"] if not _has_ended(one)]

    async def _sweep_for_ever(self) -> None:
        owners = Owners(self._has_server)
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            try:
                await self._sweep(owners)
            except Exception:
                self.log.exception("Looking for clusters that should end failed; it is tried again")

    async def _sweep(self, owners: Owners) -> None:
        clusters = await self.list_clusters()
        await owners.look({cluster.username for cluster in clusters})
        for cluster in clusters:
            reason = find_end(
                age=time.time() - cluster.start_time / 1000,
                running=cluster.status >= ClusterStatus.RUNNING,
                abandoned=owners.is_gone(cluster.username),
                max_age=self.configuration.max_age,
            )
            if reason:
                self.log.info("Ending %s: %s", cluster.name, reason)
                await self.stop_cluster(cluster.name)

    async def _has_server(self, name: str) -> bool | None:
        """Whether a student has a server now; None where the hub does not say."""
        try:
            async with self.session.get(
                f"{self.configuration.hub_api}/users/{name}",
                headers={"Authorization": f"token {self._token}"},
                timeout=ClientTimeout(_HUB_SECONDS),
            ) as answer:
                if answer.status == web.HTTPNotFound.status_code:
                    return False
                answer.raise_for_status()
                return bool((await answer.json())["servers"])
        except (ClientError, TimeoutError, KeyError, ValueError) as error:
            self.log.warning("The hub does not say whether %s has a server: %s", name, error)
            return None


def _has_ended(cluster: dict[str, Any]) -> bool:
    return cluster.get("status", {}).get("phase") in _ENDED or not cluster["spec"].get("active", True)


def _replicas(cluster: dict[str, Any]) -> int:
    return int(cluster["spec"].get("replicas", 0))
