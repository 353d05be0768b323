"""The cache: an XRootD proxy file cache, its configuration and its command line.

Written for the XRootD 5.5 and 5.8 that Debian carries. Nothing here starts anything.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lumihub.errors import LumiHubError
from lumihub.process import find_program

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# XRootD puts UNIX sockets below its run folder, and their paths end at 108 characters.
_LONGEST_RUN_FOLDER = 70
_PORTS = {"root": 1094, "http": 80, "https": 443}
# For the cache's own connections to the origin; XRootD's configuration file has no words for most of these. A dead
# origin is then noticed within 12 s, a connection that went silent within 30, and five seconds after the last failure
# the next reader tries anew: by default every reader's connection that broke once stays broken for 30 minutes.
CACHE_ENVIRONMENT = {
    "XRD_CONNECTIONWINDOW": "5",
    "XRD_CONNECTIONRETRY": "2",
    "XRD_STREAMERRORWINDOW": "5",
    "XRD_STREAMTIMEOUT": "15",
    "XRD_REQUESTTIMEOUT": "60",
    # All of these are looked at this often; by default every 15 s.
    "XRD_TIMEOUTRESOLUTION": "1",
}


@dataclass(frozen=True, slots=True)
class CacheFolders:
    """Where a cache keeps its files (`data`), and its sockets and state (`run`)."""

    data: Path
    run: Path


def find_xrootd() -> Path | None:
    """The xrootd server, None where it is not installed."""
    return find_program("xrootd")


def find_cache_obstacle(origin: str) -> str | None:
    """Why this machine cannot run a cache for this origin, in one sentence; None when it can."""
    scheme = urlsplit(origin).scheme
    if scheme not in _PORTS:
        bucket = "; name the bucket by its https:// address" if scheme == "s3" else ""
        return f"the cache reads from root:// and https:// origins alone, and data.origin.url is {origin}{bucket}"
    xrootd = find_xrootd()
    if xrootd is None:
        return "the xrootd server is not installed (on Debian and Ubuntu: apt-get install xrootd-server)"
    if not any(_find_library(xrootd, name) for name in ("libXrdPss-5.so", "libXrdPss-6.so")):
        return "the xrootd server has no proxy plugin (on Debian and Ubuntu: apt-get install xrootd-server-plugins)"
    if scheme != "root" and not any(_find_library(xrootd, name) for name in ("libXrdClHttp-5.so", "libXrdClHttp-6.so")):
        remedy = "on Debian and Ubuntu: apt-get install xrootd-client-http-plugins"
        return f"the xrootd server cannot read {scheme}:// ({remedy})"
    return None


def build_cache_config(
    *,
    origin: str,
    folders: CacheFolders,
    rules: Path,
    port: int,
    size: int,
    clients: Sequence[str] = ("127.0.0.1",),
    monitor: str = "",
) -> str:
    """The configuration of a read-only cache in front of one fixed origin.

    Args:
        origin: root:// or http(s):// URL of the folder that holds the releases.
        folders: where it keeps its files and sockets.
        rules: file with the text of `build_cache_rules`.
        port: the port to listen on. XRootD listens on all addresses, so `clients` keeps others out.
        size: bytes of disk that it may take; XRootD refuses more than the disk has, so that is the most.
        clients: addresses that may read; everybody else is refused as they connect.
        monitor: host:port that gets a JSON datagram for each file closed, none when empty.

    Raises:
        LumiHubError: the run folder's path is too long for UNIX sockets.
    """
    if len(str(folders.run)) > _LONGEST_RUN_FOLDER:
        raise LumiHubError(
            f"the path {folders.run} is too long for the cache's sockets ({_LONGEST_RUN_FOLDER} characters at most)",
            fix="set local.folder in the values file to a shorter path",
        )
    parts = urlsplit(origin)
    port_there = parts.port or _PORTS[parts.scheme]
    lines = [
        "all.role server",
        f"xrd.port {port}",
        # Names would be looked up for each client, and a school's resolver may not answer.
        "xrd.network nodnr",
        *(f"xrd.allow host {client}" for client in clients),
        f"all.export {exported_path(origin)} r/o",
        "ofs.authorize",
        f"acc.authdb {rules}",
        f"oss.localroot {folders.data}",
        f"all.adminpath {folders.run}",
        f"xrd.homepath {folders.run}",
        f"all.pidpath {folders.run}",
        "ofs.osslib libXrdPss.so",
        f"pss.origin {'' if parts.scheme == 'root' else f'{parts.scheme}://'}{parts.hostname}:{port_there}",
        "pss.cachelib default",
        *_build_policy(min(size, _measure_disk(folders.data))),
    ]
    if monitor:
        lines.append(f"xrootd.mongstream pfc use flush 5s maxlen 8192 send json dflthdr {monitor}")
    return "\n".join(lines) + "\n"


def build_cache_rules(origin: str) -> str:
    """What anybody may do in the cache, in XRootD's words: look at the releases and read them.

    XRootD refuses `..` within a path, but would list the folder above the releases for a path that ends in it.
    """
    path = exported_path(origin)
    return f"u * {path.rstrip('/')}/.. -l {path} lr\n"


def build_trust(authority: Path) -> dict[str, str]:
    """Environment of a cache that trusts an authority beside the public ones.

    OpenSSL reads this file in the place of one that Debian does not have, and the folder of public authorities as ever.
    """
    return {"SSL_CERT_FILE": str(authority)}


def exported_path(origin: str) -> str:
    """The path of the origin's folder, under which the cache shows it and below which it keeps its files."""
    return "/" + urlsplit(origin).path.strip("/")


