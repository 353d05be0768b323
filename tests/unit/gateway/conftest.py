from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lumihub.gateway.configuration import Configuration, load_configuration

if TYPE_CHECKING:
    from pathlib import Path

GIB = 1 << 30
VALUES = {
    "instance": "lumihub",
    "hubApi": "http://hub:8081/hub/api",
    "apiUrl": "http://gateway.lumihub.svc:8000/api",
    "cohorts": [
        {"name": "default", "namespace": "lumihub-dask-default"},
        {"name": "class-9b", "namespace": "lumihub-dask-class-9b"},
    ],
    "usersNamespace": "lumihub-users",
    "image": "r/lab:1",
    "pullPolicy": "IfNotPresent",
    "pullSecrets": ["registry"],
    "clustersPerStudent": 1,
    "cohort": {"clusters": 3, "workers": 6},
    "maxWorkers": 4,
    "idleTimeout": 900,
    "maxAge": 28800,
    "worker": {"memory": {"limit": GIB, "guarantee": 2 * GIB}, "cpu": {"limit": 1, "guarantee": 0.2}},
    "scheduler": {"memory": {"limit": GIB, "guarantee": GIB // 4}, "cpu": {"limit": 0.5, "guarantee": 0.1}},
    "placement": {"nodeSelector": {"role": "students"}},
    "networkPolicy": True,
}


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    """As the chart writes it."""
    file = tmp_path / "gateway.json"
    file.write_text(json.dumps(VALUES))
    return load_configuration(file)
