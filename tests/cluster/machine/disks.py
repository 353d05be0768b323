"""Small disks in place of the folders that the test cluster's volumes are: ones that are really full when they are."""

from __future__ import annotations

import json
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cluster.machine.layout import STATE
from cluster.machine.processes import build_entry
from lumihub.process import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster.machine.access import Cluster


def find_volume(cluster: Cluster, namespace: str, claim: str) -> Path:
    """The folder of this machine that a claim of the test cluster's own provisioner is bound to."""
    name = cluster.kubectl("--namespace", namespace, "get", "pvc", claim, "--output=jsonpath={.spec.volumeName}")
    volume = json.loads(cluster.kubectl("get", "pv", name, "--output=json"))
    return Path(volume["spec"]["hostPath"]["path"])


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """An ext4 of its own where a volume's folder lies, with what the folder holds.

    Pods see it that start while the block runs, and must be gone at its end. Then the folder is again what it was.
    """
    node = build_entry()
    with tempfile.TemporaryDirectory(prefix="disk-", dir=STATE) as place:
        image, mounted = Path(place, "image"), Path(place, "mounted")
        mounted.mkdir()
        with image.open("wb") as file:
            file.truncate(megabytes << 20)
        # No blocks that only root may fill, no journal: all of it is the volume's.
        run(["mkfs.ext4", "-q", "-m", "0", "-O", "^has_journal", image])
        run([*node, "mount", "-o", "loop", image, mounted])
        try:
            run([*node, "cp", "--archive", f"{folder}/.", mounted])
            run([*node, "rmdir", mounted / "lost+found"])
            run([*node, "chmod", f"--reference={folder}", mounted])
            run([*node, "mount", "--bind", mounted, folder])
        finally:
            run([*node, "umount", mounted])
        try:
            yield
        finally:
            run([*node, "umount", folder])
