"""Events per second of the selections against the ceiling and against a plain loop; one worker to two; peak memory.

The ceiling is a bare uproot `arrays` of the same branches in the same ranges, measured twice: with the faster
decompressor that LumiHub uses, and as uproot comes (zlib). All run in turn, each in a fresh process of one core, and
the best of the rounds counts, so that a busy machine spoils all alike. Seconds are those of the processor, of a second
run, when everything is imported.

    tests/bench/run analysis [--events N] [--rounds N]
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.replicas import write_four_leptons, write_two_photons
from bench.table import print_machine, print_table
from opendata import FILES, find_opendata

FOUR_LEPTONS = "mc_345060.ggH125_ZZ4lep.4lep.root"
TWO_PHOTONS = "mc_343981.ggH125_gamgam.GamGam.root"
WAYS = ("ours", "ceiling", "ceiling with zlib", "plain loop")
# A plain loop is so slow that a part of the file tells its rate.
LOOP_EVENTS = 20_000


def measure(way: str, analysis: str, path: str) -> dict[str, float]:
    """Seconds, events and peak memory of one way, in this process."""
    import uproot

    from lumihub.analysis.counting import Job, plan_file
    from lumihub.analysis.reading import use_decompressor
    from lumihub.analysis.registry import load_analysis
    from lumihub.analysis.running import run
    from lumihub.analysis.samples import parse_sample

    names = [*load_analysis(analysis).branches, *load_analysis(analysis).weight_branches]
    if way == "ours":
        run(analysis, [path])
        began = time.process_time()
        events = run(analysis, [path]).events
        return told(began, events)
    if way == "ceiling with zlib":
        use_decompressor("zlib")
    ranges, _ = plan_file(Job(analysis, parse_sample(path), path, 1.0, "bench"), 1 << 30)
    tree = uproot.open(path, array_cache=None)["mini"]
    if way == "plain loop":
        began = time.process_time()
        events = tree.arrays(names, entry_stop=LOOP_EVENTS).to_list()
        loop = loop_over_leptons if analysis == "higgs-4l" else loop_over_photons
        loop(events)
        return told(began, len(events))
    for _ in ("warm", "measured"):
        began = time.process_time()
        for entries in ranges:
            tree.arrays(names, entry_start=entries.start, entry_stop=entries.stop)
    return told(began, ranges[-1].stop)


def told(began: float, events: int) -> dict[str, float]:
    """What a measurement hands to the process that prints."""
    seconds = time.process_time() - began
    # Not ru_maxrss: that begins with the memory of the process that started this one.
    lines = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    return {"seconds": seconds, "events": events, "peak": peak}


def loop_over_leptons(events: list[dict[str, Any]]) -> int:
    """The cuts on charge, flavour, trigger and leptons, one event after the other."""
    kept = 0
    for event in events:
        if sum(event["lep_charge"][:4]) != 0 or sum(event["lep_type"][:4]) not in (44, 48, 52):
            continue
        if not (event["trigE"] or event["trigM"]):
            continue
        good = []
        for place, pt in enumerate(event["lep_pt"]):
            eta, electron = abs(event["lep_eta"][place]), event["lep_type"][place] == 11
            away = abs(event["lep_trackd0pvunbiased"][place]) / event["lep_tracksigd0pvunbiased"][place]
            if (
                max(event["lep_ptcone30"][place], event["lep_etcone20"][place]) < 0.3 * pt
                and abs(event["lep_z0"][place]) < 0.5 * math.cosh(eta)
                and eta < (2.47 if electron else 2.5)
                and away < (5 if electron else 3)
            ):
                good.append(place)
        if len(good) != 4 or [
            event["lep_pt"][place] > 1e3 * limit for place, limit in zip(good, (25, 15, 10), strict=False)
        ].count(False):
            continue
        px = sum(event["lep_pt"][place] * math.cos(event["lep_phi"][place]) for place in good)
        py = sum(event["lep_pt"][place] * math.sin(event["lep_phi"][place]) for place in good)
        pz = sum(event["lep_pt"][place] * math.sinh(event["lep_eta"][place]) for place in good)
        energy = sum(event["lep_E"][place] for place in good)
        kept += energy**2 > px**2 + py**2 + pz**2
    return kept


def loop_over_photons(events: list[dict[str, Any]]) -> int:
    """All cuts on two photons, one event after the other."""
    kept = 0
    for event in events:
        pt, eta, phi = event["photon_pt"], event["photon_eta"], event["photon_phi"]
        good = [
            place
            for place in range(len(pt))
            if event["photon_isTightID"][place]
            and pt[place] > 25e3
            and abs(eta[place]) < 2.37
            and not 1.37 <= abs(eta[place]) <= 1.52
        ]
        if not event["trigP"] or len(good) != 2:
            continue
        one, two = good
        if any(max(event["photon_ptcone30"][n], event["photon_etcone20"][n]) >= 0.065 * pt[n] for n in good):
            continue
        mass = math.sqrt(2 * pt[one] * pt[two] * (math.cosh(eta[one] - eta[two]) - math.cos(phi[one] - phi[two])))
        kept += pt[one] > 0.35 * mass and pt[two] > 0.25 * mass and 105e3 < mass < 160e3
    return kept


def scaling(analysis: str, paths: list[str], rounds: int) -> list[tuple[str, float, float]]:
    """Events per second in one and in two Dask workers, by the clock."""
    from lumihub import compute
    from lumihub.analysis.running import run

    rows: list[tuple[str, float, float]] = []
    for workers in (1, 2):
        began = time.perf_counter()
        client = compute.client(workers)
        started = time.perf_counter() - began
        run(analysis, paths[:1], client=client)
        best = max(
            found.events / found.seconds for found in (run(analysis, paths, client=client) for _ in range(rounds))
        )
        rows.append((f"{workers} worker{'s' * (workers > 1)}", started, best))
        compute.close()
    return rows


def main() -> None:
    """Make the files, measure, print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--events", type=int, default=1_000_000, help="events in each file")
    options.add_argument("--rounds", type=int, default=3, help="how often each is measured; the best counts")
    options.add_argument("--measure", nargs=3, metavar=("WAY", "ANALYSIS", "FILE"), help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.measure:
        sys.stdout.write(json.dumps(measure(*given.measure)))
        return
    print_machine()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = {"higgs-gamgam": folder / TWO_PHOTONS}
        write_two_photons(files["higgs-gamgam"], given.events)
        source = find_opendata()
        if source:
            files["higgs-4l"] = folder / FOUR_LEPTONS
            write_four_leptons(files["higgs-4l"], [source / each for each in FILES], given.events)
        else:
            sys.stdout.write("higgs-4l is left out: its file is made from real ones, set LUMIHUB_OPENDATA\n")
        for analysis, path in sorted(files.items()):
            rates, peaks = compare(analysis, path, given.rounds)
            print_table(
                f"{analysis}, {given.events:,} events, {path.stat().st_size / 1e6:.0f} MB, one core",
                ("way", "events/s", "ours is", "peak MiB"),
                [(way, rates[way], f"x {rates['ours'] / rates[way]:.2f}", peaks[way] / 2**20) for way in WAYS],
            )
            rows = scaling(analysis, [str(path)], given.rounds)
            print_table(
                f"{analysis}, Dask",
                ("workers", "start s", "events/s", "against one"),
                [(*row, f"x {row[2] / rows[0][2]:.2f}") for row in rows],
            )
    print_machine()


def compare(analysis: str, path: Path, rounds: int) -> tuple[dict[str, float], dict[str, float]]:
    """The best rate and the peak memory of every way, each measured in a fresh process."""
    rates, peaks = dict.fromkeys(WAYS, 0.0), dict.fromkeys(WAYS, 0.0)
    for _ in range(rounds):
        for way in WAYS:
            arguments = [sys.executable, __file__, "--measure", way, analysis, str(path)]
            found = json.loads(subprocess.run(arguments, capture_output=True, check=True, text=True).stdout)
            rates[way] = max(rates[way], found["events"] / found["seconds"])
            peaks[way] = max(peaks[way], found["peak"])
    return rates, peaks


if __name__ == "__main__":
    main()
