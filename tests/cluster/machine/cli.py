"""The project's own test cluster: a real single-node Kubernetes on this machine, for root on Linux.

tests/cluster/run up              build its programs if needed (about 20 minutes once), start it, wait until it is ready
tests/cluster/run up --fresh      the same; when it does not run, forget the objects and volumes of its earlier life
tests/cluster/run down [--wipe]   stop it; --wipe also forgets its objects, volumes and images
tests/cluster/run status          what runs, and how much memory it takes
tests/cluster/run load IMAGE...   put images onto the node: references that buildah, podman or docker know, or archives
tests/cluster/run kubectl ...     kubectl for it
tests/cluster/run env             a line for the shell: eval "$(tests/cluster/run env)"
tests/cluster/run build           only build the programs
"""

from __future__ import annotations

import os
import shutil
import sys
import time

from cluster.machine.images import load_image
from cluster.machine.layout import CACHE, IMAGES, KUBECONFIG, LOGS, STATE
from cluster.machine.processes import find_init, find_parts
from cluster.machine.programs import ensure_programs, find_programs
from cluster.machine.runbook import ensure_down, ensure_up, in_use
from lumihub.environment import report_failures
from lumihub.process import run


def main() -> int:
    """Do what was asked for, and return the exit code."""
    verb, words = (sys.argv[1], sys.argv[2:]) if len(sys.argv) > 1 else ("", [])
    with report_failures():
        match verb, words:
            case "up", [] | ["--fresh"]:
                begin = time.monotonic()
                ensure_up(fresh=bool(words))
                print(f"✓ the test cluster is ready after {time.monotonic() - begin:.1f} s", file=sys.stderr)
                print(f"export KUBECONFIG={KUBECONFIG}")
            case "down", [] | ["--wipe"]:
                with in_use(patience=0):
                    ensure_down(wipe=bool(words))
            case "status", []:
                return _status()
            case "load", [_, *_]:
                for reference in words:
                    print(load_image(reference))
            case "kubectl", _:
                kubectl = find_programs() / "kubectl"
                os.execv(kubectl, ["kubectl", f"--kubeconfig={KUBECONFIG}", *words])  # noqa: S606 - no shell is the point
            case "env", []:
                print(f"export KUBECONFIG={KUBECONFIG}\nexport PATH={find_programs()}:$PATH")
            case "build", []:
                print(ensure_programs())
            case _:
                print(__doc__, file=sys.stderr)
                return 0 if verb in {"-h", "--help", "help"} else 2
    return 0


def _status() -> int:
    """Say what runs; 0 when the node does."""
    parts = find_parts()
    for part in parts:
        print(f"{part.name:12} process {part.pid:7}  {part.memory / 2**20:6.0f} MiB")
    if parts:
        print(f"{'together':12} {'':15}  {sum(part.memory for part in parts) / 2**20:6.0f} MiB")
    print(f"programs     {find_programs()}")
    print(f"kubeconfig   {KUBECONFIG}")
    print(f"logs         {LOGS}")
    for name, folder in (("cache", CACHE), ("state", STATE), ("images", IMAGES)):
        if folder.exists() and shutil.which("du"):
            print(f"{name:12} {run(['du', '-sh', folder], check=False).stdout.split()[0]}")
    print("the test cluster runs" if find_init() else "the test cluster does not run: tests/cluster/run up")
    return 0 if parts else 1
