"""By what parts of the platform know each other: a label of students' pods, ports, the gateway's name at the hub."""

from __future__ import annotations

import hashlib
from typing import Any

STUDENT = "lumihub/student"
GATEWAY = "gateway"
"""The Dask gateway's name among the hub's services."""


def label_student(name: str) -> str:
    """The label's value for a student: the same for the same name, of letters and digits whatever is in the name."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def select_server(users_namespace: str, name: str) -> dict[str, Any]:
    """The server of one student, as a peer of a NetworkPolicy.

    Args:
        users_namespace: where students' servers are.
        name: of the account.
    """
    server = {"app.kubernetes.io/component": "singleuser-server", STUDENT: label_student(name)}
    return {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": users_namespace}},
        "podSelector": {"matchLabels": server},
    }


SCHEDULER_PORT = 8786
DASHBOARD_PORT = 8787
