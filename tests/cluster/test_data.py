"""The data verbs in a cluster: warm, fetch into a volume and into S3, verify, evict; what breaks meanwhile."""

from __future__ import annotations

import ast
import contextlib
import json
import signal
import subprocess
import time
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from cluster.installation import NAMESPACE, ClusterInstallation, working_student
from cluster.machine.layout import VOLUMES
from cluster.machine.programs import S3, ensure_programs
from cluster.waiting import until
from collection import COLLECTION, FILES, LARGEST
from lumihub.data.catalogue import load_catalogue
from lumihub.data.sharing import find_home
from lumihub.errors import LumiHubError
from servers.link import Link
from servers.s3 import REGION, S3Server
from servers.xrootd import RECORD_PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers.xrootd import XRootDOrigin


pytestmark = [pytest.mark.timeout(900), pytest.mark.xrootd]

DATA = f"{NAMESPACE}-data"
STREAMS = 4
# What a restarted part may bring once more: the files that were on their way.
AGAIN = STREAMS * LARGEST
# Bytes of the protocol beside those of the files, and of asking for folders.
BESIDE = 3_000_000
# Those of asking for a few files alone.
ASKING = 300_000
KILL = """
import os, signal
for pid in filter(str.isdigit, os.listdir("/proc")):
    words = open(f"/proc/{pid}/cmdline").read()
    if int(pid) not in (1, os.getpid()) and "SIGKILL" not in words:
        os.kill(int(pid), signal.SIGKILL)
"""
# As in ATLAS's notebooks: what would install, the web's URLs, a copy of each file.
NOTEBOOK = f"""
import zlib
import fsspec
from atlasopenmagic import install_from_environment
install_from_environment()
import atlasopenmagic as atom
atom.set_release("2020e-13tev")
samples = atom.build_dataset({{"Data": {{"dids": ["data"]}}}}, skim="{COLLECTION}", protocol="https", cache=True)
names = [url.rpartition("/")[2] for url in samples["Data"]["list"]]
sums = [zlib.adler32(fsspec.open(url).open().read()) for url in samples["Data"]["list"]]
print(dict(zip(names, sums)))
"""
# What any notebook of ours does.
PERIODS = ("data_A", "data_B", "data_C", "data_D")
READ_PERIODS = ", ".join(map(repr, PERIODS))
READ = f"""
import zlib
import fsspec
from lumihub import data
urls = data.files("{COLLECTION}", {READ_PERIODS})
print({{url.rpartition("/")[2]: zlib.adler32(fsspec.open(url).open().read()) for url in urls}})
"""


