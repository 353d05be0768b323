"""The physics processes of the sample: what Pythia is told, and how often each happens in 13 TeV collisions."""

from __future__ import annotations

from dataclasses import dataclass

# Hadrons, multiple interactions and colour reconnection would take nine tenths of the time and change nothing that
# the parametrised detector reads; initial- and final-state radiation stay, because they give the boson its momentum.
COMMON = (
    "Print:quiet = on",
    "Beams:eCM = 13000.",
    "PartonLevel:MPI = off",
    "HadronLevel:all = off",
    "Next:numberCount = 0",
)

_FOUR_LEPTONS = ("25:m0 = 125.", "25:onMode = off", "25:onIfMatch = 23 23", "23:onMode = off", "23:onIfAny = 11 13")
_TWO_PHOTONS = ("25:m0 = 125.", "25:onMode = off", "25:onIfMatch = 22 22")
_W_AND_Z_TO_LEPTONS = ("24:onMode = off", "24:onIfAny = 11 13")

_GLUON_FUSION = ("HiggsSM:gg2H = on",)
_VECTOR_BOSON_FUSION = ("HiggsSM:ff2Hff(t:ZZ) = on", "HiggsSM:ff2Hff(t:WW) = on")
_WITH_W = ("HiggsSM:ffbar2HW = on",)
_WITH_Z = ("HiggsSM:ffbar2HZ = on",)
_WITH_TOPS = ("HiggsSM:gg2Httbar = on", "HiggsSM:qqbar2Httbar = on")

# LHC Higgs cross-section working group, Yellow Report 4 (arXiv:1610.07922), 13 TeV and 125.09 GeV, in pb.
_GGH, _VBF, _WH, _WPH, _ZH, _TTH = 48.52, 3.779, 1.369, 0.8380, 0.8824, 0.5065
_BR_4L = 1.240e-4  # H -> 4l, l = e or mu
_BR_YY = 2.270e-3


@dataclass(frozen=True, slots=True)
class Process:
    """One process.

    Attributes:
        name: the release's short name of the sample, or the background's own for pseudo-data alone.
        collection: `4lep` or `GamGam`.
        settings: lines for Pythia beyond `COMMON`.
        cross_section: in pb, without `efficiency`.
        efficiency: share of the cross-section that is simulated: for the reducible backgrounds the chance that two
            further objects are taken for leptons.
        dsid: the data-set number of the sample in the release, 0 if it has none.
        simulated: how many events to pass through the detector for the simulated sample; 0 for pseudo-data alone.
        data_factor: how many times more often the process happens in the pseudo-data than `cross_section` says.
        fake_leptons: objects taken for leptons that each event gets.
        fake_photon: whether the hardest jet is taken for a photon.
        radiates_pair: whether a lepton of the Z radiates a second pair (see `splitting`).
        required_particle: PDG number of what an event must hold to count, 0 for nothing.
        associated_z_leptons: share of events in which leptons that are not the Higgs boson's are kept.
    """

    name: str
    collection: str
    settings: tuple[str, ...]
    cross_section: float
    efficiency: float = 1.0
    dsid: int = 0
    simulated: int = 0
    data_factor: float = 1.0
    fake_leptons: int = 0
    fake_photon: bool = False
    radiates_pair: bool = False
    required_particle: int = 0
    associated_z_leptons: float = 1.0

    @property
    def visible_cross_section(self) -> float:
        """Cross-section times efficiency in pb: the branch `XSection`."""
        return self.cross_section * self.efficiency


def _drell_yan(flavour: int) -> tuple[str, ...]:
    return ("WeakSingleBoson:ffbar2gmZ = on", "PhaseSpace:mHatMin = 60.", "23:onMode = off", f"23:onIfAny = {flavour}")


