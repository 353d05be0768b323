"""The label by which a student's pods are told from another's, wherever they run."""

from __future__ import annotations

import hashlib

STUDENT = "lumihub/student"


def label_student(name: str) -> str:
    """The label's value for a student: the same for the same name, of letters and digits whatever is in the name."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]