@dataclass
class School:
    """An installation whose origin can be slowed, cut, changed and stopped.

    Attributes:
        one: the installation.
        origin: a real XRootD server.
        link: the way from the cluster to it.
    """

    one: ClusterInstallation
    origin: XRootDOrigin
    link: Link

    @property
    def size(self) -> int:
        """Bytes of the collection."""
        return sum(path.stat().st_size for path in self.paths().values())

    def paths(self) -> dict[str, Path]:
        """The origin's files by name."""
        return find_collection(self.origin.files)

    def sums(self) -> dict[str, int]:
        """adler32 of the origin's files by name."""
        return {name: zlib.adler32(path.read_bytes()) for name, path in self.paths().items()}

    def command(self, *words: str) -> list[str]:
        """`data VERB` with the values file."""
        program = self.one.command("status")[0]
        return [program, "data", *words, "--values", str(self.one.values)]

    def type(self, *words: str, code: int = 0, timeout: float = 400) -> subprocess.CompletedProcess[str]:
        """Type a data verb to its end."""
        done = subprocess.run(
            self.command(*words),
            capture_output=True,
            text=True,
            timeout=timeout,
            env=self.one.environment,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert done.returncode == code, f"data {' '.join(words)}:\n{done.stdout}\n{done.stderr}"
        return done

    def ask(self, *words: str) -> Any:
        """What a data verb answers as JSON."""
        return json.loads(self.type(*words, "--json").stdout)

    def usage(self) -> dict[str, Any]:
        """`data usage` of the collection."""
        [row] = [row for row in self.ask("usage")["collections"] if row["collection"] == COLLECTION]
        found: dict[str, Any] = row
        return found

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Begin a data verb."""
        return subprocess.Popen(
            self.command(*words),
            env=self.one.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def kubectl(self, *words: str, check: bool = True) -> str:
        """kubectl in the namespace of data work."""
        return self.one.cluster.kubectl("--namespace", DATA, *words, check=check)

    def kubectl_fails(self, *words: str) -> str:
        """What kubectl in the namespace of data work says when it fails."""
        with pytest.raises(LumiHubError) as caught:
            self.kubectl(*words)
        return str(caught.value)

    def pods(self) -> list[str]:
        """Names of the pods of data work."""
        return self.kubectl("get", "pods", "--output=name").split()

    def cached(self) -> dict[str, Path]:
        """The cache's own files on the node's disk, by name."""
        return {name: path for files in self.shares() for name, path in files.items()}

    def shares(self) -> list[dict[str, Path]]:
        """The same for each of several caches."""
        return [find_collection(volume) for volume in sorted(VOLUMES.glob(f"*_{NAMESPACE}_data-cache-*"))]

    def wait_for_bytes(self, amount: int) -> None:
        """Wait until so much more has come over the link."""
        until(lambda wanted=self.link.down + amount: self.link.down >= wanted, 180)

    @contextlib.contextmanager
    def slow(self, rate: float) -> Iterator[None]:
        """The link with so many bytes a second."""
        self.link.rate = rate
        try:
            yield
        finally:
            self.link.rate = None


def find_collection(folder: Path) -> dict[str, Path]:
    """The collection's files somewhere below a folder, by name."""
    return {path.name: path for path in folder.rglob(f"*.{COLLECTION}.root")}


@pytest.fixture
def school(one: ClusterInstallation, origin: XRootDOrigin, link: Link) -> School:
    """The shared installation, its origin and the way there."""
    return School(one, origin, link)


@pytest.fixture
def empty(school: School) -> School:
    """The same with nothing in its cache and nothing at work."""
    school.type("stop")
    school.type("evict", "--all")
    assert not school.cached()
    return school


def test_a_warmed_collection_needs_no_link_and_leaves_no_dask_behind(empty: School) -> None:
    before = empty.link.down
    answer = empty.ask("warm", COLLECTION)
    assert len(answer["warmed"]) == FILES
    assert answer["bytes"] == empty.size
    came = empty.link.down - before
    assert empty.size <= came < empty.size + BESIDE
    assert {name: zlib.adler32(path.read_bytes()) for name, path in empty.cached().items()} == empty.sums()
    # Nothing of Dask waits for the next work.
    assert empty.pods() == []
    assert empty.kubectl("get", "daskclusters.kubernetes.dask.org", "--output=name") == ""

    again = empty.type("warm", COLLECTION)
    assert f"all {FILES} files are in the cache already" in again.stderr
    empty.origin.stop()
    try:
        assert empty.ask("verify", COLLECTION) == {"right": FILES, "damaged": [], "partial": 0, "repaired": []}
        # It was read whole twice, and came over the link once.
        until(lambda: empty.usage()["served"] >= 2 * empty.size, RECORD_PATIENCE)
        usage = empty.usage()
        assert (usage["files"], usage["bytes"]) == (FILES, empty.size)
        assert usage["saved"] >= empty.size

        # What is not there fails by name, and not after minutes of waiting.
        empty.type("evict", COLLECTION, "-s", "data_A")
        began = time.monotonic()
        failed = empty.type("warm", COLLECTION, "-s", "data_A", code=1)
        assert "data_A.3lep.root did not arrive" in failed.stderr
        assert time.monotonic() - began < 240
    finally:
        empty.origin.start()
    assert (
        empty.ask("warm", COLLECTION)["warmed"]
        == [path for path in [one.path for one in load_catalogue("2020").files] if path.endswith("data_A.3lep.root")][
            :1
        ]
    )


@pytest.mark.long
def test_a_flipped_byte_in_the_cache_is_found_and_mended(school: School) -> None:
    school.type("warm", COLLECTION)
    path = school.cached()["data_C.3lep.root"]
    with path.open("r+b") as file:
        file.seek(4321)
        [byte] = file.read(1)
        file.seek(4321)
        file.write(bytes([byte ^ 1]))
    found = school.type("verify", COLLECTION, code=1)
    assert "data_C.3lep.root: its checksum is wrong" in found.stderr
    verdict = school.ask("verify", COLLECTION, "--repair")
    assert [one.rpartition("/")[2] for one in verdict["repaired"]] == ["data_C.3lep.root"]
    assert zlib.adler32(school.cached()["data_C.3lep.root"].read_bytes()) == school.sums()["data_C.3lep.root"]


@pytest.mark.long
def test_warming_outlives_its_operator_a_worker_the_cache_and_the_tool(empty: School) -> None:
    before = empty.link.down
    with empty.slow(1_500_000):
        tool = empty.start("warm", COLLECTION)
        empty.wait_for_bytes(5_000_000)
        work = next(pod for pod in empty.pods() if "data-work" in pod)
        empty.kubectl("exec", work, "-c", "operator", "--", "python", "-c", KILL, check=False)
        empty.wait_for_bytes(4_000_000)
        worker = next(pod for pod in empty.pods() if "worker" in pod)
        empty.kubectl("delete", worker, "--grace-period=0", "--force")
        empty.wait_for_bytes(4_000_000)
        tool.send_signal(signal.SIGKILL)
        tool.communicate()
        empty.wait_for_bytes(2_000_000)  # nobody follows, and it goes on
        empty.link.cut()
        empty.wait_for_bytes(2_000_000)
        empty.one.cluster.kubectl("--namespace", NAMESPACE, "delete", "pod/cache-0", "--grace-period=0", "--force")
        until(lambda: "2/2" in empty.one.cluster.kubectl("--namespace", NAMESPACE, "get", "pod/cache-0"), 120)
        follower = empty.start("warm", COLLECTION)
        _, said = follower.communicate(timeout=400)
    if follower.returncode:  # files that waited for the cache longer than their patience are named; the rest is whole
        assert "type the same command again" in said
    empty.type("warm", COLLECTION)
    assert empty.ask("verify", COLLECTION)["right"] == FILES
    assert {name: zlib.adler32(path.read_bytes()) for name, path in empty.cached().items()} == empty.sums()
    # A cache that is killed forgets what it has not noted yet, at most what was on its way.
    assert empty.link.down - before < empty.size + 4 * AGAIN + BESIDE


def test_the_cache_is_filled_at_night_though_its_pod_is_lost(empty: School) -> None:
    one, before = empty.one, empty.link.down
    hub = one.get("deployment", "hub")["metadata"]["generation"]
    # Far enough away for `up`; a CronJob begins nothing of the time before it was made.
    begin = datetime.now(UTC) + timedelta(minutes=2)
    night = {"collections": [COLLECTION], "at": f"{begin:%H:%M}", "hours": 1, "timeZone": "Etc/UTC"}
    try:
        with one.changed(data={"nightly": night}):
            planned = {(change["action"], change["kind"], change["name"]) for change in one.plan()["changes"]}
            assert ("create", "CronJob", "data-nightly") in planned
            one.up("--yes", "--no-check")
            if datetime.now(UTC) >= begin.replace(second=0):  # a busy machine was too late for it
                empty.kubectl("create", "job", "late", "--from=cronjob/data-nightly")
            state = empty.ask("usage")["nightly"]
            assert (state["at"], state["time_zone"], state["files"], state["last"]) == (
                night["at"],
                "Etc/UTC",
                FILES,
                None,
            )
            with empty.slow(3_000_000):
                empty.wait_for_bytes(6_000_000)
                [pod] = empty.pods()
                assert empty.ask("usage")["nightly"]["running"]
                # The way past the cache is closed to it.
                reach = f"import socket; socket.create_connection(({one.cluster.host_address!r}, {empty.link.port}), 3)"
                tried = empty.kubectl_fails("exec", pod, "--", "python", "-c", reach)
                assert "timed out" in tried or "TimeoutError" in tried or "refused" in tried
                empty.kubectl("delete", pod, "--grace-period=0", "--force")
            until(lambda: empty.ask("usage")["nightly"]["last"], 180)
            last = empty.ask("usage")["nightly"]["last"]
            assert (last["files"], last["whole"], last["bytes"], last["faults"]) == (FILES, FILES, empty.size, [])
            assert {name: zlib.adler32(path.read_bytes()) for name, path in empty.cached().items()} == empty.sums()
            assert empty.link.down - before < empty.size + AGAIN + BESIDE
            assert f"{FILES} of {FILES} files" in one.status()["nightly"]
            assert one.get("deployment", "hub")["metadata"]["generation"] == hub

            # Typed work goes on beside what is left of a night, and a night that is under way can be ended.
            empty.type("evict", COLLECTION)
            with empty.slow(1_000_000):
                empty.kubectl("create", "job", "by-day", "--from=cronjob/data-nightly")
                empty.wait_for_bytes(1_000_000)
                assert "stopped the work" in empty.type("stop").stderr
                until(lambda: not empty.ask("usage")["nightly"]["running"], 60)
            assert len(empty.ask("warm", COLLECTION)["warmed"]) <= FILES
    finally:
        one.up("--yes", "--no-check")
    assert empty.ask("usage")["nightly"] is None
    assert one.status()["nightly"] == ""
    until(lambda: empty.pods() == [], 60)


@pytest.mark.long
def test_files_that_are_gone_or_have_changed_are_named_and_the_rest_arrives(empty: School) -> None:
    gone, changed = empty.paths()["data_A.3lep.root"], empty.paths()["data_B.3lep.root"]
    bytes_of = {path: path.read_bytes() for path in (gone, changed)}
    gone.unlink()
    changed.write_bytes(bytes_of[changed][::-1])
    try:
        failed = empty.type("warm", COLLECTION, code=1)
        assert "data_A.3lep.root did not arrive: the origin does not have" in failed.stderr
        assert "data_B.3lep.root came in with adler32" in failed.stderr
        assert f"2 of {FILES} files did not arrive" in failed.stderr
        # What is wrong is not left for students to read.
        assert set(empty.cached()) == set(empty.sums()) - {"data_B.3lep.root"} - {"data_A.3lep.root"}
    finally:
        for path, content in bytes_of.items():
            path.write_bytes(content)
            path.chmod(0o644)
    assert len(empty.ask("warm", COLLECTION)["warmed"]) == 2
    assert empty.ask("verify", COLLECTION)["right"] == FILES


@pytest.mark.long
def test_a_volume_gets_every_file_once_though_a_worker_dies(empty: School) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "mirror", "namespace": DATA},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    missing = empty.type("fetch", COLLECTION, "--to", "pvc:mirror/atlas", code=2)
    assert f"there is no volume mirror in the namespace {DATA}" in missing.stderr
    empty.one.cluster.apply(claim)
    before = empty.link.down
    with empty.slow(4_000_000):
        tool = empty.start("fetch", COLLECTION, "--to", "pvc:mirror/atlas")
        empty.wait_for_bytes(10_000_000)
        worker = next(pod for pod in empty.pods() if "worker" in pod)
        empty.kubectl("delete", worker, "--grace-period=0", "--force")
        _, said = tool.communicate(timeout=400)
    assert tool.returncode == 0, said
    [volume] = VOLUMES.glob(f"*_{DATA}_mirror")
    there = {path.name: zlib.adler32(path.read_bytes()) for path in (volume / "atlas").rglob("*.root")}
    assert there == empty.sums()
    assert empty.link.down - before < empty.size + AGAIN + BESIDE
    before = empty.link.down
    assert empty.ask("fetch", COLLECTION, "--to", "pvc:mirror/atlas")["bytes"] == 0
    assert empty.link.down - before < 100_000


