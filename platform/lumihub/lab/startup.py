"""Starts the JupyterHub single-user server without loading what a student's server never uses.

A class logs in at once, so each second of Python starting is multiplied by the number of students over the number
of cores.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

from lumihub.imports import leave_out_address_parser

# The hub's half of JupyterHub. Single-user servers import these modules, and of them only the names given here: a
# class that each request's handler is compared with, and an error that is caught. Neither occurs without a database.
_HUB_MODULES: dict[str, dict[str, type]] = {
    "sqlalchemy": {},
    "sqlalchemy.exc": {"SQLAlchemyError": type("SQLAlchemyError", (Exception,), {})},
    "jupyterhub.orm": {},
    "jupyterhub.roles": {},
    "jupyterhub.handlers.pages": {"HealthCheckHandler": type("HealthCheckHandler", (), {})},
}


class _Deferred(ModuleType):
    """Stands for a module, and loads it when the first of its names is asked for.

    `importlib.util.LazyLoader` does not do here: under Python 3.11 importing the module a second time loads it.
    """

    def __getattr__(self, name: str) -> object:
        # A package's path is asked for when one of its submodules is imported; others are asked by every `from` import.
        loads = not name.startswith("__") or (name == "__path__" and "." not in self.__name__)
        if not loads:
            raise AttributeError(name)
        # All of them go: the real ones import each other.
        for deferred in [key for key, value in sys.modules.items() if isinstance(value, _Deferred)]:
            del sys.modules[deferred]
        return getattr(importlib.import_module(self.__name__), name)


def defer_hub_modules() -> None:
    """Keep the hub's half of JupyterHub out of this process until a part of it is really used."""
    for name, known in _HUB_MODULES.items():
        module = _Deferred(name)
        vars(module).update(known)
        sys.modules.setdefault(name, module)


def leave_out_package_registry() -> None:
    """Keep JupyterLab from asking Node.js which package registry it would build from.

    It does so at every start where `node` is installed (0.8 s of processor time), and students' servers build nothing.
    """
    from jupyterlab import commands

    commands._yarn_config = lambda _: {"yarn config": {}, "npm config": {}}


def run_server() -> None:
    """Become the single-user server; returns when it ends."""
    leave_out_address_parser()
    defer_hub_modules()
    leave_out_package_registry()
    from jupyterhub.singleuser import main

    main()
