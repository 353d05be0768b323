import os
import socket
from datetime import UTC, datetime, timedelta

from lumihub.kubernetes.lease import is_over

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def lease(holder, seconds_ago):
    renewed = NOW - timedelta(seconds=seconds_ago)
    return {
        "spec": {
            "holderIdentity": holder,
            "leaseDurationSeconds": 15,
            "renewTime": renewed.isoformat().replace("+00:00", "Z"),
        }
    }


def test_turn_of_another_machine_lasts_as_long_as_it_is_renewed():
    assert not is_over(lease("mara@elsewhere:1", 10), NOW)
    assert is_over(lease("mara@elsewhere:1", 20), NOW)


def test_turn_of_a_process_of_this_machine_that_ended_is_over_at_once():
    host = socket.gethostname()
    assert not is_over(lease(f"mara@{host}:{os.getpid()}", 1), NOW)
    assert is_over(lease(f"mara@{host}:{2**22 + 1}", 1), NOW)
