"""Notices when a notebook imports atlasopenmagic, and adapts it to the platform; costs a kernel nothing until then."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec, PathFinder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.abc import Loader
    from types import ModuleType

_PACKAGE = "atlasopenmagic"


class _Finder:
    """Finds the package where Python's own finder does."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        found = PathFinder.find_spec(name, path, target) if name == _PACKAGE else None
        if found and found.loader:
            found.loader = _Loader(found.loader)  # type: ignore[assignment] # all that is missing is the real one's
        return found


class _Loader:
    """Loads it as its own loader does, and adapts it."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        from lumihub.data.access import DataAccess
        from lumihub.data.openmagic import adapt

        adapt(module, DataAccess.current())

    def __getattr__(self, name: str) -> object:
        return getattr(self._loader, name)


def adapt_on_import() -> None:
    """Adapt atlasopenmagic from now on, whenever this process imports it."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
