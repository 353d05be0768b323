"""Every setting, with its meaning, unit, default and the reason for it; a module a section.

The single source: `values.example.yaml`, the chart's values and schema, the values reference and `explain` are made
from these models. Keys that mean what zero-to-jupyterhub's keys mean carry its names.
"""

from lumihub.settings.models.settings import Settings

__all__ = ["Settings"]
