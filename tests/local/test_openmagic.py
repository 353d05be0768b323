"""A notebook of ATLAS's in a student's kernel: what it asks atlasopenmagic for comes through the cache."""

from __future__ import annotations

import http.server
import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from lumihub.data.cached import count_cached, read_cached
from opendata import EVENTS, PLACE
from servers.hub import Installation, installation
from servers.link import Link
from servers.ports import find_free_port
from servers.xrootd import EXPORT, wait_until_closed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.xrootd import XRootDOrigin

pytestmark = [pytest.mark.timeout(600), pytest.mark.xrootd, pytest.mark.opendata]

RECORD = {
    "dataset_number": "data",
    "physics_short": None,
    "cross_section_pb": 1.5,
    "file_list": [],
    "skims": [
        {
            "skim_type": "4lep",
            "file_list": [f"root://eospublic.cern.ch:1094/{EXPORT}/{PLACE}/{name}.4lep.root" for name in EVENTS],
        }
    ],
}
# As in ATLAS's notebooks, which nobody edits: what would install, the web's URLs, a copy of each file.
PREPARE = """
!pip install atlasopenmagic
from atlasopenmagic import install_from_environment
install_from_environment()
"""
ASK = """
import lmfit, pandas, sklearn.ensemble, uproot
import atlasopenmagic as atom
atom.set_release('2020e-13tev')
samples = atom.build_dataset({'Data': {'dids': ['data']}}, skim='4lep', protocol='https', cache=True)
"""
READ = """
print([uproot.open(url + ':mini')['lep_pt'].array().nbytes > 0 and uproot.open(url + ':mini').num_entries
       for url in samples['Data']['list'][:3]])
"""


class MetadataService(http.server.BaseHTTPRequestHandler):
    """Answers as the service with ATLAS's metadata does, for one data set."""

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        here = parse_qs(asked.query).get("release_name") == ["2020e-13tev"]
        answer: Any = {"count": int(here)} if asked.path == "/datasets/count" else [RECORD] * here
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Keep the test's output clean."""


@contextmanager
def metadata_service() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), MetadataService) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def link(xrootd_origin: XRootDOrigin) -> Iterator[Link]:
    with Link(xrootd_origin.port) as relay:
        yield relay


def run(hub: Installation, name: str) -> tuple[str, str]:
    """What a student's notebook prints as it asks for its files, and as it reads them."""
    password = hub.add(name)[name]
    with hub.student(name, password) as student:
        kernel = student.start_kernel()
        said = []
        for cell in (PREPARE, ASK, READ):
            result = kernel.run(cell)
            assert result.error == "", result.traceback
            said.append(result.text)
        kernel.close()
    assert "Nothing is installed" in said[0]
    return said[1], said[2]


def test_a_notebook_of_atlas_reads_through_the_cache_with_and_without_the_internet(
    xrootd_origin: XRootDOrigin, link: Link
) -> None:
    expected = str([events for events, _ in EVENTS.values()])
    with metadata_service() as service, installation() as hub:
        hub.change(
            data={"origin": {"url": xrootd_origin.url(link.port)}},
            singleuser={"extraEnv": {"ATLAS_API_BASE_URL": service}},
        )
        hub.up()
        asked, read = run(hub, "ada")
        assert "does not answer" not in asked
        assert f"Files are read from root://127.0.0.1:{hub.settings['data']['cache']['port']}/{EXPORT}" in asked
        assert read == expected
        folder = hub.folder / "data" / "cache" / EXPORT.strip("/")
        wait_until_closed(hub.pid("cache"))
        first = count_cached(read_cached(folder))
        assert first.files == len(EVENTS)
        # All that came over the link is in the cache.
        assert 20_000 < first.held <= link.down < first.held + 200_000

        hub.change(singleuser={"extraEnv": {"ATLAS_API_BASE_URL": f"http://127.0.0.1:{find_free_port()}"}})
        hub.up()
        before = link.down
        asked, read = run(hub, "bob")
        assert "does not answer: files are found without it" in asked
        assert read == expected
        assert link.down - before < 20_000
        assert count_cached(read_cached(folder)).held == first.held
