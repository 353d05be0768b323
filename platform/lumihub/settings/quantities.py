"""Amounts of memory and disk as JupyterHub and zero-to-jupyterhub write them."""

from __future__ import annotations

import re

_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)([KMGT]?)")


def parse_memory(text: str) -> int:
    """`"1.5G"` as bytes (powers of 1024).

    Raises:
        ValueError: not a number with one of the units K, M, G, T.
    """
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"should be a number with a unit (K, M, G, T), as in 512M or 2G, not {text!r}")
    return int(float(match[1]) * _UNITS[match[2]])


def format_bytes(amount: float) -> str:
    """Bytes for people: `"1.2 GB"` (powers of 1000, as disks and links are sold)."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(amount) < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"
