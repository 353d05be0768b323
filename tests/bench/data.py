"""Reading and fetching over a slow link: cache, mirror and stream against a file on this disk; six readers at once.

A real XRootD origin stands behind a relay on loopback that lets 20 Mbit/s through and takes 100 ms there and back. The
files are replicas in the schema of the released 4lep collection. Every reader is a process of its own that runs the
whole selection of `higgs-4l`, and thus reads the branches that it needs and no others. Bytes are those that the relay
let through towards us, protocol included.

    tests/bench/run data [--events N] [--rounds N] [--rate MBIT] [--delay MS]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import yaml

from bench.replicas import write_four_leptons
from bench.table import print_machine, print_table
from lumihub.data.access import DataAccess
from lumihub.data.cache import find_cache_obstacle
from lumihub.data.listing import build_manifest
from lumihub.data.manifest import write_manifest
from lumihub.progress import Silent
from opendata import FILES, PLACE, find_opendata
from servers.link import Link
from servers.xrootd import XRootDCache, XRootDOrigin

if TYPE_CHECKING:
    from collections.abc import Callable

READERS = 6
# What a fetch brings; reading is measured with the first of them alone.
SAMPLES = ("data_A", "data_B", "data_C", "data_D")


# In an environment of its own: it is no part of the project, whose licence does not go with its.
CLIENT = ("cernopendata-client==1.0.2", "xrootd==6.2.1")
DOWNLOAD = """
import os, sys
from cernopendata_client import downloader
downloader.SERVER_ROOT_URI = ""
engine, folder, *urls = sys.argv[1:]
os.chdir(folder)
for url in urls:
    protocol = "xrootd" if engine == "xrootd" else "http"
    downloader.download_single_file(path="files", file_location=url, protocol=protocol, download_engine=engine)
    assert os.path.getsize("files/" + url.rpartition("/")[2]) > 1_000_000
