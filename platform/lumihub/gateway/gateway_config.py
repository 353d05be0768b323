"""dask-gateway's configuration file: the same for the server and the controller."""

from lumihub.gateway.application import configure
from lumihub.gateway.configuration import load_configuration

configure(get_config(), load_configuration())  # type: ignore[name-defined]  # noqa: F821  (traitlets defines it)
