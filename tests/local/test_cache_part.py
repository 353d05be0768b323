"""The data cache as a part: started with a real origin, used by a student, off when there is none."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING

import pytest

from servers.hub import PREFIX, Installation, installation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.xrootd import XRootDOrigin

pytestmark = [pytest.mark.timeout(600), pytest.mark.xrootd]


@pytest.fixture
def hub(xrootd_origin: XRootDOrigin) -> Iterator[Installation]:
    with installation() as one:
        one.change(data={"origin": {"url": xrootd_origin.url()}})
        yield one


def test_a_student_reads_real_data_through_the_cache(hub: Installation) -> None:
    answer = hub.up()
    assert "started the cache" in answer["changes"]
    if os.geteuid() == 0:
        owner = os.stat(f"/proc/{hub.pid('cache')}").st_uid  # noqa: PTH116
        assert pwd.getpwuid(owner).pw_name == f"{PREFIX}_cache"
    assert hub.up()["changes"] == []
    status = hub.status()
    assert {part["name"]: part["state"] for part in status["parts"]}["cache"] == "running"
    assert status["data"].startswith("ATLAS Open Data, release 2020, through the cache from root://")
    password = hub.add("reader")["reader"]
    with hub.student("reader", password) as student:
        kernel = student.start_kernel()
        code = (
            "import uproot\nfrom lumihub import data\n"
            "url = data.files('4lep', 'data_A')[0]\n"
            "print(data.label(), uproot.open(url, **data.storage_options(url))['mini'].num_entries)"
        )
        result = kernel.run(code)
        assert (result.error, result.text) == ("", "ATLAS Open Data 39")
        kernel.close()
    assert list((hub.folder / "data" / "cache").rglob("*.cinfo"))
