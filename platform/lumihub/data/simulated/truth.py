"""What leaves the collision: leptons, photons, jets and missing momentum, from Pythia."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from lumihub.data.simulated.processes import COMMON, Process
from lumihub.data.simulated.splitting import draw_four_leptons
from lumihub.errors import LumiHubError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.random import Generator

_LEPTONS = {11, 13}
_NEUTRINOS = {12, 14, 16}
_DRESSING_RADIUS = 0.1  # what a cluster of the calorimeter takes in around an electron
_FAILURES_ALLOWED = 100
_LOWEST_PT = {"4lep": 5.5, "GamGam": 22.0}  # GeV, below the collections' own cuts by more than the resolution
_REACH = 2.75

Row = tuple[float, ...]


@dataclass
class Columns:
    """Objects of many events, collected flat, with the number of them in each event."""

    counts: list[int] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    def add(self, objects: list[Row]) -> None:
        """The objects of the next event."""
        self.counts.append(len(objects))
        self.rows.extend(objects)

    def to_records(self, names: tuple[str, ...]) -> ak.Array:
        """A jagged array of records, one list an event."""
        table = np.array(self.rows, dtype=float).reshape(-1, len(names))
        return ak.unflatten(
            ak.zip({name: table[:, i] for i, name in enumerate(names)}), np.array(self.counts, dtype=np.int64)
        )


def generate_truth(process: Process, events: int, seed: int) -> ak.Array:
    """Simulate collisions, and keep those with enough leptons or photons in reach of the detector.

    Args:
        process: what to simulate.
        events: how many to simulate; fewer are kept.
        seed: of Pythia (1 to 900 million).

    Returns:
        One record for each event that is kept: `leptons` (pt, eta, phi, id with sign), `photons` (pt, eta, phi),
        `jets` (pt, eta, phi, mass, flavour), in GeV, and `met_x`, `met_y`.

    Raises:
        LumiHubError: Pythia is not installed, or refuses to run.
    """
    pythia = _start(process, seed)
    finder = import_pythia().SlowJet(-1, 0.4, 15.0, 2.8, 2, 1)
    rng = np.random.default_rng(seed)
    leptons, photons, jets, missing = Columns(), Columns(), Columns(), []
    for event in _collide(pythia, process, events):
        final = [particle for particle in event if particle.isFinal()]
        light: list[Row] = [(p.pT(), p.eta(), p.phi()) for p in final if p.id() == 22 and p.pT() > 15.0]
        charged = _find_leptons(process, event, final, rng)
        if not _within_reach(process, charged, light):
            continue
        leptons.add(charged)
        photons.add(light)
        jets.add(_find_jets(finder, event, final))
        missing.append(_add_up([p for p in final if p.idAbs() in _NEUTRINOS]))
    met = np.array(missing).reshape(-1, 2)
    return ak.Array(
        {
            "leptons": leptons.to_records(("pt", "eta", "phi", "id")),
            "photons": photons.to_records(("pt", "eta", "phi")),
            "jets": jets.to_records(("pt", "eta", "phi", "mass", "flavour")),
            "met_x": met[:, 0],
            "met_y": met[:, 1],
        }
    )


def import_pythia() -> Any:
    """The module pythia8mc.

    Raises:
        LumiHubError: it is not installed.
    """
    try:
        import pythia8mc
    except ImportError as error:
        raise LumiHubError(
            "pythia8mc is not installed; only making the simulated sample anew needs it",
            fix="uv sync --frozen --all-extras --group simulation",
        ) from error
    return pythia8mc


def _start(process: Process, seed: int) -> Any:
    pythia = import_pythia().Pythia("", False)
    for line in (*COMMON, *process.settings, "Random:setSeed = on", f"Random:seed = {seed}"):
        if not pythia.readString(line):
            raise LumiHubError(f"{process.name}: Pythia does not know the setting {line!r}")
    if not pythia.init():
        raise LumiHubError(f"{process.name}: Pythia could not start with these settings")
    return pythia


def _collide(pythia: Any, process: Process, events: int) -> Iterator[Any]:
    done = failures = 0
    while done < events:
        if not pythia.next():
            failures += 1
            if failures > _FAILURES_ALLOWED:
                raise LumiHubError(f"{process.name}: Pythia gave up after {failures} failed events")
            continue
        event = pythia.event
        if not process.required_particle or any(p.id() == process.required_particle for p in event):
            done += 1
            yield event


def _within_reach(process: Process, leptons: list[Row], photons: list[Row]) -> bool:
    objects = leptons if process.collection == "4lep" else photons
    wanted = 4 - process.fake_leptons if process.collection == "4lep" else 2 - process.fake_photon
    return sum(pt > _LOWEST_PT[process.collection] and abs(eta) < _REACH for pt, eta, *_ in objects) >= wanted


def _find_leptons(process: Process, event: Any, final: list[Any], rng: Generator) -> list[Row]:
    bare = [p for p in final if p.idAbs() in _LEPTONS and p.pT() > 3.0]
    if process.radiates_pair:
        return _radiate(event, rng)
    if process.associated_z_leptons < 1.0 and rng.random() > process.associated_z_leptons:
        higgs = next(i for i in range(event.size()) if event[i].id() == 25)
        bare = [p for p in bare if p.isAncestor(higgs)]
    close = [p for p in final if p.id() == 22]
    return [_dress(p, close) if p.idAbs() == 11 else (p.pT(), p.eta(), p.phi(), p.id()) for p in bare]


def _dress(electron: Any, photons: list[Any]) -> Row:
    total = electron.p()
    for photon in photons:
        separation = np.hypot(photon.eta() - electron.eta(), _wrap(photon.phi() - electron.phi()))
        if separation < _DRESSING_RADIUS:
            total += photon.p()
    return (total.pT(), total.eta(), total.phi(), electron.id())


def _radiate(event: Any, rng: Generator) -> list[Row]:
    """The four leptons of Z -> 4l; their flavours are drawn afresh for either pair."""
    z = next(event[i] for i in range(event.size() - 1, 0, -1) if event[i].id() == 23)
    momenta = draw_four_leptons(rng, np.array([z.e(), z.px(), z.py(), z.pz()]))
    flavours = np.repeat(rng.choice([11, 13], size=2), 2) * np.array([1, -1, 1, -1])
    return [(*_to_polar(p), float(f)) for p, f in zip(momenta, flavours, strict=True)]


def _to_polar(momentum: Any) -> tuple[float, float, float]:
    _, px, py, pz = momentum
    pt = float(np.hypot(px, py))
    return pt, float(np.arcsinh(pz / pt)), float(np.arctan2(py, px))


def _find_jets(finder: Any, event: Any, final: list[Any]) -> list[Row]:
    finder.analyze(event)
    heavy = [p for p in final if p.idAbs() in {4, 5}]
    jets: list[Row] = []
    for i in range(finder.sizeJet()):
        momentum = finder.p(i)
        eta, phi = momentum.eta(), momentum.phi()
        near = [p.idAbs() for p in heavy if np.hypot(p.eta() - eta, _wrap(p.phi() - phi)) < 0.3]
        jets.append((momentum.pT(), eta, phi, max(momentum.mCalc(), 0.0), max(near, default=0)))
    return jets


def _add_up(particles: list[Any]) -> tuple[float, float]:
    return sum(p.px() for p in particles), sum(p.py() for p in particles)


def _wrap(angle: float) -> float:
    return float((angle + np.pi) % (2 * np.pi) - np.pi)
