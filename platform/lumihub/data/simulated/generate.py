"""Make the simulated sample anew: `python -m lumihub.data.simulated.generate --out FOLDER`."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
import zlib
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import awkward as ak
import numpy as np

from lumihub.data.manifest import SIMULATED_LABEL, Manifest, ManifestFile, Normalisation, write_manifest
from lumihub.data.simulated.processes import PROCESSES, Process
from lumihub.data.simulated.reconstruction import reconstruct
from lumihub.data.simulated.samples import LUMINOSITY_FB, Weighting, build_pseudo_data, build_simulated
from lumihub.data.simulated.truth import generate_truth, import_pythia
from lumihub.data.simulated.writer import import_root, write_tree
from lumihub.errors import LumiHubError

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_SEED = 20200819
_EVENTS_IN_JOB = 5_000
_PB_IN_FB = 1000.0

Target = Literal["simulated", "data"]


@dataclass(frozen=True, slots=True)
class Job:
    """A part of one process, small enough to spread over workers; the outcome depends on nothing but this."""

    process: int
    target: Target
    events: int
    seed: tuple[int, ...]


def main(arguments: list[str] | None = None) -> int:
    """The command line. Returns the exit code."""
    options = _parse(arguments)
    try:
        import_pythia()
        import_root()
        make_sample(options.out, options.seed, options.scale, options.workers, _say)
    except LumiHubError as error:
        _say(str(error))
        return int(error.exit_code)
    return 0


def make_sample(out: Path, seed: int, scale: float, workers: int, say: Callable[[str], None]) -> Manifest:
    """Simulate all processes, write the files of both collections and the manifest.

    Args:
        out: folder for the files.
        seed: the same seed and scale give the same bytes, whatever `workers` is.
        scale: luminosity and simulated events relative to the full sample.
        workers: processes to simulate with.
        say: gets lines of progress.
    """
    jobs = plan_jobs(seed, scale)
    found = _run(jobs, workers, say)
    files: list[ManifestFile] = []
    normalisation: dict[str, dict[str, Normalisation]] = {}
    for collection in ("4lep", "GamGam"):
        for path, columns in _pseudo_data(collection, jobs, found, seed):
            files.append(_write(out, path, columns, say))
        for path, columns, name, numbers in _simulated(collection, jobs, found, seed):
            files.append(_write(out, path, columns, say))
            normalisation.setdefault(collection, {})[name] = numbers
    manifest = Manifest(
        label=SIMULATED_LABEL,
        source=_describe_programs(seed, scale),
        luminosity_fb={period: value * scale for period, value in LUMINOSITY_FB.items()},
        normalisation=normalisation,
        files=tuple(files),
    )
    write_manifest(manifest, out / "manifest.json")
    return manifest


def plan_jobs(seed: int, scale: float) -> list[Job]:
    """What to simulate: a set number of each process for its sample, and a Poisson number of it for the pseudo-data."""
    luminosity = sum(LUMINOSITY_FB.values()) * scale
    jobs: list[Job] = []
    for index, process in enumerate(PROCESSES):
        expected = process.visible_cross_section * process.data_factor * luminosity * _PB_IN_FB
        wanted: dict[Target, int] = {
            "simulated": round(process.simulated * scale),
            "data": int(np.random.default_rng((seed, index)).poisson(expected)),
        }
        for number, (target, events) in enumerate(wanted.items()):
            for part, start in enumerate(range(0, events, _EVENTS_IN_JOB)):
                count = min(_EVENTS_IN_JOB, events - start)
                jobs.append(Job(index, target, count, (seed, index, number, part)))
    return jobs


def run_job(job: Job) -> ak.Array:
    """Simulate and reconstruct the events of one job."""
    process = PROCESSES[job.process]
    pythia_seed, detector_seed = np.random.SeedSequence(job.seed).generate_state(2)
    truth = generate_truth(process, job.events, int(pythia_seed) % 900_000_000 + 1)
    return reconstruct(process, truth, np.random.default_rng(detector_seed)) if len(truth) else truth


def _run(jobs: list[Job], workers: int, say: Callable[[str], None]) -> list[ak.Array]:
    total, done, started, said = sum(job.events for job in jobs), 0, time.monotonic(), 0.0
    results: dict[int, ak.Array] = {}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        futures = {pool.submit(run_job, job): number for number, job in enumerate(jobs)}
        for future in as_completed(futures):
            number = futures[future]
            results[number] = future.result()
            done += jobs[number].events
            seconds = time.monotonic() - started
            if seconds - said > 5 or len(results) == len(jobs):
                said = seconds
                say(f"{done:,} of {total:,} events, {done / seconds:,.0f} a second")
    return [results[number] for number in range(len(jobs))]


def _collect(
    jobs: list[Job], found: list[ak.Array], collection: str, target: Target, name: str = ""
) -> ak.Array | None:
    chosen = [
        events
        for job, events in zip(jobs, found, strict=True)
        if job.target == target and _matches(PROCESSES[job.process], collection, name) and len(events)
    ]
    return ak.concatenate(chosen) if chosen else None


def _matches(process: Process, collection: str, name: str) -> bool:
    return process.collection == collection and name in ("", process.name)


def _pseudo_data(
    collection: str, jobs: list[Job], found: list[ak.Array], seed: int
) -> list[tuple[str, dict[str, ak.Array]]]:
    """Collisions of all processes, mixed, each in a period drawn after the periods' luminosities."""
    events = _collect(jobs, found, collection, "data")
    if events is None:
        return []
    rng = np.random.default_rng((seed, len(jobs)))
    mixed = events[rng.permutation(len(events))]
    shares = np.array(list(LUMINOSITY_FB.values()))
    drawn = rng.choice(len(shares), size=len(mixed), p=shares / shares.sum())
    return [
        (f"{collection}/Data/simulated_{period}.{collection}.root", build_pseudo_data(mixed[drawn == number], period))
        for number, period in enumerate(LUMINOSITY_FB)
    ]


