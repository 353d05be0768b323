"""The key that a browser must carry to be shown a student's server: made here, asked for by the proxy."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

COOKIE = "lumihub-server"
# A browser takes a cookie with this prefix from https alone, and from no other host: not from a program that listens on
# another port of the hub's machine, nor from a neighbour in the same domain.
HTTPS_PREFIX = "__Host-"
# JupyterHub's own: whoever logs in carries it. Scripts that come with a token don't; JupyterLab's pages send both.
BROWSER_COOKIE = "jupyterhub-session-id"
# With it in front, a key is nothing else that anybody makes from the proxy's secret.
LABEL = "lumihub-server:"


def build_key(secret: str, user: str) -> str:
    """The key of a user's servers, in hex; images/proxy/gate.mjs makes the same.

    Args:
        secret: of the proxy, which the hub and the proxy alone know.
        user: name of the owner, as JupyterHub writes it.
    """
    return hmac.new(secret.encode(), (LABEL + user).encode(), hashlib.sha256).hexdigest()


def build_cookie_name(scheme: str) -> str:
    """The name of the cookie for a browser that came by http or https, or by ws or wss, as some proxies say it."""
    return HTTPS_PREFIX + COOKIE if scheme in ("https", "wss") else COOKIE


def find_keys(name: str, lines: Iterable[str]) -> list[str]:
    """What the cookies of this name hold, in the order in which the browser sent them.

    Args:
        name: of the cookie.
        lines: the request's `Cookie` headers.
    """
    pairs = (pair.strip().partition("=") for line in lines for pair in line.split(";"))
    return [value for found, _, value in pairs if found == name]
