"""The one line that gives a student a Dask client: `from lumihub.compute import client`."""

from lumihub.compute.session import client, close

__all__ = ["client", "close"]
