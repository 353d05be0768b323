"""The part that waits for the night and then fills the cache: `python -m lumihub.local.warmer WORK OUTCOME`.

The work is a process of its own, so that by day nothing of it takes memory.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from lumihub.data.nightly import NightlyOutcome, NightlyWork

_MARK = "LUMIHUB_WARMING"
# A machine that slept through the night, or whose clock was set, is noticed after so long.
_LOOK_SECONDS = 30.0


def build_mark(work: Path) -> bytes:
    """What the environment of the process at work holds."""
    return f"{_MARK}={work}".encode()


def main() -> None:
    """Wait for each night until the part is ended."""
    # What it has begun ends with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    path, outcome = Path(sys.argv[1]), Path(sys.argv[2])
    work, after = NightlyWork.load(path), time.time()
    while True:
        begin, end = work.find_night(after)
        if _wait(begin) < end:
            _warm(path, outcome)
        after = max(end, time.time())


def _wait(begin: float) -> float:
    while (now := time.time()) < begin:
        time.sleep(min(_LOOK_SECONDS, begin - now))
    return now


def _warm(path: Path, outcome: Path) -> None:
    began = time.time()
    command = [sys.executable, "-P", "-m", "lumihub.data.nightly", str(path), str(outcome)]
    # Not the part's own marks: it is found by them.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LUMIHUB_PART")}
    with subprocess.Popen(command, env={**kept, _MARK: str(path)}) as process:
        try:
            code = process.wait()
        finally:
            process.terminate()
    if code:
        work = NightlyWork.load(path)
        count = len(work.order.files)
        said = f"the work ended with exit code {code}: ./deploy.py logs warmer"
        failed = NightlyOutcome(
            began=began,
            seconds=time.time() - began,
            files=count,
            whole=0,
            late=0,
            bytes=0,
            faulty=count,
            faults=(said,),
        )
        outcome.write_text(failed.model_dump_json() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