PROCESSES: tuple[Process, ...] = (
    Process("ggH125_ZZ4lep", "4lep", _GLUON_FUSION + _FOUR_LEPTONS, _GGH * _BR_4L, dsid=345060, simulated=10000),
    Process("VBFH125_ZZ4lep", "4lep", _VECTOR_BOSON_FUSION + _FOUR_LEPTONS, _VBF * _BR_4L, dsid=344235, simulated=4000),
    Process("WH125_ZZ4lep", "4lep", _WITH_W + _FOUR_LEPTONS, _WH * _BR_4L, dsid=341964, simulated=2000),
    # Pythia sends the associated Z to leptons like the Higgs boson's; they are kept at the true rate alone.
    Process(
        "ZH125_ZZ4lep",
        "4lep",
        _WITH_Z + _FOUR_LEPTONS,
        _ZH * _BR_4L,
        dsid=341947,
        simulated=2000,
        associated_z_leptons=0.0673,
    ),
    # Two pairs of e or mu above 4 GeV, with the rate that gives the release's 265 events after its charge and flavour
    # cuts. The release's own analysis scales them by 1.3, because gluon fusion and higher orders are missing; the
    # pseudo-data have them, and so that factor is needed here too. A twelfth of them are Z -> 4l.
    Process(
        "llll",
        "4lep",
        ("WeakDoubleBoson:ffbar2gmZgmZ = on", "23:mMin = 4.", "23:onMode = off", "23:onIfAny = 11 13"),
        0.337,
        dsid=363490,
        simulated=15000,
        data_factor=1.3,
    ),
    Process(
        "llll",
        "4lep",
        _drell_yan(11),
        0.064,
        dsid=363490,
        simulated=2850,
        data_factor=1.3,
        radiates_pair=True,
    ),
    Process("Zee", "4lep", _drell_yan(11), 1950.5295, 4.0e-5, dsid=361106, simulated=1500, fake_leptons=2),
    Process("Zmumu", "4lep", _drell_yan(13), 1950.6321, 3.1e-5, dsid=361107, simulated=1500, fake_leptons=2),
    Process(
        "ttbar_lep",
        "4lep",
        ("Top:gg2ttbar = on", "Top:qqbar2ttbar = on", *_W_AND_Z_TO_LEPTONS),
        452.693559,
        5.0e-5,
        dsid=410000,
        simulated=1500,
        fake_leptons=2,
    ),
    Process("ggH125_gamgam", "GamGam", _GLUON_FUSION + _TWO_PHOTONS, _GGH * _BR_YY, dsid=343981, simulated=5000),
    Process(
        "VBFH125_gamgam", "GamGam", _VECTOR_BOSON_FUSION + _TWO_PHOTONS, _VBF * _BR_YY, dsid=345041, simulated=3000
    ),
    # The release has W+H alone; Pythia makes both charges, and the other one is dropped after generation.
    Process(
        "WpH125J_Wincl_gamgam",
        "GamGam",
        _WITH_W + _TWO_PHOTONS,
        _WPH * _BR_YY,
        dsid=345318,
        simulated=2000,
        required_particle=24,
    ),
    Process("ZH125J_Zincl_gamgam", "GamGam", _WITH_Z + _TWO_PHOTONS, _ZH * _BR_YY, dsid=345319, simulated=2000),
    Process("ttH125_gamgam", "GamGam", _WITH_TOPS + _TWO_PHOTONS, _TTH * _BR_YY, dsid=341081, simulated=2000),
    # The two backgrounds have no sample in the release either. Their rates are set so that the published selection
    # keeps about 76,000 events of 10 fb^-1, four in five of them true photon pairs (PRD 98 (2018) 052005).
    Process(
        "diphoton",
        "GamGam",
        (
            "PromptPhoton:ffbar2gammagamma = on",
            "PromptPhoton:gg2gammagamma = on",
            "PhaseSpace:mHatMin = 99.",
            "PhaseSpace:mHatMax = 168.",
            "PhaseSpace:pTHatMin = 32.",
            "PartonLevel:FSR = off",
        ),
        30.0,
    ),
    Process(
        "photon_jet",
        "GamGam",
        (
            "PromptPhoton:qg2qgamma = on",
            "PhaseSpace:mHatMin = 100.",
            "PhaseSpace:mHatMax = 215.",
            "PhaseSpace:pTHatMin = 32.",
            "PartonLevel:FSR = off",
        ),
        12.0,
        fake_photon=True,
    ),
)


def find_process(name: str) -> Process:
    """The process of that name.

    Raises:
        KeyError: there is none.
    """
    return {process.name: process for process in PROCESSES}[name]
