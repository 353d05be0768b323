"""What data work tells of itself from a pod: one JSON object a line in its log, which the admin's tool follows."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from lumihub.data.work import Report
from lumihub.errors import Fault, LumiHubError

if TYPE_CHECKING:
    from typing import TextIO

_KEY = "lumihub"


def tell(kind: str, out: TextIO | None = None, **fields: Any) -> None:
    """Write an event: `step` and `warn` with a text, `bytes` with the sum done so far, `rate`, `report`."""
    stream = out or sys.stdout
    stream.write(json.dumps({_KEY: kind, **fields}) + "\n")
    stream.flush()


def hear(line: str) -> tuple[str, dict[str, Any]] | None:
    """An event of a line, None for any other line that a library wrote there."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    if not isinstance(found, dict) or _KEY not in found:
        return None
    return str(found.pop(_KEY)), found


def write_report(report: Report) -> dict[str, Any]:
    """A report as fields of an event."""
    return {
        "done": list(report.done),
        "bytes": report.bytes,
        "seconds": round(report.seconds, 3),
        "damaged": list(report.damaged),
        "faults": {
            path: [error.faults[0].what, error.faults[0].where, error.faults[0].fix]
            for path, error in report.faults.items()
        },
    }


def read_report(fields: dict[str, Any]) -> Report:
    """What `write_report` made."""
    faults: dict[str, LumiHubError] = {}
    for path, (what, where, fix) in fields["faults"].items():
        faults[path] = LumiHubError(what)
        faults[path].faults = (Fault(what, where, "", fix),)
    return Report(tuple(fields["done"]), fields["bytes"], fields["seconds"], faults, tuple(fields["damaged"]))
