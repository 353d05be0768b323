"""Several caches as one: each file has one of them as its home, by its path alone.

So every reader asks the same cache for a file, and its bytes cross the link once, though no cache knows of the others.
Rendezvous hashing: with one cache more, only the files that it takes over change their home.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Mapping


def find_home(path: str, caches: int) -> int:
    """Number of the cache, from 0, that keeps a file.

    Args:
        path: of the file, below the origin's folder.
        caches: how many there are.
    """
    return max(range(caches), key=lambda number: hashlib.sha256(f"{number} {path}".encode()).digest())


def pick_host(url: str, path: str) -> str:
    """The URL with one host, of one that may name several, separated by commas as XRootD writes them.

    Args:
        url: of a folder.
        path: of a file below it.
    """
    parts = urlsplit(url)
    hosts = parts.netloc.split(",")
    if len(hosts) == 1:
        return url
    return urlunsplit(parts._replace(netloc=hosts[find_home(path, len(hosts))]))


def find_largest_share(sizes: Mapping[str, int], caches: int) -> int:
    """Bytes in the cache that gets most of some files.

    Args:
        sizes: of the files, by path.
        caches: how many there are.
    """
    shares = [0] * caches
    for path, size in sizes.items():
        shares[find_home(path, caches)] += size
    return max(shares)
