"""Why an environment could not be made, in plain words with what to type."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lumihub.errors import LumiHubError

AGAIN = "and type the same command again"
# What pip, uv and the system say, and what it means: in this order, because one failure often brings others along.
FAILURES: tuple[tuple[str, str, str], ...] = (
    (
        r"No such file or directory: '.*/(uv\.lock|pyproject\.toml)'",
        "the project folder is not complete",
        "download or clone the whole project again",
    ),
    (
        r"No space left on device|os error 28\b|Disk quota exceeded|os error 122\b",
        "the disk is full",
        f"free some space here and in the cache folder (about 3 GB in all; XDG_CACHE_HOME moves the cache), {AGAIN}",
    ),
    (
        r"suitable TLS CA certificate bundle, invalid path: \S+",
        "the file of certificates that an environment variable names is not there",
        f"correct SSL_CERT_FILE (or PIP_CERT) {AGAIN}",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|invalid peer certificate|UnknownIssuer|certificate verify failed",
        "the package registry's certificate is not trusted (some proxies put a certificate of their own in its place)",
        f"ask your network's people for the proxy's CA certificate, export SSL_CERT_FILE=/path/to/that-ca.pem {AGAIN}",
    ),
    (
        r"Failed to establish a new connection|dns error|name resolution|error sending request|Network is unreachable"
        r"|[Cc]onnection refused|[Tt]imed out|ProxyError|client error \(Connect\)|tunnel",
        "the package registry could not be reached",
        f"connect this machine to the internet (behind a proxy: export HTTPS_PROXY=http://HOST:PORT) {AGAIN}",
    ),
    (
        r"Read-only file system|os error 30\b",
        "this folder is read-only",
        "copy the project to a folder that you may write to, and run it there",
    ),
    (
        r"Permission denied|os error 13\b|Operation not permitted|os error 1\b",
        "this account may not write where the environment belongs",
        "run this as the owner of the project folder (or with sudo), or copy the project to a folder of your own",
    ),
)


@contextmanager
def report_failures() -> Iterator[None]:
    """Turn what goes wrong in the block into the sentence that users see, and exit."""
    try:
        yield
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted; type the same command again to go on\n")
        sys.exit(130)
    except Exception as error:
        from lumihub.errors import LumiHubError

        if isinstance(error, OSError):
            error = explain_failure(str(error)) or LumiHubError(str(error))
        if not isinstance(error, LumiHubError):
            raise
        sys.exit(str(error))


def explain_failure(text: str) -> LumiHubError | None:
    """What pip's, uv's or the system's words mean for the user; None when they are not among the known ones."""
    import re

    from lumihub.errors import LumiHubError

    for pattern, what, fix in FAILURES:
        if re.search(pattern, text):
            return LumiHubError(what, where=_last_line(text), fix=fix)
    return None


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""
