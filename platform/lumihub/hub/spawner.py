"""A student's server as a pod."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import ClientError, ClientSession, ClientTimeout
from jupyterhub.utils import maybe_future
from kubespawner import KubeSpawner
from traitlets import Unicode

from lumihub.labels import STUDENT, label_student

# The gateway finds out by itself, only later: no stop of a server waits long for it.
_GATEWAY_SECONDS = 5.0


class PodSpawner(KubeSpawner):
    """KubeSpawner whose homes outlive accounts, unless the accounts API says otherwise, and whose Dask clusters don't.

    Attributes:
        gateway_url: address of the Dask gateway, empty where there is none.
        gateway_token_file: the file with its token.
    """

    gateway_url = Unicode("").tag(config=True)
    gateway_token_file = Unicode("").tag(config=True)

    delete_home = False
    """Set by the accounts API when the home is to go with the student."""

    async def get_pod_manifest(self) -> Any:
        """The student's pod, with the label by which the student's own Dask cluster lets it in."""
        pod = await super().get_pod_manifest()
        pod.metadata.labels[STUDENT] = label_student(self.user.name)
        return pod

    async def run_post_stop_hook(self) -> None:
        """End the student's Dask clusters with the student's last server."""
        await maybe_future(super().run_post_stop_hook())
        others = [one for one in self.user.spawners.values() if one is not self and one.active]
        if self.gateway_url and not others:
            await self._end_clusters()

    async def _end_clusters(self) -> None:
        url = f"{self.gateway_url}/api/lumihub/students/{quote(self.user.name, safe='')}/clusters"
        token = Path(self.gateway_token_file).read_text("utf-8").strip()
        try:
            async with (
                ClientSession(timeout=ClientTimeout(_GATEWAY_SECONDS)) as session,
                session.delete(url, headers={"Authorization": f"token {token}"}) as answer,
            ):
                answer.raise_for_status()
        except (ClientError, TimeoutError) as error:
            self.log.warning("The gateway was not told that %s has gone; it will find out: %s", self.user.name, error)

    async def delete_forever(self) -> None:
        """Delete the student's home if that was asked for; called when the student is deleted."""
        self.delete_pvc = self.delete_home
        await super().delete_forever()
