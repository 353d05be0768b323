"""JupyterHub's configuration file: the same for every backend."""

from lumihub.hub.application import configure
from lumihub.hub.configuration import HubConfiguration
from lumihub.hub.database import keep_journals
from lumihub.hub.patience import look_often

look_often()
keep_journals()
configure(get_config(), HubConfiguration.current())  # type: ignore[name-defined]  # noqa: F821  (JupyterHub defines it)
