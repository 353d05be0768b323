"""Where the chart lies."""

from __future__ import annotations

from pathlib import Path

import lumihub


def find_chart(package: Path) -> Path:
    """The chart's folder: in the package where it is installed, beside it in a checkout."""
    installed = package / "helm" / "lumihub"
    return installed if installed.is_dir() else package.parents[1] / "helm" / "lumihub"


CHART = find_chart(Path(lumihub.__file__).resolve().parent)