@pytest.mark.long
def test_a_bucket_gets_every_file_once_though_the_tool_dies(empty: School, tmp_path: Path) -> None:
    program = ensure_programs((S3,)) / "versitygw"
    assert empty.one.cluster.host_address
    with S3Server(program, tmp_path / "buckets", empty.one.cluster.host_address) as server:
        storage = server.open()
        storage.call_s3("create_bucket", Bucket="lake")
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "s3", "namespace": DATA},
            "stringData": server.environment,
        }
        empty.one.cluster.apply(secret)
        before = empty.link.down
        with empty.slow(5_000_000):
            tool = empty.start("fetch", COLLECTION, "--to", "s3://lake/atlas")
            empty.wait_for_bytes(10_000_000)
            tool.send_signal(signal.SIGKILL)
            tool.communicate()
            other = empty.type("warm", COLLECTION, code=1)
            assert "other data work is under way in the cluster" in other.stderr
            answer = empty.ask("fetch", COLLECTION, "--to", "s3://lake/atlas")
        assert len(answer["there"]) == FILES
        found = storage.find("lake/atlas")
        there = {name.rpartition("/")[2]: zlib.adler32(storage.cat_file(name)) for name in found}
        assert there == empty.sums()
        assert empty.link.down - before < empty.size + BESIDE
        before = empty.link.down
        assert empty.ask("fetch", COLLECTION, "--to", "s3://lake/atlas")["bytes"] == 0
        assert empty.link.down - before < 100_000
        # An object that somebody changed has another size or sum, and comes anew; it alone.
        name = next(name for name in found if name.endswith("data_D.3lep.root"))
        storage.pipe_file(name, b"not what it was")
        assert empty.ask("fetch", COLLECTION, "--to", "s3://lake/atlas")["bytes"] == len(
            empty.paths()["data_D.3lep.root"].read_bytes()
        )
        empty.one.cluster.apply({**secret, "stringData": server.environment | {"AWS_SECRET_ACCESS_KEY": "wrong"}})
        refused = empty.type("fetch", COLLECTION, "-s", "data_A", "--to", "s3://lake/other", code=1)
        assert "data_A.3lep.root could not be stored" in refused.stderr
        assert "AWS_ENDPOINT_URL" in refused.stderr


