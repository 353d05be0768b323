"""A student's server as a pod."""

from __future__ import annotations

import re

from kubespawner import KubeSpawner

from lumihub.hub.names import build_slug

# In doubled braces they are text.
_NAMES = re.compile(r"(?<!{){(username|user_server)}(?!})")


class PodSpawner(KubeSpawner):
    """KubeSpawner whose homes outlive accounts, unless the accounts API says otherwise, and are one student's alone."""

    delete_home = False
    """Set by the accounts API when the home is to go with the student."""

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
