"""How numerical libraries are kept to the cores that a process may use: they count the node's otherwise."""

from __future__ import annotations

_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "LOKY_MAX_CPU_COUNT",
)


def build_thread_variables(threads: int) -> dict[str, str]:
    """The variables of a process whose libraries are to use this many threads."""
    return dict.fromkeys(_VARIABLES, str(threads))
