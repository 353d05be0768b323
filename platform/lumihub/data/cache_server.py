"""Starts the cache in a container of its own: `python3 -m lumihub.data.cache_server`.

Standard library only, like the modules that it imports: the image holds XRootD and Debian's Python and nothing else.
Who may read is for the network to say: a cluster's policies know students' servers, XRootD would know addresses alone.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lumihub.data.cache import (
    CACHE_ENVIRONMENT,
    CacheFolders,
    build_cache_config,
    build_cache_rules,
    build_trust,
    find_cache_obstacle,
    find_xrootd,
)
from lumihub.errors import Fault, InputError, LumiHubError

if TYPE_CHECKING:
    from collections.abc import Mapping

_PREFIX = "LUMIHUB_CACHE_"


@dataclass(frozen=True, slots=True)
class CacheServer:
    """What the environment says about the cache.

    Attributes:
        origin: root:// or http(s):// URL of the folder that holds the releases.
        port: the port to listen on.
        size: bytes of disk that it may take.
        folders: where it keeps its files and its sockets.
        monitor: host:port that hears of each file closed, or empty.
        authority: certificates to trust beside the public ones, as PEM, or empty.
    """

    origin: str
    port: int
    size: int
    folders: CacheFolders
    monitor: str = ""
    authority: str = ""


def load_server(variables: Mapping[str, str]) -> CacheServer:
    """Read LUMIHUB_CACHE_ORIGIN, _SIZE (bytes), _PORT (1094), _DATA (/data), _RUN (/run/lumihub), _MONITOR and _CA.

    Raises:
        InputError: variables are missing or make no sense; names them all.
    """
    faults: list[Fault] = []
    origin = variables.get(f"{_PREFIX}ORIGIN", "")
    if not origin:
        faults.append(Fault(f"{_PREFIX}ORIGIN is not set", fix="set it to the origin's URL, as root://HOST//FOLDER"))
    size = _read_number(variables, "SIZE", "", sys.maxsize, faults)
    port = _read_number(variables, "PORT", "1094", 65535, faults)
    if faults:
        raise InputError.from_faults(faults)
    folders = CacheFolders(
        data=Path(variables.get(f"{_PREFIX}DATA", "/data")), run=Path(variables.get(f"{_PREFIX}RUN", "/run/lumihub"))
    )
    monitor, authority = (variables.get(f"{_PREFIX}{name}", "") for name in ("MONITOR", "CA"))
    return CacheServer(origin, port, size, folders, monitor, authority)


def prepare(server: CacheServer) -> list[str]:
    """Make the folders and the configuration; returns the argument list that runs the cache in the foreground.

    Raises:
        LumiHubError: XRootD or one of its plugins is missing, the origin is of a kind that it cannot read, or a folder
            cannot be written to.
    """
    xrootd = find_xrootd()
    obstacle = find_cache_obstacle(server.origin)
    if obstacle or xrootd is None:
        raise LumiHubError(f"the cache cannot start: {obstacle}")
    for folder in (server.folders.data, server.folders.run):
        # Volumes keep the permissions that the cluster gave them.
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise LumiHubError(
                f"the cache may not write to {folder}",
                where=f"account {os.getuid()}, groups {', '.join(str(group) for group in sorted(os.getgroups()))}",
                fix="give the volume to one of those groups (fsGroup in the pod's securityContext)",
            )
    config, rules, authority = (server.folders.run / name for name in ("xrootd.cfg", "authdb", "ca.pem"))
    text = build_cache_config(
        origin=server.origin,
        folders=server.folders,
        rules=rules,
        port=server.port,
        size=server.size,
        clients=(),
        monitor=server.monitor,
    )
    config.write_text(text, encoding="utf-8")
    rules.write_text(build_cache_rules(server.origin), encoding="utf-8")
    if server.authority:
        authority.write_text(server.authority, encoding="utf-8")
    # Without -l its log goes to this process's stderr.
    return [str(xrootd), "-n", "lumihub-cache", "-c", str(config)]


def main() -> None:
    """Become the cache; it ends when XRootD does."""
    try:
        server = load_server(os.environ)
        command = prepare(server)
    except LumiHubError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
    # Blocks that come from the origin are the account's own.
    os.umask(0o077)
    trust = build_trust(server.folders.run / "ca.pem") if server.authority else {}
    os.execve(command[0], command, {**CACHE_ENVIRONMENT, **os.environ, **trust})  # noqa: S606 - no shell is the point


def _read_number(variables: Mapping[str, str], name: str, default: str, most: int, faults: list[Fault]) -> int:
    text = variables.get(_PREFIX + name, default)
    if text.isascii() and text.isdigit() and 0 < int(text) <= most:
        return int(text)
    said = f"is {text}" if text else "is not set"
    faults.append(Fault(f"{_PREFIX}{name} {said}", fix=f"set it to a whole number from 1 to {most}"))
    return 0


if __name__ == "__main__":
    main()
