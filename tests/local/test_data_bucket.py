"""From an origin into an institution's S3, and from there through the cache, as an admin types it on one machine."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from cluster.machine.programs import S3, ensure_programs
from lumihub.data.cached import count_cached, read_cached
from lumihub.errors import LumiHubError
from opendata import EVENTS, PLACE
from servers.hub import Installation, installation
from servers.link import Link
from servers.s3 import S3Server
from servers.xrootd import wait_until_closed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers.xrootd import XRootDOrigin

pytestmark = [pytest.mark.timeout(600), pytest.mark.xrootd, pytest.mark.opendata]

BUCKET = "lake"
READ = """
import uproot
from lumihub import data
print([uproot.open(url)["mini"]["lep_pt"].array().layout.length for url in data.files("4lep")])
"""
# What an institution sets on its bucket, so that its cache may read without keys.
PUBLIC = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject"], "Resource": [f"arn:aws:s3:::{BUCKET}/*"]}
    ],
}


@pytest.fixture
def program() -> Path:
    try:
        return ensure_programs((S3,)) / "versitygw"
    except LumiHubError as error:
        pytest.skip(f"versitygw cannot be built: {error}")


@pytest.fixture
def storage(program: Path, tmp_path: Path) -> Iterator[S3Server]:
    with S3Server(program, tmp_path / "buckets", "127.0.0.1") as server:
        server.open().call_s3("create_bucket", Bucket=BUCKET)
        yield server


def run_data(hub: Installation, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [hub.program, "data", *words, "--values", str(hub.values), "--json"],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def type_data(hub: Installation, *words: str, **environment: str) -> Any:
    """What a data verb answers as JSON."""
    done = run_data(hub, *words, **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def read(hub: Installation, name: str) -> str:
    """What a student's kernel prints, or the error's last line."""
    with hub.student(name, hub.add(name)[name]) as student:
        kernel = student.start_kernel()
        result = kernel.run(READ)
        kernel.close()
        # What a reader holds open is neither recorded nor thrown out.
        student.stop_server()
    return result.text or result.error


def test_files_go_from_the_origin_into_a_bucket_and_from_there_through_the_cache(
    xrootd_origin: XRootDOrigin, storage: S3Server
) -> None:
    with installation() as hub, Link(urlsplit(storage.environment["AWS_ENDPOINT_URL"]).port or 0) as link:
        manifest = hub.values.with_name("manifest.json")
        subprocess.run([hub.program, "data", "manifest", xrootd_origin.url(), "-o", manifest], check=True, timeout=120)
        hub.change(data={"origin": {"url": xrootd_origin.url(), "manifest": str(manifest)}})
        copy = ("fetch", "4lep", "--to", f"s3://{BUCKET}/atlas")
        assert len(type_data(hub, *copy, **storage.environment)["there"]) == len(EVENTS)
        assert type_data(hub, *copy, **storage.environment)["bytes"] == 0
        xrootd_origin.stop()

        # With the keys the tool itself reads the bucket as it is.
        bucket = f"s3://{BUCKET}/atlas"
        again = hub.values.with_name("again.json")
        words = [hub.program, "data", "manifest", bucket, "-o", again]
        subprocess.run(words, check=True, timeout=120, env=os.environ | storage.environment)
        assert json.loads(again.read_text())["files"] == json.loads(manifest.read_text())["files"]
        hub.change(data={"origin": {"url": bucket, "manifest": str(manifest)}})
        assert len(type_data(hub, "fetch", "4lep", **storage.environment)["arrived"]) == len(EVENTS)

        # And the cache, once everybody may.
        hub.change(data={"origin": {"url": f"http://127.0.0.1:{link.port}/{BUCKET}/atlas", "manifest": str(manifest)}})
        hub.up()
        assert "permission denied" in read(hub, "early")
        storage.open().call_s3("put_bucket_policy", Bucket=BUCKET, Policy=json.dumps(PUBLIC))
        expected = str([events for events, _ in EVENTS.values()])
        assert read(hub, "ada") == expected
        folder = hub.folder / "data" / "cache" / BUCKET / "atlas"
        wait_until_closed(hub.pid("cache"))
        first = count_cached(read_cached(folder))
        assert (first.files, first.held > 0) == (len(EVENTS), True)
        before = link.down
        assert read(hub, "bob") == expected
        assert link.down - before < 20_000

        wait_until_closed(hub.pid("cache"))
        assert len(type_data(hub, "evict", "4lep")) == len(EVENTS)
        assert len(type_data(hub, "warm", "4lep")["warmed"]) == len(EVENTS)
        wait_until_closed(hub.pid("cache"))
        verdict = type_data(hub, "verify")
        assert verdict["cached"] == {"compared": len(EVENTS), "damaged": [], "partial": 0}
        original = {name: (xrootd_origin.files / PLACE / f"{name}.4lep.root").read_bytes() for name in EVENTS}
        assert {name: (folder / PLACE / f"{name}.4lep.root").read_bytes() for name in EVENTS} == original


def test_an_institutions_own_authority_is_trusted_once_it_is_named(
    xrootd_origin: XRootDOrigin, program: Path, tmp_path: Path
) -> None:
    with S3Server(program, tmp_path / "buckets", "127.0.0.1", tmp_path / "keys") as server, installation() as hub:
        server.open().call_s3("create_bucket", Bucket=BUCKET)
        server.open().call_s3("put_bucket_policy", Bucket=BUCKET, Policy=json.dumps(PUBLIC))
        manifest = hub.values.with_name("manifest.json")
        subprocess.run([hub.program, "data", "manifest", xrootd_origin.url(), "-o", manifest], check=True, timeout=120)
        hub.change(data={"origin": {"url": xrootd_origin.url(), "manifest": str(manifest)}})
        copy = ("fetch", "4lep", "--to", f"s3://{BUCKET}/atlas")
        refused = run_data(hub, *copy, **server.environment)
        assert refused.returncode == 1
        assert "the storage shows a certificate that is not trusted here" in refused.stderr
        assert "at data.caBundle" in refused.stderr

        hub.change(data={"caBundle": str(server.authority)})
        assert len(type_data(hub, *copy, **server.environment)["there"]) == len(EVENTS)

        # The same bucket by its web address is the cache's origin; without the authority it is none.
        hub.change(data={"origin": {"url": f"{server.url}/{BUCKET}/atlas", "manifest": str(manifest)}})
        assert not [note for note in hub.up()["notes"] if "simulated" in note]
        assert read(hub, "ada") == str([events for events, _ in EVENTS.values()])
        assert list((hub.folder / "data" / "cache" / BUCKET).rglob("*.root"))
        settings = hub.settings
        del settings["data"]["caBundle"]
        hub.values.write_text(json.dumps(settings))
        shown = f"{server.url}/{BUCKET}/atlas shows a certificate that is not trusted here (see data.caBundle)"
        assert any(shown in note for note in hub.up()["notes"])
