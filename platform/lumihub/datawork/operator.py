"""What LumiHub sets in Dask's operator: a second module of `kopf run`, beside the operator's own."""

from __future__ import annotations

from typing import Any

import kopf


@kopf.on.startup()
def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
    """Watch for no new namespaces and kinds.

    That takes rights over the whole cluster, and without them the operator would ask for a minute before it begins. All
    that it has to know is there when it starts.
    """
    settings.scanning.disabled = True