@pytest.mark.long
def test_a_closed_bucket_under_an_own_authority_is_filled_and_is_the_caches_origin(
    empty: School, tmp_path: Path
) -> None:
    program, one = ensure_programs((S3,)) / "versitygw", empty.one
    address = one.cluster.host_address
    assert address
    with (
        S3Server(program, tmp_path / "buckets", address, tmp_path / "keys") as server,
        Link(server.port, target=address, address=address) as way,
    ):
        server.open().call_s3("create_bucket", Bucket="lake")
        keys = {**server.environment, "AWS_REGION": REGION}
        for namespace in (DATA, NAMESPACE):
            metadata = {"name": "s3", "namespace": namespace}
            one.cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": keys})
        chosen, target = (COLLECTION, "-s", "data_*"), ("--to", "s3://lake/atlas")
        refused = empty.type("fetch", *chosen, *target, code=1)
        assert "the storage shows a certificate that is not trusted here" in refused.stderr
        origin = {**one.settings["data"]["origin"], "url": f"https://{address}:{way.port}/lake/atlas"}
        try:
            with one.changed(data={"caBundle": str(server.authority)}):
                one.up("--yes", "--no-check")
                copied = empty.ask("fetch", *chosen, *target)["there"]
            sums = {path.rpartition("/")[2]: empty.sums()[path.rpartition("/")[2]] for path in copied}
            empty.origin.stop()
            with one.changed(data={"origin": origin, "caBundle": str(server.authority)}):
                notes = one.up("--yes", "--no-check")["notes"]
                assert not [note for note in notes if "does not answer" in note]
                assert sorted(empty.ask("warm", *chosen)["warmed"]) == sorted(copied)
                assert way.down > sum(empty.paths()[name].stat().st_size for name in sums)
                before = way.down
                with working_student(one, "laker") as kernel:
                    result = kernel.run(READ)
                assert ast.literal_eval(result.text) == sums, result.error
                assert empty.ask("verify", *chosen)["right"] == len(sums)
                assert way.down - before < ASKING
                # Under another origin they would lie there, and nobody would ask for them.
                assert len(empty.ask("evict", *chosen)) == len(sums)
        finally:
            empty.origin.start()
            for namespace in (DATA, NAMESPACE):
                one.cluster.kubectl("--namespace", namespace, "delete", "secret/s3")
            one.up("--yes", "--no-check")


