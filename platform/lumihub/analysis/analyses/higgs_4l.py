"""The Higgs boson in four leptons: H -> ZZ* -> 4l.

Two selections of the 2020 release were published for it. The notebooks (`HZZAnalysis`) ask only for charge and flavour
of the four leading leptons; ATL-OREACH-PUB-2020-001 asks for trigger, good leptons and momenta too. The first two cuts
here are the notebooks' selection, so its counts stand in the cutflow (27 of 39 events of data_A, 86 of 156 of data_B,
146 of 237 of data_C); the publication's follow. Only events with more than four leptons can tell this order from the
publication's, which looks at the charges and flavours of the good leptons alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lumihub.analysis.columns import count_true, flat, leading, mark, rows, take_rows
from lumihub.analysis.definition import Analysis, Cut, Histogram, Process
from lumihub.analysis.kinematics import Z_MASS, cosh, four_momenta, mass_of

if TYPE_CHECKING:
    import awkward as ak

LEPTONS = ("lep_pt", "lep_eta", "lep_phi", "lep_E", "lep_charge", "lep_type")
QUALITY = ("lep_ptcone30", "lep_etcone20", "lep_z0", "lep_trackd0pvunbiased", "lep_tracksigd0pvunbiased")

M4L = r"$m_{4\ell}$ [GeV]"
LEADING, ALL_FOUR = "the mass of the four leading leptons", "the mass of the four leptons"
NEAREST, OTHER = "the mass of the lepton pair nearest to the Z boson", "the mass of the other lepton pair"

# The three ways to make two pairs of four.
PAIRINGS = (((0, 1), (2, 3)), ((0, 2), (1, 3)), ((0, 3), (1, 2)))


def charge_is_zero(events: ak.Array) -> Any:
    """The charges of the four leading leptons add up to zero."""
    return sum(leading(events.lep_charge, 4)) == 0


def flavours_pair_up(events: ak.Array) -> Any:
    """The four leading leptons are 4e (sum of types 44), 2e2mu (48) or 4mu (52)."""
    flavour = sum(leading(events.lep_type, 4))
    return (flavour == 44) | (flavour == 48) | (flavour == 52)


def triggered(events: ak.Array) -> Any:
    """The electron or the muon trigger fired."""
    return np.asarray(events.trigE) | np.asarray(events.trigM)


def good_leptons(leptons: Any) -> Any:
    """True for each lepton that is isolated, comes from the collision point and is well inside the detector.

    Args:
        leptons: the events themselves, or their flat columns.
    """
    electron = leptons.lep_type == 11
    pt, eta = leptons.lep_pt, np.abs(leptons.lep_eta)
    limit = 0.3 * pt
    isolated = (leptons.lep_ptcone30 < limit) & (leptons.lep_etcone20 < limit)
    # Distances to the collision point: along the beam in mm, times sin(theta) = 1/cosh(eta); across in uncertainties.
    along = np.abs(leptons.lep_z0) < 0.5 * cosh(eta)
    across = np.abs(leptons.lep_trackd0pvunbiased) / leptons.lep_tracksigd0pvunbiased
    good_electron = electron & (pt > 7000) & (eta < 2.47) & (across < 5)
    good_muon = ~electron & (pt > 5000) & (eta < 2.5) & (across < 3)
    return isolated & along & (good_electron | good_muon)


def mark_good_leptons(events: ak.Array) -> ak.Array:
    """Add which leptons are good, and how many."""
    good = good_leptons(flat(events, (*LEPTONS, *QUALITY)))
    mark(events, "lep_good", good, like="lep_pt")
    events["good_n"] = count_true(good, events.lep_pt)
    return events


def four_are_good(events: ak.Array) -> Any:
    """Exactly four leptons are good."""
    return np.asarray(events.good_n) == 4


def keep_good_leptons(events: ak.Array, kept: Any) -> ak.Array:
    """The four good leptons of the events that are still there."""
    return take_rows(events, LEPTONS, flat(events, ("lep_good",)).lep_good, kept, 4)


def leading_momenta(events: ak.Array) -> Any:
    """The three leading leptons have more than 25, 15 and 10 GeV."""
    first, second, third, _ = rows(events, ("lep_pt",)).lep_pt
    return (first > 25000) & (second > 15000) & (third > 10000)


def add_masses(events: ak.Array) -> ak.Array:
    """Add the masses in GeV of all four, of the pair nearest to the Z boson and of the other pair.

    A pair is of one flavour and of opposite charges; the pairs' masses are nan where two such pairs cannot be made.
    4e and 4mu have two ways to pair: the one that holds the pair nearest to the Z is taken (the publication's code
    takes the last valid one, its text the nearest).
    """
    lepton = rows(events, LEPTONS)
    momenta = four_momenta(lepton.lep_pt, lepton.lep_eta, lepton.lep_phi, lepton.lep_E)
    charge, kind = lepton.lep_charge, lepton.lep_type
    ways = []
    for pairs in PAIRINGS:
        masses = [mass_of(*(part[one] + part[two] for part in momenta)) for one, two in pairs]
        fits = [(charge[one] == -charge[two]) & (kind[one] == kind[two]) for one, two in pairs]
        ways.append(np.where(fits[0] & fits[1], masses, np.nan))
    events["m4l"] = mass_of(*(part.sum(axis=0) for part in momenta))
    events["mZ1"], events["mZ2"] = nearest_to_z(np.array(ways))
    return events


def nearest_to_z(ways: Any) -> tuple[Any, Any]:
    """The mass nearest to the Z boson and the one paired with it.

    Args:
        ways: masses in GeV, of the shape (ways to pair, 2, events); nan where a way is not possible.
    """
    closest = np.full(ways.shape[2], np.inf)
    nearest, other = np.full_like(ways[0], np.nan)
    for one, two in ways:
        for near, far in ((one, two), (two, one)):
            distance = np.abs(near - Z_MASS)
            # False for nan, so that a way that is not possible is never taken.
            better = distance < closest
            closest = np.where(better, distance, closest)
            nearest, other = np.where(better, near, nearest), np.where(better, far, other)
    return nearest, other


def two_pairs(events: ak.Array) -> Any:
    """Two pairs of one flavour and opposite charges can be made."""
    return ~np.isnan(events.mZ1)


def leading_four_mass(events: ak.Array) -> Any:
    """Mass of the four leading leptons together, in GeV."""
    columns = (leading(events[name], 4) for name in LEPTONS[:4])
    momenta = [four_momenta(*lepton) for lepton in zip(*columns, strict=True)]
    return mass_of(*(sum(parts) for parts in zip(*momenta, strict=True)))


ANALYSIS = Analysis(
    name="higgs-4l",
    title="Higgs boson in four leptons (H -> ZZ* -> 4l)",
    collection="4lep",
    branches=("trigE", "trigM", *LEPTONS, *QUALITY),
    scale_factors=("scaleFactor_ELE", "scaleFactor_MUON", "scaleFactor_LepTRIGGER", "scaleFactor_PILEUP"),
    cuts=(
        Cut("charge", "charges of the four leading leptons add up to zero", charge_is_zero),
        Cut("charge-and-flavour", "and they are 4e, 2e2mu or 4mu", flavours_pair_up),
        Cut("trigger", "electron or muon trigger", triggered),
        Cut("good-leptons", "exactly four good leptons", four_are_good, derive=mark_good_leptons),
        Cut("momenta", "leading three above 25, 15 and 10 GeV", leading_momenta, keep=keep_good_leptons),
        Cut("pairs", "two pairs of one flavour and opposite charges", two_pairs, derive=add_masses),
    ),
    histograms=(
        Histogram("m4l_notebook", M4L, 24, 80, 170, leading_four_mass, "charge-and-flavour", words=LEADING),
        Histogram("m4l", M4L, 24, 80, 170, lambda events: events.m4l, "pairs", words=ALL_FOUR),
        Histogram("m4l_extended", M4L, 30, 80, 250, lambda events: events.m4l, "pairs", words=ALL_FOUR),
        Histogram("mZ1", r"$m_{Z_1}$ [GeV]", 30, 50, 106, lambda events: events.mZ1, "pairs", words=NEAREST),
        Histogram("mZ2", r"$m_{Z_2}$ [GeV]", 30, 12, 140, lambda events: events.mZ2, "pairs", words=OTHER),
    ),
    processes=(
        Process(r"$Z$, $t\bar{t}$", ("Zee", "Zmumu", "ttbar_lep")),
        Process(r"$ZZ^{(*)}$", ("llll",)),
        Process(r"Higgs, 125 GeV", ("ggH125_ZZ4lep", "VBFH125_ZZ4lep", "WH125_ZZ4lep", "ZH125_ZZ4lep"), signal=True),
    ),
    notes="The publication scales ZZ by 1.3 by hand; this analysis does not.",
)
