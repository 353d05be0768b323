"""The cuts of higgs-4l on the same files, run by others: coffea's runner, and Dask as one uses it by hand.

A program of its own, which the benchmark of workers starts in a student's server. It prints as JSON the seconds of the
best round, and how many events there were and passed each cut.

    python others.py WAY WORKERS ROUNDS URL...
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import awkward as ak
import uproot

from lumihub.analysis.counting import count_events
from lumihub.analysis.registry import load_analysis

if TYPE_CHECKING:
    from collections.abc import Callable

ANALYSIS = load_analysis("higgs-4l")
# As many as the platform's own parts of these files have, or a few more.
CHUNK = 150_000


def select(events: ak.Array) -> list[int]:
    """How many events pass each cut."""
    return [int(count) for count in count_events(ANALYSIS, events, None).cuts[:, 0]]


def read_and_select(url: str, start: int, stop: int) -> list[int]:
    """The same of a range of a file, for Dask's workers."""
    with uproot.open(url) as file:
        return select(file["mini"].arrays(list(ANALYSIS.branches), entry_start=start, entry_stop=stop))


def split(url: str) -> list[tuple[str, int, int]]:
    """The ranges of a file."""
    with uproot.open(url) as file:
        entries = file["mini"].num_entries
    return [(url, start, min(start + CHUNK, entries)) for start in range(0, entries, CHUNK)]


def run_dask(client: Any, urls: list[str]) -> list[int]:
    """As one writes it by hand: look at the files, read and select, sum up."""
    ranges = [each for found in client.gather(client.map(split, urls, pure=False)) for each in found]
    counts = client.gather(client.map(read_and_select, *zip(*ranges, strict=True), pure=False))
    return [sum(column) for column in zip(*counts, strict=True)]


def run_coffea(executor: Any, urls: list[str]) -> list[int]:
    """With coffea's runner, whose events are read branch by branch when they are asked for."""
    from coffea.nanoevents import BaseSchema
    from coffea.processor import ProcessorABC, Runner

    class Selection(ProcessorABC):  # type: ignore[misc, unused-ignore]
        def process(self, events: Any) -> dict[str, int]:
            read = ak.materialize(ak.zip({name: events[name] for name in ANALYSIS.branches}, depth_limit=1))
            return {str(place): count for place, count in enumerate(select(read))}

        def postprocess(self, accumulator: Any) -> None:
            """Nothing is left to do."""

    runner = Runner(executor=executor, schema=BaseSchema, chunksize=CHUNK)
    found = runner({"higgs-4l": urls}, treename="mini", processor_instance=Selection())
    return list(found.values())


def prepare(way: str, workers: int) -> Callable[[list[str]], list[int]]:
    """What runs the selection that way; workers start now."""
    if "Dask" in way:
        from distributed import Client, LocalCluster

        client = Client(LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None))
        if way == "Dask":
            return partial(run_dask, client)
    from coffea.processor import DaskExecutor, FuturesExecutor, IterativeExecutor

    if way == "coffea, Dask":
        return partial(run_coffea, DaskExecutor(client=client, status=False))
    if way == "coffea, one process":
        return partial(run_coffea, IterativeExecutor(status=False))
    # A forked process hangs in XRootD's threads.
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
    return partial(run_coffea, FuturesExecutor(pool=pool, workers=workers, status=False))


def main() -> None:
    """Measure, after one round that does not count."""
    way, workers, rounds, *urls = sys.argv[1:]
    run = prepare(way, int(workers))
    run(urls)
    seconds = []
    for _ in range(int(rounds)):
        began = time.perf_counter()
        counts = run(urls)
        seconds.append(time.perf_counter() - began)
    print("TOLD", json.dumps({"seconds": min(seconds), "counts": counts}))


if __name__ == "__main__":
    main()
