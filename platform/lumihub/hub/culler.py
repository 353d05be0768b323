"""The idle culler as a service of the hub that never outlives it."""

from __future__ import annotations

import ctypes
import os
import signal

from jupyterhub_idle_culler import main as cull

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Cull until the hub ends. A hub that was killed can't end its services itself; the kernel does it then."""
    hub = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() == hub:
        cull()


if __name__ == "__main__":
    main()
