"""What a spawner runs in place of `jupyterhub-singleuser`: prepares the student's home and becomes the server."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from lumihub.errors import LumiHubError
from lumihub.lab import environment, lessons, space, startup

log = logging.getLogger("lumihub.lab")


def main() -> None:
    """Deliver the lessons, set the environment and run the server until it ends.

    Nothing that goes wrong before the server starts may keep a student out: it is logged, and the server starts.
    """
    _log_to_stderr()
    if "JUPYTERHUB_SERVICE_URL" not in os.environ:
        sys.exit(
            "error: lumihub.lab is started by the hub, for one student (JUPYTERHUB_SERVICE_URL is not set)\n"
            "  fix: to try the lessons without a hub, run `jupyter lab` in the folder of the notebooks"
        )
    home = Path.home()
    writable = space.home_is_writable(home)
    if not writable:
        log.warning("%s is full or cannot be written: no lessons were delivered; delete files you do not need", home)
        log.warning("the biggest: %s", space.describe_biggest(home))
    first_time = writable and _deliver(home)
    os.environ.update(environment.build_environment(os.environ, home, writable=writable, first_time=first_time))
    startup.run_server()


def _deliver(home: Path) -> bool:
    try:
        delivery = lessons.deliver(lessons.find_lessons(), home)
    except (OSError, LumiHubError) as error:
        log.warning("the lessons were not delivered: %s", error)
        return False
    for line in delivery.lines():
        log.info("%s", line)
    return delivery.first_time


def _log_to_stderr() -> None:
    """The spawner keeps the server's stderr; the other libraries' loggers are left alone."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("[%(levelname).1s %(asctime)s %(name)s] %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False


if __name__ == "__main__":
    main()
