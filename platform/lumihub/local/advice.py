"""What the admin should know of an installation that works. Pure."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lumihub.settings.models.proxy import Proxy


def build_advice(proxy: Proxy, *, separate_accounts: bool, limits_enforced: bool) -> list[str]:
    """Sentences for the end of `up`.

    Args:
        proxy: the settings of the address that browsers open.
        separate_accounts: whether each student has an account of this machine.
        limits_enforced: whether control groups hold servers to their memory and processors.
    """
    advice = []
    if not separate_accounts:
        advice.append(
            "students share one account of this machine and can read each other's files;"
            " run as root to give each an account of their own"
        )
    if not limits_enforced:
        advice.append("limits of memory and processors are not enforced: there are no control groups that we may use")
    if not proxy.https.enabled and not is_loopback(proxy.address):
        advice.append(
            "a browser gives the hub's cookies to whatever listens on any port of this machine, be it a student's"
            f" program: let a firewall pass port {proxy.port} alone, or set proxy.https"
        )
    return advice


def is_loopback(address: str) -> bool:
    """Whether only this machine itself can open that address."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