@pytest.mark.long
def test_two_caches_share_the_files_and_each_byte_crosses_the_link_once(empty: School) -> None:
    one, before = empty.one, empty.link.down
    files = load_catalogue("2020").in_collection(COLLECTION)
    homes = {files[name].path.rpartition("/")[2]: find_home(files[name].path, 2) for name in PERIODS}
    assert set(homes.values()) == {0, 1}
    try:
        with one.changed(cache={"replicas": 2}):
            one.up("--yes", "--no-check")
            assert len(empty.ask("warm", COLLECTION)["warmed"]) == FILES
            assert empty.size <= empty.link.down - before < empty.size + BESIDE
            first, second = empty.shares()
            assert not set(first) & set(second)
            assert min(len(first), len(second)) > FILES // 4
            assert {name: zlib.adler32(path.read_bytes()) for name, path in empty.cached().items()} == empty.sums()
            served = empty.usage()["served"]
            empty.origin.stop()
            try:
                wanted = {name: empty.sums()[name] for name in homes}
                with working_student(one, "twin") as kernel:
                    assert ast.literal_eval(kernel.run(READ).text) == wanted
                    one.cluster.kubectl(
                        "--namespace", NAMESPACE, "delete", "pod/cache-1-0", "--grace-period=0", "--force"
                    )
                    # Files of the other are read on at once, those of the lost one as soon as it is back.
                    others = [name.partition(".")[0] for name, home in homes.items() if home == 0]
                    result = kernel.run(READ.replace(READ_PERIODS, ", ".join(map(repr, others))))
                    assert ast.literal_eval(result.text) == {n: s for n, s in wanted.items() if homes[n] == 0}
                    until(lambda: kernel.run(READ).text.strip() == str(wanted), 120)
                assert empty.ask("verify", COLLECTION) == {"right": FILES, "damaged": [], "partial": 0, "repaired": []}
                # What readers got of both is counted together.
                until(lambda: empty.usage()["served"] >= served + empty.size, RECORD_PATIENCE)
                assert (empty.usage()["files"], empty.usage()["bytes"]) == (FILES, empty.size)
            finally:
                empty.origin.start()
            parts = {part["name"]: part["state"] for part in one.status()["parts"]}
            assert (parts["cache"], parts["cache-1"]) == ("running", "running")
            assert "cache-1: " in one.lumihub("logs", "cache", "cache-1").stdout
            empty.type("pin", COLLECTION, "-s", "data_*")
            assert empty.usage()["pinned"] == len(PERIODS)
            assert empty.ask("unpin", COLLECTION, "-s", "data_*") == {"unpinned": len(PERIODS)}
            assert len(empty.ask("evict", COLLECTION)) == FILES
            assert empty.shares() == [{}, {}]
    finally:
        one.up("--yes", "--no-check")
        one.cluster.kubectl("--namespace", NAMESPACE, "delete", "pvc", "data-cache-1")


