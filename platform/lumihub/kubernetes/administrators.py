"""The administrators' accounts: made once, each with a random password in a Secret of the release's namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lumihub.hub.passwords import generate_password
from lumihub.kubernetes.objects import path_of, read_secret

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lumihub.hub.client import HubClient
    from lumihub.kubernetes.access import Cluster

SECRET = "hub-admin"  # noqa: S105 - its name


def ensure_administrators(
    client: HubClient, names: Iterable[str], cluster: Cluster, namespace: str
) -> list[tuple[str, str]]:
    """Make the accounts that are missing.

    Returns:
        (name, password) of each that was made, to be shown this once.
    """
    existing = {account["name"] for account in client.accounts()}
    missing = [name for name in names if name not in existing]
    if not missing:
        return []
    kept = cluster.find(path_of("secrets", namespace, SECRET)) or {}
    # An interrupted call may have written passwords of accounts that it did not come to make.
    made = [(name, read_secret(kept, name) or generate_password()) for name in missing]
    known = {name: read_secret(kept, name) or "" for name in kept.get("data") or {}}
    cluster.apply(
        path_of("secrets", namespace, SECRET),
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": SECRET,
                "namespace": namespace,
                "labels": {"app.kubernetes.io/part-of": "lumihub", "app.kubernetes.io/managed-by": "lumihub"},
            },
            "stringData": {**known, **dict(made)},
        },
    )
    client.add(made)
    return made
