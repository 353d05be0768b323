"""How often the hub looks whether a student's server answers.

JupyterHub looks at growing intervals of up to five seconds: first whether the pod runs, then whether the server in it
answers. A server that takes five seconds to start is then noticed 1.8 s late on average, 4 s late in one of twenty
cases, and students wait for nothing.
"""

from __future__ import annotations

import inspect

from jupyterhub.utils import exponential_backoff

# Noticed 0.3 s late on average. More often would cost a hub that starts a whole class more than a student gains.
LONGEST_SECONDS = 1


def look_often() -> None:
    """Shorten the longest interval, for JupyterHub and its spawners alike: all of them wait by this one function."""
    parameters = inspect.signature(exponential_backoff).parameters.values()
    exponential_backoff.__defaults__ = tuple(
        LONGEST_SECONDS if parameter.name == "max_wait" else parameter.default
        for parameter in parameters
        if parameter.default is not parameter.empty
    )
