"""Runs an analysis over files: in this process, or in Dask's workers, with the same result."""

from __future__ import annotations

import time
import uuid
from functools import partial
from typing import TYPE_CHECKING

from lumihub.analysis.counting import Counts, Job, close_files, count_range, empty_counts, plan_file
from lumihub.analysis.registry import load_analysis
from lumihub.analysis.result import Result
from lumihub.analysis.samples import find_catalogue, find_luminosity, find_scale, parse_samples
from lumihub.compute.limits import memory_limit
from lumihub.data.access import DataAccess
from lumihub.errors import InputError, LumiHubError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from distributed import Client, Future

    from lumihub.analysis.definition import Analysis
    from lumihub.analysis.reading import EntryRange
    from lumihub.progress import Progress, Task

# The share of a process's memory that one range of events may take.
_SHARE_OF_MEMORY = 0.25
# Beyond this, a bigger range makes nothing faster.
_ENOUGH_MEMORY = 1 << 30

Plan = tuple[Job, list["EntryRange"], int]


def run(
    name: str,
    files: Sequence[str] | None = None,
    client: Client | None = None,
    progress: Progress | None = None,
    luminosity: float | None = None,
) -> Result:
    """Run an analysis.

    Args:
        name: of the analysis, as `higgs-4l`.
        files: paths or URLs with their published names; those of the data in use when None.
        client: Dask's, as from `lumihub.compute.client()`; this process does the work when None.
        progress: where to show it; a bar in a notebook, nothing elsewhere when None.
        luminosity: fb^-1 to scale simulated events to; that of the data files among `files` when None.

    Raises:
        InputError: no such analysis, a file or branch that is not there, a file of another collection.
        LumiHubError: a file is damaged or cannot be reached. Everything that was under way is cancelled.
    """
    from lumihub.notebook import find_progress

    began = time.perf_counter()
    analysis = load_analysis(name)
    paths = [str(path) for path in files] if files is not None else find_files(analysis)
    if not paths:
        raise InputError(f"{name} got no files", fix="give at least one, or none to take those of the data in use")
    if len(set(paths)) < len(paths):
        twice = next(path for path in paths if paths.count(path) > 1)
        raise InputError("the same file is given twice", where=twice, fix="give each file once")
    samples = parse_samples(paths, analysis.collection)
    catalogue = find_catalogue(samples)
    run_name = uuid.uuid4().hex
    jobs = [
        Job(analysis.name, sample, path, find_scale(sample, catalogue), run_name)
        for sample, path in zip(samples, paths, strict=True)
    ]
    shown = progress or find_progress()
    counted = _with_dask(jobs, client, shown) if client is not None else _in_this_process(jobs, shown)
    counts: dict[str, Counts] = {}
    for job, found in counted:
        sample = job.sample.name
        counts[sample] = counts.get(sample, empty_counts(analysis)) + found
    return Result(
        analysis.name,
        catalogue.label,
        luminosity if luminosity is not None else find_luminosity(samples, catalogue),
        {sample.name: sample for sample in samples},
        # In the order in which the files were given, whichever worker was first.
        {sample.name: counts[sample.name] for sample in samples},
        tuple(paths),
        time.perf_counter() - began,
        len(client.scheduler_info(n_workers=-1)["workers"]) if client is not None else 0,
    )


def find_files(analysis: Analysis) -> list[str]:
    """The files of the analysis's samples that the data in use hold.

    Raises:
        InputError: they hold none of the collection.
    """
    access = DataAccess.current()
    held = access.catalogue().in_collection(analysis.collection)
    return [access.locate(held[sample]) for sample in analysis.samples if sample in held]


def _in_this_process(jobs: Sequence[Job], progress: Progress) -> Iterator[tuple[Job, Counts]]:
    memory = _memory_of_a_range(memory_limit())
    analysis = load_analysis(jobs[0].analysis)
    try:
        with progress.task("looking at the files", len(jobs), "files") as task:
            plans = [(job, *_advanced(task, plan_file(job, memory))) for job in jobs]
        with progress.task("reading and selecting", _total(plans), "events") as task:
            for job, ranges, asked in plans:
                yield job, _only_bytes(analysis, asked)
                for entries in ranges:
                    yield job, count_range(job, entries)
                    task.advance(entries.events)
    finally:
        close_files()


def _with_dask(jobs: Sequence[Job], client: Client, progress: Progress) -> Iterator[tuple[Job, Counts]]:
    from distributed import as_completed

    analysis = load_analysis(jobs[0].analysis)
    memory = _memory_of_a_range(_worker_memory(client))
    futures: list[Future[Any]] = []
    try:
        with progress.task("looking at the files", len(jobs), "files") as task:
            futures = client.map(partial(_attempt, plan_file, memory=memory), jobs, pure=False)
            for _ in as_completed(futures, raise_errors=False):
                task.advance()
            plans = [(job, *_outcome(future)) for job, future in zip(jobs, futures, strict=True)]
        work = [(job, entries) for job, ranges, _ in plans for entries in ranges]
        for job, _, asked in plans:
            yield job, _only_bytes(analysis, asked)
        with progress.task("reading and selecting", _total(plans), "events") as task:
            attempt = partial(_attempt, count_range)
            futures = client.map(attempt, *zip(*work, strict=True), pure=False) if work else []
            origin = dict(zip((future.key for future in futures), work, strict=True))
            for future in as_completed(futures, raise_errors=False):
                job, entries = origin[future.key]
                yield job, _outcome(future)
                future.release()
                task.advance(entries.events)
    finally:
        # After an error or Ctrl-C: nobody wants the rest. Of what is done nothing is left to cancel.
        client.cancel([future for future in futures if not future.done()])


def _attempt(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """Give our own errors back as values: Dask would print each with its traceback into the student's notebook."""
    try:
        return function(*arguments, **keywords)
    except LumiHubError as error:
        return error


def _outcome(future: Future[Any]) -> Any:
    error = future.exception()
    if error is None:
        outcome = future.result()
        if isinstance(outcome, LumiHubError):
            raise outcome
        return outcome
    raise LumiHubError(
        f"a Dask worker failed: {type(error).__name__}: {error}",
        fix="run it once more; if it fails again, without Dask (`client=None`), which shows where",
    ) from error


def _advanced(task: Task, planned: tuple[list[EntryRange], int]) -> tuple[list[EntryRange], int]:
    task.advance()
    return planned


def _only_bytes(analysis: Analysis, asked: int) -> Counts:
    empty = empty_counts(analysis)
    return Counts(empty.cuts, empty.histograms, asked, 0.0)


def _total(plans: Sequence[Plan]) -> int:
    return sum(entries.events for _, ranges, _ in plans for entries in ranges)


def _memory_of_a_range(available: int) -> int:
    return min(int(available * _SHARE_OF_MEMORY), _ENOUGH_MEMORY)


def _worker_memory(client: Client) -> int:
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    limits = [worker["memory_limit"] for worker in workers if worker["memory_limit"]]
    return min(limits) if limits else memory_limit()
