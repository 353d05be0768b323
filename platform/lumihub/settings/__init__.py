"""The admin's one file: its model, its reading and its explanation."""

from lumihub.settings.loading import load_settings
from lumihub.settings.models import Settings

__all__ = ["Settings", "load_settings"]
