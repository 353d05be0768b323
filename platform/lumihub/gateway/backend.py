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
from lumihub.gateway.room import Orders, Records, find_refusal

if TYPE_CHECKING:
    from dask_gateway_server.models import User

_SWEEP_SECONDS = 30.0
_HUB_SECONDS = 10.0
_KNOWN_SECONDS = 10.0
# The controller takes a step for each cluster in turn: were all there at once, all would be ready with the last.
_TOGETHER = 3


class CohortBackend(KubeBackend):
    """Starts clusters where there is room for them, and ends those that nobody can use any more."""

    async def setup(self, app: web.Application) -> None:
        """Begin to work."""
        self.configuration = load_configuration()
        self._token = TOKEN.read_text("utf-8").strip()
        self._orders = Orders()
        self._turns = asyncio.Semaphore(_TOGETHER)
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

        A whole class may ask at once: orders are noted as soon as they are let in, and none waits for another's.

        Raises:
            PublicException: the student has one, or the cohort has no room; the student is told these words.
        """
        options, config = await self.process_cluster_options(user, cluster_options)
        record = self.make_cluster_object(user.name, options, config)
        record["metadata"]["namespace"] = config.namespace
        name = f"{config.namespace}.{record['metadata']['name']}"
        await self._let_in(name, record)
        self.log.info("Creating cluster %s for user %s", name, user.name)
        async with self._turns:
            try:
                await self.custom_client.create_namespaced_custom_object(
                    *self._kind, config.namespace, "daskclusters", record
                )
            except BaseException:
                self._orders.remove([name])
                raise
            self._orders.mark_made(name)
            await self._wait_until_known(name)
        return name

    async def _let_in(self, name: str, record: dict[str, Any]) -> None:
        """Note an order where there is room for it. Between the look and the note nobody else has a turn."""
        seen = self.informer.cached()
        self._orders.remove(seen)
        refusal = self._find_refusal(record, seen)
        if refusal:  # what is seen may be a moment old, and somebody have made room
            made = self._orders.made
            seen = await self._list_records()
            self._orders.remove(made)
            refusal = self._find_refusal(record, seen)
        if refusal:
            raise PublicException(refusal)
        self._orders.add(name, record)

    def _find_refusal(self, record: dict[str, Any], seen: Records) -> str | None:
        student, namespace = record["spec"]["username"], record["metadata"]["namespace"]
        return find_refusal(student, namespace, self._orders.add_to(seen), self.configuration)

    async def _list_records(self) -> Records:
        """All clusters, asked anew."""
        found: Records = {}
        for namespace in self.configuration.cohorts.values():
            answer = await self.custom_client.list_namespaced_custom_object(
                *self._kind, namespace, "daskclusters", label_selector=self.label_selector
            )
            found |= {f"{namespace}.{one['metadata']['name']}": one for one in answer["items"]}
        return found

    @property
    def _kind(self) -> tuple[str, str]:
        return "gateway.dask.org", self.crd_version

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
