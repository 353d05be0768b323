"""Where Dask's dashboard listens: a UNIX socket in a folder of the student's own, so that nobody else can open it.

On one machine every student reaches every loopback port, and the dashboard has no password. JupyterLab shows it through
jupyter-server-proxy under `/user/NAME/dask/`, which asks for the owner's login.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

PROXY_NAME = "dask"
"""The name under which jupyter-server-proxy serves it."""

DEMO_PROXY_NAME = "demo"
"""That of the dashboard of a class's demonstration."""

# The kernel refuses longer addresses (108 bytes with the closing zero on Linux).
_LONGEST_ADDRESS = 107


def socket_path() -> Path:
    """The address that jupyter-server-proxy connects to: always the newest kernel's dashboard."""
    return _own_folder() / "dashboard.sock"


def ensure_own_folder() -> Path:
    """A folder of mode 0700 for what Dask keeps on the disk of this machine."""
    folder = _own_folder()
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def _own_folder() -> Path:
    """Beside the sockets of the server's kernels, in a private folder with a short name; outside a server in the home.

    A home's path may be too long for a socket.
    """
    runtime = os.environ.get("JUPYTER_RUNTIME_DIR")
    return (Path(runtime) if runtime else Path.home() / ".local/share/lumihub") / "dask"


def link(name: str = PROXY_NAME) -> str:
    """A dashboard's page in this student's JupyterLab, as `/user/NAME/dask/status`; empty outside a hub.

    Args:
        name: under which jupyter-server-proxy serves it.
    """
    prefix = os.environ.get("JUPYTERHUB_SERVICE_PREFIX", "")
    return f"{prefix.rstrip('/')}/{name}/status" if prefix else ""


def bind() -> tuple[socket.socket, Path] | None:
    """Listen for this process and make it the newest; None where the path is too long for a socket.

    Sockets that died with their process are removed on the way.

    Returns:
        The listening socket (mode 0600 in a folder of mode 0700) and its own path.
    """
    newest = socket_path()
    own = newest.with_name(f"{os.getpid()}-{os.urandom(4).hex()}.sock")
    if len(os.fsencode(own)) > _LONGEST_ADDRESS:
        return None
    ensure_own_folder()
    for path in _others(own):
        if not _answers(path):
            path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.setblocking(False)
    listener.bind(os.fspath(own))
    own.chmod(0o600)
    listener.listen(128)
    _point_to(own)
    return listener, own


def release(own: Path) -> None:
    """Stop being the dashboard that is shown; the newest of those that still run takes over."""
    own.unlink(missing_ok=True)
    newest = socket_path()
    if newest.is_symlink() and newest.readlink() != Path(own.name):
        return
    running = [path for path in _others(own) if _answers(path)]
    if running:
        _point_to(max(running, key=lambda path: path.lstat().st_mtime))
    else:
        newest.unlink(missing_ok=True)


def _others(own: Path) -> list[Path]:
    return [path for path in own.parent.glob("*-*.sock") if path != own]


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(os.fspath(path))
        except OSError:
            return False
    return True


def _point_to(own: Path) -> None:
    fresh = own.with_suffix(".new")
    fresh.symlink_to(own.name)
    fresh.replace(socket_path())
