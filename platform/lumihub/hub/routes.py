"""Notices that the proxy was restarted, and gives it back its routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import ClientError
from jupyterhub.httpclient import fetch
from jupyterhub.utils import url_path_join
from tornado.ioloop import PeriodicCallback

if TYPE_CHECKING:
    from jupyterhub.app import JupyterHub

LOOK_EVERY_MS = 2_000
# A route that nobody asks for. It leads where all of the hub's own pages do, and JupyterHub leaves it alone.
MARK = "/hub/lumihub/routes-are-known"


class RouteKeeper:
    """Keeps the proxy's routes: it holds them in memory, so a restarted one knows none.

    JupyterHub itself looks every five minutes, at all of them. This looks at one, every other second.

    Args:
        hub: the hub, whose proxy runs by itself.
    """

    def __init__(self, hub: JupyterHub) -> None:
        self._hub = hub
        self._busy = False
        self._callback = PeriodicCallback(self.look, LOOK_EVERY_MS)

    async def start(self) -> None:
        """Begin to look; the hub has just given the proxy all routes."""
        await self._mark()
        self._callback.start()

    async def look(self) -> None:
        """Give the proxy all routes if it has forgotten them; a proxy that does not answer is left alone."""
        if self._busy:
            return
        self._busy = True
        try:
            if not await self._is_marked():
                self._hub.log.warning("The proxy knows no routes: it was restarted. Restoring them.")
                await self._hub.proxy.check_routes(self._hub.users, self._hub._service_map)
                await self._mark()
        except (ClientError, TimeoutError, OSError) as error:
            self._hub.log.warning("The proxy does not answer: %s", error)
        finally:
            self._busy = False

    async def _mark(self) -> None:
        await self._hub.proxy.api_request(MARK, method="POST", body={"target": self._hub.hub.url})

    async def _is_marked(self) -> bool:
        proxy = self._hub.proxy
        answer = await fetch(
            url_path_join(proxy.api_url, "api/routes", MARK),
            headers={"Authorization": f"token {proxy.auth_token}"},
            raise_for_status=False,
        )
        if answer.status == 404:
            return False
        answer.raise_for_status()
        return True
