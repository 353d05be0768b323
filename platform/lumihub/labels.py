"""By what the parts of the platform find a student's pods: a label, and the ports of a Dask scheduler."""

from __future__ import annotations

import hashlib

STUDENT = "lumihub/student"


def label_student(name: str) -> str:
    """The label's value for a student: the same for the same name, of letters and digits whatever is in the name."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


SCHEDULER_PORT = 8786
DASHBOARD_PORT = 8787
