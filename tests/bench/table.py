"""Prints the tables of benchmarks: plain text, for a terminal and for a page."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence

Row = Sequence[object]


def print_table(title: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Print one table; numbers stand on the right, words on the left.

    Args:
        title: what was measured, with units.
        columns: headings.
        rows: one cell a column; floats are shown with three digits.
    """
    cells = [[_text(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    out = sys.stdout
    out.write(f"\n{title}\n")
    out.write("  ".join(name.ljust(width) for name, width in zip(columns, widths, strict=True)).rstrip() + "\n")
    out.write("  ".join("-" * width for width in widths) + "\n")
    for row, texts in zip(rows, cells, strict=True):
        aligned = (
            text.ljust(width) if isinstance(cell, str) else text.rjust(width)
            for cell, text, width in zip(row, texts, widths, strict=True)
        )
        out.write("  ".join(aligned).rstrip() + "\n")
    out.flush()


def print_machine() -> None:
    """Print what the numbers were measured on, and how busy it was: they mean nothing without."""
    busy = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    sys.stdout.write(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, load {busy}\n")


def _text(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 1000 else f"{cell:.3g}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)
