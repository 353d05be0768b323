"""One change at a time: a second `up` or `down` waits for the first, and says for whom."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lumihub.errors import LumiHubError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lumihub.progress import Progress

# An environment for students' accounts may have to be built in the meantime, over a slow link.
PATIENCE_SECONDS = 600.0


@contextmanager
def exclusive(path: Path, verb: str, progress: Progress, patience: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Hold the installation's lock. The kernel lets go of it when its holder dies, however that happens.

    Args:
        path: the lock file.
        verb: what the holder is doing, for those who wait.
        progress: told when there is somebody to wait for.
        patience: seconds to wait.

    Raises:
        LumiHubError: another one still holds it after that time.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _acquire(descriptor, progress, patience)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{verb} (process {os.getpid()})".encode(), 0)
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, progress: Progress, patience: float) -> None:
    deadline = time.monotonic() + patience
    told = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 200, 0).decode(errors="replace") or "another command"
            if not told:
                progress.step(f"waiting for {holder} to finish")
                told = True
            if time.monotonic() > deadline:
                raise LumiHubError(
                    f"{holder} has been changing this installation for more than {patience:.0f} s",
                    fix="wait until it ends, or end that process and type the same command again",
                ) from None
            time.sleep(0.1)
        else:
            return
