#!/usr/bin/env python3
"""LumiHub's entrance: makes `.venv` from the lock file on the first call, then hands over to the command line.

Standard library only. The syntax down to the version check stays that of Python 3.6, so that an old Python gets a
sentence rather than a SyntaxError.
"""

import os
import subprocess
import sys
from pathlib import Path


def find_newer_python() -> str:
    """The command of a Python that is new enough, or a guess at what it will be called once it is installed."""
    for minor in range(20, 10, -1):
        command = f"python3.{minor}"
        try:
            subprocess.check_output([command, "-c", ""], stderr=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError):
            continue
        return command
    return "install a newer Python, then type: python3.11"


if sys.version_info < (3, 11):  # noqa: UP036 - whoever types `python3` may have an older one
    sys.exit(
        f"error: LumiHub needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}\n"
        f"  fix: {find_newer_python()} {' '.join(sys.argv)}"
    )

PROJECT = Path(__file__).resolve().parent
sys.path.insert(0, str(PROJECT / "platform"))

from lumihub.environment import ensure_environment, report_failures


def main() -> None:
    """Run the verb that was typed in the project's own environment, which is made or mended before."""
    with report_failures():
        python = ensure_environment(PROJECT / ".venv", ["--frozen", "--no-default-groups", "--all-extras"])
    if not python.parent.parent.samefile(sys.prefix):
        # Variables that set up another Python (CERN ROOT's thisroot.sh does) would shadow the locked packages.
        for name in ("PYTHONPATH", "PYTHONHOME"):
            os.environ.pop(name, None)
        os.execv(python, [str(python), "-P", str(PROJECT / "deploy.py"), *sys.argv[1:]])  # noqa: S606 - no shell is the point
    from lumihub.cli.main import main as run_verb

    run_verb()


if __name__ == "__main__":
    main()
