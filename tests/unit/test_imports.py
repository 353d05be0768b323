from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("started", ["lumihub.hub.culler", "lumihub.local.hub", "lumihub.hub.__main__"])
def test_the_hub_starts_without_the_address_parser(started: str) -> None:
    code = f"import sys, {started}; print(sys.modules.get('rfc3987_syntax'), 'lark' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("None False", "")
