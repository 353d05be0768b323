"""A part of the gateway in its pod: `python -m lumihub.gateway server` or `controller`."""

from __future__ import annotations

import sys
from pathlib import Path

from dask_gateway_server.app import DaskGateway

from lumihub.gateway.configuration import load_configuration
from lumihub.gateway.controller import CohortController
from lumihub.gateway.informers import watch_cohorts

PARTS = {"server": DaskGateway, "controller": CohortController}


def main() -> None:
    """Run the part that is named until it is told to end."""
    if sys.argv[1:2] == [] or sys.argv[1] not in PARTS:
        sys.exit(f"error: name the part to run\n  fix: python -m lumihub.gateway {' or '.join(PARTS)}")
    watch_cohorts(load_configuration().cohorts.values())
    PARTS[sys.argv[1]].launch_instance(["-f", str(Path(__file__).with_name("gateway_config.py"))])


if __name__ == "__main__":
    main()
