"""Ports: the public one must be free, those between the parts are found once and kept."""

from __future__ import annotations

import errno
import json
import os
import secrets
import socket
from typing import TYPE_CHECKING

from lumihub.errors import LumiHubError
from lumihub.local.folder import write_private
from lumihub.local.parts import Ports
from lumihub.local.processes import find_listener

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

# A student must not be able to take the hub's port while the hub restarts, and collect what servers send there. Below
# 1024 only root can listen.
_ROOTS_PORTS = range(600, 1024)
# Below those that Linux gives to connections and to servers that ask for any port, such as those of a kernel: one of
# them would have the hub's port by the time the hub is back.
_OTHERS_PORTS = range(20000, 30000)


def ensure_ports(path: Path, *, hub_runs: bool, proxy_runs: bool) -> Ports:
    """The ports in that file; those of parts that do not run are looked at and replaced where somebody took them."""
    try:
        kept = Ports(**json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        kept = None
    hub = kept.hub if kept and (hub_runs or _is_free(kept.hub)) else _find_free(())
    api = kept.proxy_api if kept and (proxy_runs or _is_free(kept.proxy_api)) else _find_free((hub,))
    ports = Ports(hub, api)
    if ports != kept:
        write_private(path, json.dumps({"hub": ports.hub, "proxy_api": ports.proxy_api}) + "\n")
    return ports


def check_port(key: str, address: str, port: int) -> None:
    """Make sure that a part can listen there.

    Raises:
        LumiHubError: the port is taken (and by whom), needs root, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        # As the part itself does: connections of an earlier one that are still closing do no harm.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise _explain(error, key, address, port) from error


def _explain(error: OSError, key: str, address: str, port: int) -> LumiHubError:
    if error.errno == errno.EADDRINUSE:
        holder = find_listener(port)
        return LumiHubError(
            f"{key}: port {port} is taken by {holder or 'another process'}",
            fix=f"stop it, or set {key} to another port",
        )
    if error.errno == errno.EACCES:
        return LumiHubError(f"{key}: port {port} needs root", fix=f"run as root, or set {key} to a port above 1023")
    section = key.rpartition(".")[0]
    return LumiHubError(
        f"{section}.address: {address} is not an address of this machine ({error.strerror})",
        fix=f"set {section}.address to 0.0.0.0 for the whole network, or 127.0.0.1 for this machine alone",
    )


def _find_free(taken: Collection[int]) -> int:
    ports = _ROOTS_PORTS if os.geteuid() == 0 else _OTHERS_PORTS
    candidates = [port for port in ports if port not in taken]
    while candidates:
        port = candidates.pop(secrets.randbelow(len(candidates)))
        if _is_free(port):
            return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
