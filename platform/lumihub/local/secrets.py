"""Secrets of one installation: made once at random, kept in files of mode 0600, never printed."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from lumihub.local.folder import write_private

if TYPE_CHECKING:
    from pathlib import Path


def ensure_secret(path: Path) -> str:
    """The secret in that file, 256 random bits, made where it is missing."""
    try:
        found = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        found = ""
    if not found:
        found = secrets.token_hex(32)
        write_private(path, found + "\n")
    return found
