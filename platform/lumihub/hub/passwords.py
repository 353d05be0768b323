"""First passwords: random, easy to read out and to type."""

from __future__ import annotations

import secrets

# Without letters and digits that look alike on a board or a slip of paper.
_CONSONANTS = "bdfghjkmnprstvz"
_VOWELS = "aeiu"
_DIGITS = "23456789"


def generate_password() -> str:
    """As in `rabu-5nizo-dapi7ke`: 47 random bits, far more than a login page that locks lets anybody try."""
    first, second, third = (_syllables(2) for _ in range(3))
    return f"{first}-{secrets.choice(_DIGITS)}{second}-{third}{secrets.choice(_DIGITS)}{_syllables(1)}"


def _syllables(count: int) -> str:
    return "".join(secrets.choice(_CONSONANTS) + secrets.choice(_VOWELS) for _ in range(count))
