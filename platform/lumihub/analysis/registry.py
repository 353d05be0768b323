"""The analyses that there are: every module of `lumihub.analysis.analyses` that has an `ANALYSIS`."""

from __future__ import annotations

import difflib
import pkgutil
from functools import cache
from importlib import import_module

from lumihub.analysis import analyses
from lumihub.analysis.definition import Analysis
from lumihub.errors import InputError


@cache
def load_analyses() -> dict[str, Analysis]:
    """All analyses by name. A new one is one new file in `analyses/`."""
    found: dict[str, Analysis] = {}
    for module in pkgutil.iter_modules(analyses.__path__):
        analysis = getattr(import_module(f"{analyses.__name__}.{module.name}"), "ANALYSIS", None)
        if isinstance(analysis, Analysis):
            found[analysis.name] = analysis
    return dict(sorted(found.items()))


def load_analysis(name: str) -> Analysis:
    """One analysis by name.

    Raises:
        InputError: there is none of that name.
    """
    known = load_analyses()
    if name not in known:
        near = difflib.get_close_matches(name, known, 1, 0.4)
        raise InputError(f"{name} is not a known analysis", hint="".join(near), fix=f"give one of {', '.join(known)}")
    return known[name]