def _build_policy(size: int) -> list[str]:
    # With a unit, because XRootD takes a bare number for a share of the disk.
    low, high, most = (f"{int(size * share) // 1024}k" for share in (0.7, 0.8, 0.9))
    return [
        # An analysis reads a few branches, scattered over the file: bigger blocks or prefetching bring whole files.
        "pfc.blocksize 64k",
        "pfc.prefetch 0",
        # The smallest that a server accepts; taken only while files come in.
        "pfc.ram 1g",
        "pfc.writequeue 16 4",
        # Remember on disk what came in after 100 blocks rather than 2000, so that a killed cache loses little.
        "pfc.flush 100",
        # Purging lags behind by minutes, so it begins well below the size that was given.
        f"pfc.diskusage 0.90 0.95 files {low} {high} {most} purgeinterval 60",
        "pfc.trace warning",
    ]


def build_cache_command(xrootd: Path, config: Path, log: Path, *, user: str | None = None) -> list[str]:
    """The argument list that runs the cache in the foreground; its environment must hold `CACHE_ENVIRONMENT`.

    Args:
        xrootd: the server, from `find_xrootd`.
        config: file with the text of `build_cache_config`.
        log: file for its log; XRootD puts it into a folder `lumihub-cache` beside that name.
        user: account to run as, when started by root; XRootD refuses to run as root.
    """
    switch = ["-R", user] if user else []
    return [str(xrootd), "-I", "v4", *switch, "-n", "lumihub-cache", "-c", str(config), "-l", str(log)]


def ensure_cache_folders(folders: CacheFolders, *, user: str | None = None) -> None:
    """Make the cache's folders, for its account alone; `user` owns them when root makes them."""
    for folder in (folders.data, folders.run):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        if user and os.geteuid() == 0:
            shutil.chown(folder, user)


def _measure_disk(folder: Path) -> int:
    """Bytes of the disk that holds the folder, or will hold it."""
    return shutil.disk_usage(next(place for place in (folder, *folder.parents) if place.exists())).total


def _find_library(xrootd: Path, name: str) -> bool:
    prefix = xrootd.resolve().parent.parent
    return any((folder / name).exists() for folder in (*prefix.glob("lib*"), *prefix.glob("lib*/*")) if folder.is_dir())
