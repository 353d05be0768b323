"""What a student's server and its kernels find in their environment."""

from __future__ import annotations

import hashlib
import logging
import os
import stat
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from lumihub.compute.limits import thread_environment
from lumihub.errors import LumiHubError
from lumihub.lab.lessons import FOLDER, WELCOME
from lumihub.lab.space import PATH

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger("lumihub.lab")

# The last 60 bytes are what `kernel-<uuid>-ipc-<n>` takes; Linux refuses addresses of 108 bytes or more.
_LONGEST_RUNTIME_FOLDER = 107 - 60


def build_environment(current: Mapping[str, str], home: Path, *, writable: bool, first_time: bool) -> dict[str, str]:
    """The variables to add for a student's server; kernels and terminals inherit them.

    Args:
        current: the environment so far; thread counts that the administrator set there stay.
        home: the student's home.
        writable: whether files can be written there; if not, Jupyter's own files go to a private folder elsewhere, and
            the first page says so.
        first_time: open the welcome lesson in place of an empty JupyterLab.
    """
    runtime = ensure_runtime_folder(home)
    config = str(files("lumihub.lab") / "jupyter")
    added = {
        "JUPYTER_RUNTIME_DIR": str(runtime),
        "JUPYTER_CONFIG_PATH": os.pathsep.join(filter(None, [config, current.get("JUPYTER_CONFIG_PATH", "")])),
        # Dask that a student starts without ours: its own place is one folder for all accounts of a machine.
        "DASK_TEMPORARY_DIRECTORY": str(runtime),
        # Otherwise each kernel warns that its frozen modules cannot be debugged.
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    # Kernels run what it names, as an interactive Python does; one that the administrator chose stays.
    if "PYTHONSTARTUP" not in current:
        added["PYTHONSTARTUP"] = str(files("lumihub.lab") / "kernel_startup.py")
    if first_time and current.get("JUPYTERHUB_DEFAULT_URL", "") in ("", "/lab"):
        added["JUPYTERHUB_DEFAULT_URL"] = f"/lab/tree/{FOLDER}/{WELCOME}"
    if not writable:
        added["JUPYTERHUB_DEFAULT_URL"] = f"/{PATH}"
        names = (
            "JUPYTER_DATA_DIR",
            "JUPYTER_CONFIG_DIR",
            "IPYTHONDIR",
            "MPLCONFIGDIR",
            "JUPYTERLAB_SETTINGS_DIR",
            "JUPYTERLAB_WORKSPACES_DIR",
        )
        added |= {name: str(runtime / name.lower()) for name in names}
    return {**added, **{name: value for name, value in _threads().items() if name not in current}}


def _threads() -> dict[str, str]:
    try:
        return thread_environment()
    except (LumiHubError, OSError, ValueError) as error:
        log.warning("numerical libraries choose their own number of threads: %s", error)
        return {}


def ensure_runtime_folder(home: Path, parent: Path | None = None) -> Path:
    """A private folder (mode 0700) for the sockets of this student's kernels.

    It is not in the home because the address of a UNIX socket is short and the home's path may be long, and because the
    home may be full. One name for one home, so that restarts do not pile up folders; a folder of that name that belongs
    to somebody else is not used.

    Args:
        home: the student's home; students who share one account still get a folder each.
        parent: where to make it; the system's folder for temporary files when None.
    """
    parent = parent or Path(tempfile.gettempdir())
    if len(os.fsencode(parent)) > _LONGEST_RUNTIME_FOLDER - len("lumihub-12345678"):
        parent = Path("/tmp")  # noqa: S108
    folder = parent / f"lumihub-{hashlib.sha256(f'{os.getuid()}:{home}'.encode()).hexdigest()[:8]}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return Path(tempfile.mkdtemp(prefix="lumihub-", dir=parent))
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        return Path(tempfile.mkdtemp(prefix="lumihub-", dir=parent))
    folder.chmod(0o700)
    return folder
