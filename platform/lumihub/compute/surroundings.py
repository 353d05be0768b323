"""What workers in other pods need of a notebook's process."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from distributed import WorkerPlugin

from lumihub.compute.cluster import import_warm_modules

if TYPE_CHECKING:
    from distributed import Worker


class Surroundings(WorkerPlugin):
    """Gives each worker what the notebook's process has in its environment, and what analyses import.

    Args:
        environment: variables that say how the data is read.
    """

    name = "lumihub-surroundings"

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment

    async def setup(self, worker: Worker) -> None:  # noqa: ARG002
        """Before the worker's first task."""
        os.environ.update(self._environment)
        import_warm_modules()


def find_surroundings() -> dict[str, str]:
    """The variables of this process that say how the data is read."""
    return {name: value for name, value in os.environ.items() if name.startswith(("LUMIHUB_DATA", "XRD_", "FSSPEC_"))}