def test_a_notebook_that_uses_atlasopenmagic_reads_through_the_cache(empty: School) -> None:
    sums = {name: found for name, found in empty.sums().items() if name.startswith("data_")}
    size = sum(path.stat().st_size for name, path in empty.paths().items() if name in sums)
    came = [empty.link.down]
    for _ in range(2):
        with working_student(empty.one, "magic") as kernel:
            result = kernel.run(NOTEBOOK)
        assert result.error == "", result.traceback
        assert "Nothing is installed" in result.text
        assert f"Files are read from root://cache.{NAMESPACE}.svc" in result.text
        assert ast.literal_eval(result.text.splitlines()[-1]) == sums
        came.append(empty.link.down)
    assert size <= came[1] - came[0] < size + ASKING
    assert came[2] - came[1] < ASKING
    assert set(empty.cached()) == set(sums)


def test_the_work_has_no_rights_outside_of_its_namespace(school: School) -> None:
    account = f"system:serviceaccount:{DATA}:data-work"

    def may(verb: str, what: str, namespace: str) -> bool:
        words = ("auth", "can-i", verb, what, "--as", account, "--namespace", namespace)
        return school.one.cluster.kubectl(*words, check=False).strip() == "yes"

    assert may("create", "deployments.apps", DATA)
    assert may("create", "daskclusters.kubernetes.dask.org", DATA)
    for verb, what in (("get", "secrets"), ("create", "pods"), ("create", "deployments.apps"), ("list", "pods")):
        assert not may(verb, what, NAMESPACE), (verb, what)
    for verb, what in (("get", "secrets"), ("create", "pods/exec"), ("create", "pods"), ("create", "jobs.batch")):
        assert not may(verb, what, DATA), (verb, what)
