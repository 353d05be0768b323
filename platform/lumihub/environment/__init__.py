"""The project's own Python environments, made from the lock file on first use.

Standard library only, because this runs before anything is installed; and few imports, because it runs before every
verb.
"""

from lumihub.environment.failures import report_failures
from lumihub.environment.state import ensure_environment

__all__ = ["ensure_environment", "report_failures"]
