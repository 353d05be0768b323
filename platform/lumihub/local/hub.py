"""The hub's process on one machine: JupyterHub, which also keeps the logs small."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tornado.ioloop import PeriodicCallback

import lumihub.hub
from lumihub.hub.gate import GatedHub
from lumihub.local.logs import rotate_all

_LOOK_EVERY_MS = 60_000


class LocalHub(GatedHub):
    """The hub with a look at the logs every minute: hub, proxy, cache and servers run for a whole term."""

    async def start(self) -> None:
        """Start the hub, then look after the logs."""
        await super().start()
        logs = Path(os.environ["LUMIHUB_LOGS"])
        self._rotation: Any = PeriodicCallback(lambda: rotate_all(logs), _LOOK_EVERY_MS)
        self._rotation.start()


def main() -> None:
    """Run the hub until it is told to end."""
    configuration = Path(str(lumihub.hub.__file__)).parent / "jupyterhub_config.py"
    LocalHub.launch_instance(["-f", str(configuration)])


if __name__ == "__main__":
    main()
