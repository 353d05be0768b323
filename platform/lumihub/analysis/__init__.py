"""What lessons call: selections, weights, histograms, plots, questions.

In a notebook::

    from lumihub import analysis, compute

    result = analysis.run("higgs-4l", client=compute.client())
    result.cutflow                   # a table
    analysis.plot(result, "m4l")     # data over simulation
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lumihub.analysis.fits import PeakFit, fit_peak
    from lumihub.analysis.kinematics import invariant_mass
    from lumihub.analysis.plots import plot, plot_fit
    from lumihub.analysis.reading import read
    from lumihub.analysis.registry import load_analyses, load_analysis
    from lumihub.analysis.result import Result
    from lumihub.analysis.running import run

# Loaded when first used: a Dask worker that counts events has no need of matplotlib and scipy.
_HOMES = {
    "PeakFit": "fits",
    "Result": "result",
    "fit_peak": "fits",
    "invariant_mass": "kinematics",
    "load_analyses": "registry",
    "load_analysis": "registry",
    "plot": "plots",
    "plot_fit": "plots",
    "read": "reading",
    "run": "running",
}

__all__ = [
    "PeakFit",
    "Result",
    "fit_peak",
    "invariant_mass",
    "load_analyses",
    "load_analysis",
    "plot",
    "plot_fit",
    "read",
    "run",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__]
