"""The Higgs boson in two photons: H -> gamma gamma.

The selection of ATL-OREACH-PUB-2020-001 in the order of its code. Its text asks for 35 and 25 GeV, its code for 25 GeV
twice and for momenta relative to the mass; 35 GeV for the leading photon was already asked when the files were made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lumihub.analysis.columns import count_true, flat, mark, rows, take_rows
from lumihub.analysis.definition import Analysis, Cut, Histogram, Process
from lumihub.analysis.kinematics import MEV_PER_GEV, photon_pair_mass

if TYPE_CHECKING:
    import awkward as ak

PHOTONS = ("photon_pt", "photon_eta", "photon_phi", "photon_ptcone30", "photon_etcone20", "photon_convType")

MYY = r"$m_{\gamma\gamma}$ [GeV]"
PAIR, BEST = "the mass of the two photons", "the mass of two photons that are central and unconverted"


def triggered(events: ak.Array) -> Any:
    """The photon trigger fired."""
    return events.trigP


def good_photons(photons: Any) -> Any:
    """True for each photon that looks like one, has more than 25 GeV and misses the gap between barrel and endcap.

    Args:
        photons: the events themselves, or their flat columns.
    """
    eta = np.abs(photons.photon_eta)
    covered = (eta < 2.37) & ((eta < 1.37) | (eta > 1.52))
    return photons.photon_isTightID & (photons.photon_pt > 25000) & covered


def mark_good_photons(events: ak.Array) -> ak.Array:
    """Add which photons are good, and how many."""
    good = good_photons(flat(events, ("photon_isTightID", *PHOTONS)))
    mark(events, "photon_good", good, like="photon_pt")
    events["good_n"] = count_true(good, events.photon_pt)
    return events


def two_are_good(events: ak.Array) -> Any:
    """Exactly two photons are good."""
    return np.asarray(events.good_n) == 2


def keep_good_photons(events: ak.Array, kept: Any) -> ak.Array:
    """The two good photons of the events that are still there."""
    return take_rows(events, PHOTONS, flat(events, ("photon_good",)).photon_good, kept, 2)


def both_isolated(events: ak.Array) -> Any:
    """Little else flies beside each photon: below 6.5 % of its momentum in tracks and in the calorimeter."""
    photons = rows(events, ("photon_pt", "photon_ptcone30", "photon_etcone20"))
    limit = 0.065 * photons.photon_pt
    first, second = (photons.photon_ptcone30 < limit) & (photons.photon_etcone20 < limit)
    return first & second


def add_mass(events: ak.Array) -> ak.Array:
    """Add the mass of the pair, in GeV."""
    photons = rows(events, ("photon_pt", "photon_eta", "photon_phi"))
    events["myy"] = photon_pair_mass(photons.photon_pt, photons.photon_eta, photons.photon_phi)
    return events


def relative_momenta(events: ak.Array) -> Any:
    """The photons carry more than 35 % and 25 % of the mass."""
    leading, second = rows(events, ("photon_pt",)).photon_pt
    mass = np.asarray(events.myy) * MEV_PER_GEV
    return (leading > 0.35 * mass) & (second > 0.25 * mass)


def in_window(events: ak.Array) -> Any:
    """The mass is between 105 and 160 GeV."""
    mass = np.asarray(events.myy)
    return (mass > 105) & (mass < 160)


def diphoton_mass(events: ak.Array) -> Any:
    """Mass of the two photons, in GeV."""
    return events.myy


def central_unconverted(events: ak.Array) -> Any:
    """Both photons are central and reached the calorimeter without turning into electrons: the best measured."""
    photons = rows(events, ("photon_eta", "photon_convType"))
    first, second = (np.abs(photons.photon_eta) < 0.75) & (photons.photon_convType == 0)
    return first & second


ANALYSIS = Analysis(
    name="higgs-gamgam",
    title="Higgs boson in two photons (H -> gamma gamma)",
    collection="GamGam",
    branches=("trigP", "photon_isTightID", *PHOTONS),
    scale_factors=("scaleFactor_PHOTON", "scaleFactor_PhotonTRIGGER", "scaleFactor_PILEUP"),
    cuts=(
        Cut("trigger", "photon trigger", triggered),
        Cut("good-photons", "exactly two good photons", two_are_good, derive=mark_good_photons),
        Cut("isolation", "both photons isolated", both_isolated, keep=keep_good_photons),
        Cut("relative-momenta", "above 35 % and 25 % of the mass", relative_momenta, derive=add_mass),
        Cut("mass-window", "mass between 105 and 160 GeV", in_window),
    ),
    histograms=(
        Histogram("myy", MYY, 30, 105, 160, diphoton_mass, "mass-window", words=PAIR),
        Histogram("myy_central", MYY, 30, 105, 160, diphoton_mass, "mass-window", central_unconverted, BEST),
        Histogram("myy_all", MYY, 50, 50, 300, diphoton_mass, "relative-momenta", words=PAIR),
    ),
    processes=(
        Process(
            "Higgs, 125 GeV",
            ("ggH125_gamgam", "VBFH125_gamgam", "WpH125J_Wincl_gamgam", "ZH125J_Zincl_gamgam", "ttH125_gamgam"),
            signal=True,
        ),
    ),
    notes="No simulated background was released: the smooth background is fitted to the data itself.",
)
