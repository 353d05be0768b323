"""The administrators' accounts: made once, each with a random password in a private file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lumihub.hub.passwords import generate_password
from lumihub.local.folder import write_private

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from lumihub.hub.client import HubClient


def ensure_administrators(client: HubClient, names: Iterable[str], secrets: Path) -> list[tuple[str, str]]:
    """Make the accounts that are missing.

    Returns:
        (name, password) of each that was made, to be shown this once.
    """
    existing = {account["name"] for account in client.accounts()}
    made = []
    for name in names:
        if name in existing:
            continue
        path = secrets / f"{name}.password"
        # Written before the account is made: whoever interrupts us between the two finds the password here.
        password = path.read_text(encoding="utf-8").strip() if path.exists() else generate_password()
        write_private(path, password + "\n")
        client.add([(name, password)])
        made.append((name, password))
    return made
