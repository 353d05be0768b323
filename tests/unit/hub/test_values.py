from __future__ import annotations

import json
from typing import TYPE_CHECKING

from lumihub.hub.values import load_values, restore_nulls
from lumihub.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


def test_what_helm_dropped_was_null() -> None:
    restored = restore_nulls({"singleuser": {"memory": {"guarantee": "1G"}, "cpu": {}}})
    assert restored["singleuser"]["memory"] == {"guarantee": "1G", "limit": None}
    assert restored["singleuser"]["cpu"] == {"limit": None, "guarantee": None}
    assert "auth" not in restored


def test_a_file_of_values(tmp_path: Path) -> None:
    path = tmp_path / "values.json"
    values = json.loads(Settings().model_dump_json(by_alias=True))
    del values["singleuser"]["memory"]["limit"]
    path.write_text(json.dumps(values))
    settings = load_values(path)
    assert settings.singleuser.memory.limit is None
    assert settings.cull == Settings().cull
