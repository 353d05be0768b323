"""Who did not answer when a file could not be read: the cache, or the origin behind it."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from lumihub.data.access import DataAccess
from lumihub.data.origins import Origin, OriginError, speaks_xrootd
from lumihub.errors import LumiHubError

# Seconds until a file must have been found. A dead origin is noticed by the cache within 12; XRootD then asks whoever
# waits to be patient for 30 more, again and again, and its client gives up at once when it may not wait that long.
PATIENCE = 20
_PROBE_SECONDS = 3
# How XRootD's client and server, and the operating system in their words, say that nobody was there.
_SILENCE = re.compile(
    r"expired|time-?out|timed out|connection|refused|reset by peer|unreachable|no route|invalid address|disconnect"
    r"|socket error|no answer",
    re.IGNORECASE,
)


def require_answer(url: str) -> None:
    """Have the server of a file on the network say that the file is there, before a long read begins.

    A missing file is left for the read itself to find.

    Args:
        url: of the file; nothing is asked about a path.

    Raises:
        LumiHubError: the cache, or the origin behind it, does not answer.
    """
    folder, slash, name = url.rpartition("/")
    if urlsplit(url).scheme != "root" or not slash:
        return
    try:
        Origin(folder, timeout=PATIENCE).size(name)
    except OriginError as error:
        outage = find_outage(url, error)
        if outage:
            raise outage from error


def find_outage(url: str, error: Exception) -> LumiHubError | None:
    """What to tell whoever reads this file when the error means that somebody did not answer; None when it does not.

    Args:
        url: of the file.
        error: what reading it raised.
    """
    parts = urlsplit(url)
    if not parts.hostname or not _SILENCE.search(f"{type(error).__name__}: {error}"):
        return None
    access = DataAccess.current()
    if not access.is_cached(url):
        return LumiHubError(
            f"{parts.hostname} does not answer",
            where=url,
            fix="run the cell again in some minutes; if it lasts, `./deploy.py doctor` tells your teacher whether the "
            "origin can be reached",
        )
    if not _cache_answers(parts.hostname, parts.port or 1094):
        return LumiHubError(
            "the data cache does not answer",
            where=url,
            fix="run the cell again in a minute; if it lasts, `./deploy.py status` tells your teacher what is wrong",
        )
    return LumiHubError(
        f"the origin {urlsplit(access.origin).hostname} does not answer, and the cache does not hold all of this file",
        where=url,
        fix="go on with files that were read before, and run the cell again in some minutes; if it lasts, "
        "`./deploy.py doctor` tells your teacher whether the origin can be reached",
    )


def _cache_answers(host: str, port: int) -> bool:
    try:
        return speaks_xrootd(host, port, timeout=_PROBE_SECONDS)
    except OSError:
        return False
