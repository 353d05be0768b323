"""An analysis of real files from a real XRootD server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lumihub.analysis.running import run
from opendata import EVENTS, PLACE

if TYPE_CHECKING:
    from servers.xrootd import XRootDOrigin


@pytest.mark.opendata
@pytest.mark.xrootd
def test_streamed_files_keep_the_published_events(xrootd_origin: XRootDOrigin) -> None:
    result = run("higgs-4l", [f"{xrootd_origin.url()}/{PLACE}/{sample}.4lep.root" for sample in EVENTS])
    kept = {sample: lines[1].events_out for sample, lines in result.cutflow.items()}
    assert kept == {sample: events for sample, (_, events) in EVENTS.items()}
    assert 0 < result.bytes_read < 200_000
