"""A student's server as a pod."""

from __future__ import annotations

from kubespawner import KubeSpawner


class PodSpawner(KubeSpawner):
    """KubeSpawner whose homes outlive accounts, unless the accounts API says otherwise."""

    delete_home = False
    """Set by the accounts API when the home is to go with the student."""

    async def delete_forever(self) -> None:
        """Delete the student's home if that was asked for; called when the student is deleted."""
        self.delete_pvc = self.delete_home
        await super().delete_forever()