"""


@dataclass
class Reading:
    """What readers of one way needed, each round a number.

    Attributes:
        seconds: from opening the file to the result; of the slowest reader.
        link: bytes that came over the link.
        asked: bytes that one reader asked its file for.
    """

    seconds: list[float] = field(default_factory=list)
    link: list[int] = field(default_factory=list)
    asked: int = 0


def main() -> None:
    """Make files, start the origin, measure, print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--events", type=int, default=100_000, help="events in each file")
    options.add_argument("--rounds", type=int, default=3, help="how often each is measured; the best counts")
    options.add_argument("--rate", type=float, default=20, help="Mbit/s of the link")
    options.add_argument("--delay", type=float, default=100, help="milliseconds there and back")
    options.add_argument("--read", action="store_true", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.read:
        read()
        return
    source, obstacle = find_opendata(), find_cache_obstacle("root://127.0.0.1")
    if source is None or obstacle:
        sys.stdout.write(f"data is left out: {obstacle or 'its files are made from real ones, set LUMIHUB_OPENDATA'}\n")
        return
    print_machine()
    with tempfile.TemporaryDirectory(prefix="lumihub-bench-") as name:
        folder = Path(name)
        files = folder / "origin"
        size = make_files(source, files / PLACE, given.events)
        write_manifest(build_manifest(str(files), Silent()), folder / "manifest.json")
        with XRootDOrigin(files, web=True) as origin, slow(origin, given) as link:
            place = f"{size / 1e6:.0f} MB file, {given.rate:g} Mbit/s, {given.delay:g} ms there and back"
            url, manifest = origin.url(link.port), folder / "manifest.json"
            measure_modes(link, url, manifest, files, given.rounds, place)
            measure_readers(link, url, manifest, given.rounds, place)
            measure_fetch(link, url, manifest, folder, given.rounds, given.rate)
    print_machine()


def slow(origin: XRootDOrigin, given: argparse.Namespace) -> Link:
    """The link: half of the delay in each direction."""
    return Link(origin.port, rate=given.rate * 1e6 / 8, delay=given.delay / 2000)


def make_files(source: Path, folder: Path, events: int) -> int:
    """Write the replicas; returns the bytes of one."""
    folder.mkdir(parents=True)
    paths = [folder / f"{sample}.4lep.root" for sample in SAMPLES]
    write_four_leptons(paths[0], [source / each for each in FILES], events, every=True)
    for path in paths[1:]:
        shutil.copyfile(paths[0], path)
    return paths[0].stat().st_size


def read() -> None:
    """One reader, in this process: warm up on the simulated sample, wait for the word, read, tell."""
    from lumihub import data
    from lumihub.analysis.running import run
    from lumihub.data.catalogue import load_catalogue

    simulated = DataAccess()
    run("higgs-4l", [simulated.locate(load_catalogue("simulated").in_collection("4lep")["data_A"])])
    [url] = data.files("4lep", "data_A")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    began = time.perf_counter()
    result = run("higgs-4l", [url])
    told = {"seconds": time.perf_counter() - began, "asked": result.bytes_read, "events": result.events}
    sys.stdout.write(json.dumps(told) + "\n")


def measure(access: DataAccess, link: Link, into: Reading, readers: int = 1) -> None:
    """Let readers begin at the same moment, and note what they needed."""
    command = [sys.executable, __file__, "--read"]
    with ExitStack() as stack:
        started = [
            stack.enter_context(
                subprocess.Popen(
                    command,
                    env=os.environ | access.environment(),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for _ in range(readers)
        ]
        for each in started:
            if each.stdout.readline() != "ready\n":
                raise RuntimeError("a reader did not start; its words are above")
        before = link.down
        for each in started:
            each.stdin.write("go\n")
            each.stdin.flush()
        told = [json.loads(each.stdout.readline()) for each in started]
    into.seconds.append(max(each["seconds"] for each in told))
    into.link.append(link.down - before)
    into.asked = told[0]["asked"]


def measure_modes(link: Link, url: str, manifest: Path, files: Path, rounds: int, place: str) -> None:
    """One reader in every mode, in turn; the cache is a new one in every round."""
    plain = DataAccess(release="2020", mode="stream", origin=str(files), manifest=manifest)
    mirror = DataAccess(release="2020", mode="mirror", origin=url, mirror=files, manifest=manifest)
    stream = DataAccess(release="2020", mode="stream", origin=url, manifest=manifest)
    names = ("local file", "mirror", "cache, cold", "cache, warm", "stream")
    found = {name: Reading() for name in names}
    memory = 0.0
    for _ in range(rounds):
        measure(plain, link, found["local file"])
        measure(mirror, link, found["mirror"])
        with XRootDCache(url) as cache:
            cached = stream.model_copy(update={"mode": "cache", "cache": cache.url})
            measure(cached, link, found["cache, cold"])
            measure(cached, link, found["cache, warm"])
            memory = max(memory, find_peak())
        measure(stream, link, found["stream"])
    local = min(found["local file"].seconds)
    asked = found["local file"].asked
    print_table(
        f"one reader, higgs-4l, {place}; {asked / 1e6:.1f} MB needed; best of {rounds}",
        ("mode", "seconds", "to local", "MB over the link", "to needed"),
        [
            (
                name,
                min(each.seconds),
                f"x {min(each.seconds) / local:.2f}",
                min(each.link) / 1e6,
                f"x {min(each.link) / asked:.2f}",
            )
            for name, each in found.items()
        ],
    )
    sys.stdout.write(f"the cache's process took {memory:.0f} MiB at most\n")


def measure_readers(link: Link, url: str, manifest: Path, rounds: int, place: str) -> None:
    """Several readers at once through a new cache, and the same without one."""
    stream = DataAccess(release="2020", mode="stream", origin=url, manifest=manifest)
    one, together, streaming = Reading(), Reading(), Reading()
    for _ in range(rounds):
        for readers, into in ((1, one), (READERS, together)):
            with XRootDCache(url) as cache:
                cached = stream.model_copy(update={"mode": "cache", "cache": cache.url})
                measure(cached, link, into, readers)
    measure(stream, link, streaming, READERS)
    rows = ((1, "cold cache", one), (READERS, "cold cache", together), (READERS, "stream, no cache", streaming))
    print_table(
        f"readers at once, {place}; best of {rounds} (stream: once)",
        ("readers", "through", "slowest s", "to one", "MB over the link", "to what one needs"),
        [
            (
                count,
                name,
                min(each.seconds),
                f"x {min(each.seconds) / min(one.seconds):.2f}",
                min(each.link) / 1e6,
                f"x {min(each.link) / one.asked:.2f}",
            )
            for count, name, each in rows
        ],
    )


def measure_fetch(link: Link, url: str, manifest: Path, folder: Path, rounds: int, rate: float) -> None:
    """`data fetch` as it is typed, against `xrdcp` and CERN's own client, of one file and of all; in turn."""
    ways = find_ways(url, folder)
    rows = []
    for samples in (SAMPLES[:1], SAMPLES):
        size = sum((folder / "origin" / PLACE / f"{sample}.4lep.root").stat().st_size for sample in samples)
        found = {name: Reading() for name in ways}
        for _ in range(rounds):
            for name, (way, source) in ways.items():
                with tempfile.TemporaryDirectory(dir=folder) as target:
                    before, began = link.down, time.perf_counter()
                    way(source, samples, Path(target), manifest)
                    found[name].seconds.append(time.perf_counter() - began)
                    found[name].link.append(link.down - before)
        ours = size / min(found["data fetch"].seconds)
        for name, each in found.items():
            got = size / min(each.seconds)
            rows.append(
                (
                    len(samples),
                    name,
                    min(each.seconds),
                    got * 8 / 1e6,
                    f"x {got * 8 / 1e6 / rate:.2f}",
                    f"x {ours / got:.2f}",
                    f"x {min(each.link) / size:.2f}",
                )
            )
    print_table(
        f"fetching, {rate:g} Mbit/s; the program's own start included; best of {rounds}",
        ("files", "way", "seconds", "Mbit/s", "of the link", "fetch is", "link's bytes to files'"),
        rows,
    )


def find_ways(url: str, folder: Path) -> dict[str, tuple[Callable[..., None], str]]:
    """What fetches, by its name, with the URL that it fetches from."""
    web = url.replace("root://", "http://").replace("//eos", "/eos")
    ways: dict[str, tuple[Callable[..., None], str]] = {"data fetch": (fetch, url), "data fetch, http": (fetch, web)}
    if shutil.which("xrdcp"):
        ways |= {"xrdcp": (copy, url), "xrdcp --parallel 4": (copy_parallel, url)}
    python = folder / "client" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", folder / "client"], check=True)
    done = subprocess.run(
        [python, "-m", "pip", "install", "--quiet", *CLIENT], text=True, capture_output=True, check=False
    )
    if done.returncode:
        sys.stdout.write(f"cernopendata-client is left out: {done.stderr.strip().splitlines()[-1]}\n")
        return ways
    return ways | {
        "cernopendata-client, http": (partial(download, python, "requests"), web),
        "cernopendata-client, xrootd": (partial(download, python, "xrootd"), url),
    }


def download(python: Path, engine: str, url: str, samples: tuple[str, ...], target: Path, _: Path) -> None:
    """What `cernopendata-client download-files` does for each file, once CERN's portal has told it their URLs."""
    (target / "files").mkdir()
    urls = [f"{url}/{PLACE}/{sample}.4lep.root" for sample in samples]
    quiet([str(python), "-c", DOWNLOAD, engine, str(target), *urls])


def fetch(url: str, samples: tuple[str, ...], target: Path, manifest: Path) -> None:
    """`data fetch`, with a values file of its own."""
    settings = {
        "data": {"mode": "mirror", "origin": {"url": url, "manifest": str(manifest)}},
        "local": {"folder": str(target / "state")},
    }
    values = target / "values.yaml"
    values.write_text(yaml.safe_dump(settings))
    program = Path(sys.prefix) / "bin" / "lumihub"
    named = [word for sample in samples for word in ("--sample", sample)]
    quiet([str(program), "data", "fetch", "4lep", *named, "--yes", "--values", str(values)])


def copy(url: str, samples: tuple[str, ...], target: Path, _: Path, *options: str) -> None:
    """Plain `xrdcp` of the same files."""
    sources = [f"{url}/{PLACE}/{sample}.4lep.root" for sample in samples]
    quiet(["xrdcp", "--nopbar", *options, *sources, str(target)])


def copy_parallel(url: str, samples: tuple[str, ...], target: Path, manifest: Path) -> None:
    """`xrdcp` of four files at once, as `data fetch` brings them."""
    copy(url, samples, target, manifest, "--parallel", "4")


def quiet(command: list[str]) -> None:
    """Run a program; its words are shown only when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")


def find_peak() -> float:
    """MiB that the running cache has had in memory at most."""
    for child in psutil.Process().children():
        if any("cache.cfg" in word for word in child.cmdline()):
            lines = Path(f"/proc/{child.pid}/status").read_text().splitlines()
            return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
    return 0.0


if __name__ == "__main__":
    main()
