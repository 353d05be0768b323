"""`python -m lumihub.datawork`: carries out the order in /etc/lumihub and tells about it on standard output."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from lumihub.data.work import WorkOrder
from lumihub.data.worklog import tell, write_report
from lumihub.datawork.daskcluster import DaskCluster, connect_inside
from lumihub.datawork.runner import run
from lumihub.errors import LumiHubError

_FOLDER = Path("/etc/lumihub")


def main() -> None:
    """Exit 0: a report was told, whatever is in it. Anything else: a new pod goes on."""
    order = WorkOrder.unpack((_FOLDER / "order.json.gz").read_bytes())
    manifest = json.loads((_FOLDER / "cluster.json").read_text("utf-8"))
    cluster = DaskCluster(connect_inside(), os.environ["LUMIHUB_NAMESPACE"], manifest)
    try:
        report = run(order, cluster)
        cluster.remove()
    except LumiHubError as error:
        fault = error.faults[0]
        tell("warn", text=fault.what)
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
    tell("report", **write_report(report))


if __name__ == "__main__":
    main()
