from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, cast

import pytest

from lumihub.analysis.selection import plan_nightly
from lumihub.data.nightly import NightlyOutcome
from lumihub.kubernetes.nightly import find_state, name_cache
from lumihub.settings import Settings

if TYPE_CHECKING:
    from lumihub.kubernetes.access import Cluster

SETTINGS = Settings.model_validate(
    {"kubernetes": {"context": "x"}, "cache": {"replicas": 2}, "data": {"nightly": {"collections": ["4lep"]}}}
)
LAST = NightlyOutcome(began=1764122400, seconds=90, files=3, whole=3, late=0, bytes=27, faulty=0)


class Answers:
    """What the API holds of a night: its ConfigMap, Jobs and pods."""

    def __init__(self, jobs: list[dict[str, Any]], said: str = "") -> None:
        work = plan_nightly(SETTINGS, name_cache(SETTINGS), time_zone="UTC")
        assert work is not None
        self.packed = {"binaryData": {"work.json.gz": base64.b64encode(work.pack()).decode()}}
        self.jobs = jobs
        state = {"terminated": {"message": said}} if said else {"running": {}}
        self.pods = [{"status": {"containerStatuses": [{"state": state}]}}]

    def find(self, path: str) -> dict[str, Any]:
        assert path == "/api/v1/namespaces/lumihub-data/configmaps/data-nightly"
        return self.packed

    def items(self, path: str, labelSelector: str) -> list[dict[str, Any]]:  # noqa: N803 - Kubernetes' own name
        assert "app.kubernetes.io/component=data-nightly" in labelSelector
        return self.jobs if path.endswith("/jobs") else self.pods


def build_job(made: str, ended: str = "", **more: str) -> dict[str, Any]:
    conditions = [{"type": ended, "status": "True", **more}] if ended else []
    return {"metadata": {"name": made, "creationTimestamp": made}, "status": {"conditions": conditions}}


@pytest.mark.parametrize(
    ("jobs", "said", "expected"),
    [
        ([], "", (False, None, "")),
        ([build_job("1")], "", (True, None, "")),
        ([build_job("1", "Complete")], LAST.model_dump_json(), (False, LAST, "")),
        ([build_job("2"), build_job("1", "Complete")], LAST.model_dump_json(), (True, LAST, "")),
        (
            [build_job("1", "Failed", reason="DeadlineExceeded", message="Job was active too long")],
            "",
            (False, None, "Job was active too long (DeadlineExceeded)"),
        ),
        ([build_job("1", "Failed", reason="BackoffLimitExceeded")], "Killed", (False, None, "(BackoffLimitExceeded)")),
    ],
)
def test_what_is_known_of_the_night(
    jobs: list[dict[str, Any]], said: str, expected: tuple[bool, NightlyOutcome | None, str]
) -> None:
    state = find_state(cast("Cluster", Answers(jobs, said)), SETTINGS)
    assert state is not None
    assert (state.running, state.last, state.trouble) == expected
    assert (state.at, state.time_zone) == ("02:00", "UTC")


def test_pods_name_every_cache() -> None:
    assert name_cache(SETTINGS) == "root://cache.lumihub.svc:1094,cache-1.lumihub.svc:1094//eos/opendata/atlas"
