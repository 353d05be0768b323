"""A figure that says in words what it shows."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure


class DescribedFigure(Figure):
    """A figure with an alternative text, for who cannot see it.

    Attributes:
        alt: what the figure shows. A notebook keeps it beside the picture, in the output's metadata, where nbconvert
            looks for it and, in a server of LumiHub's, JupyterLab.
    """

    alt: str = ""

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The picture itself comes as every figure's does."""
        return {}, {"image/png": {"alt": self.alt}} if self.alt else {}
