"""A student's server as a pod."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import ClientError, ClientSession, ClientTimeout
from jupyterhub.utils import maybe_future
from kubespawner import KubeSpawner
from traitlets import Unicode

from lumihub.hub.names import build_slug
from lumihub.labels import STUDENT, label_student

# The gateway finds out by itself, only later: no stop of a server waits long for it.
_GATEWAY_SECONDS = 5.0
# In doubled braces they are text.
_NAMES = re.compile(r"(?<!{){(username|user_server)}(?!})")


class PodSpawner(KubeSpawner):
    """KubeSpawner whose homes outlive accounts, unless the accounts API says otherwise, and are one student's alone.

    Dask clusters do not outlive the server.

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

    def _expand_user_properties(self, template: str, slug_scheme: str | None = None) -> str:
        """Fill in a template, as for the names of the pod and the home.

        KubeSpawner tells names that Kubernetes does not take apart by 32 bits of a hash: whoever may choose a name
        finds one within the hour that is given the pod and the home of another.
        """
        slugs = {"username": build_slug(self.user.name), "user_server": build_slug(self.user.name, self.name)}
        own = _NAMES.sub(lambda field: slugs[field[1]], template)
        return str(super()._expand_user_properties(own, slug_scheme))