def _simulated(
    collection: str, jobs: list[Job], found: list[ak.Array], seed: int
) -> list[tuple[str, dict[str, ak.Array], str, Normalisation]]:
    outcome = []
    for name in dict.fromkeys(p.name for p in PROCESSES if p.collection == collection and p.simulated):
        parts = [p for p in PROCESSES if p.name == name]
        generated = sum(job.events for job in jobs if job.target == "simulated" and PROCESSES[job.process].name == name)
        events = _collect(jobs, found, collection, "simulated", name)
        if events is None:
            continue
        cross_section = sum(p.visible_cross_section for p in parts)
        weighting = Weighting(parts[0].dsid, cross_section, float(generated))
        columns = build_simulated(events, weighting, np.random.default_rng((seed, parts[0].dsid)))
        path = f"{collection}/MC/simulated_mc_{parts[0].dsid}.{name}.{collection}.root"
        numbers = Normalisation(cross_section_pb=cross_section, sum_of_weights=float(generated))
        outcome.append((path, columns, name, numbers))
    return outcome


def _write(out: Path, path: str, columns: dict[str, ak.Array], say: Callable[[str], None]) -> ManifestFile:
    target = out / path
    target.parent.mkdir(parents=True, exist_ok=True)
    write_tree(target, columns)
    content = target.read_bytes()
    entries = len(columns["eventNumber"])
    say(f"wrote {path}: {entries:,} events, {len(content):,} bytes")
    return ManifestFile(path=path, size=len(content), adler32=f"{zlib.adler32(content):08x}", entries=entries)


def _describe_programs(seed: int, scale: float) -> str:
    root = import_root().gROOT.GetVersion()
    pythia = version("pythia8mc")
    return f"lumihub.data.simulated.generate --seed {seed} --scale {scale:g}, Pythia {pythia}, ROOT {root}"


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m lumihub.data.simulated.generate",
        description="Make the simulated sample anew with Pythia 8 and a parametrised detector, and write it with ROOT. "
        "The full sample takes about ten minutes on two quiet cores.",
        epilog="Both programs come with `uv sync --frozen --all-extras --group simulation`; using the sample needs "
        "neither.",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the files and manifest.json")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="same seed, same bytes (default: %(default)s)")
    parser.add_argument("--scale", type=float, default=1.0, help="size relative to the full sample, 0.01 for a try")
    parser.add_argument("--workers", type=int, default=1, help="processes to simulate with (default: %(default)s)")
    options = parser.parse_args(arguments)
    if not 0 < options.scale <= 1:
        parser.error("--scale: should be above 0 and at most 1")
    if options.workers < 1:
        parser.error("--workers: should be at least 1")
    return options


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
