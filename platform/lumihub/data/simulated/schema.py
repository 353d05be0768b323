"""The 81 branches of the tree `mini`, in the order and with the types of the 2020 release's files."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TREE = "mini"
NUMPY_TYPES = {"int": np.int32, "unsigned int": np.uint32, "float": np.float32, "bool": np.bool_}


@dataclass(frozen=True, slots=True)
class Branch:
    """One branch.

    Attributes:
        name: as in the real files.
        kind: the C++ type of one value: `int`, `unsigned int`, `float` or `bool`.
        vector: whether an event holds a std::vector of such values.
        leaf: ROOT's leaf code of a scalar, empty for a vector.
    """

    name: str
    kind: str
    vector: bool
    leaf: str = ""


_LEAVES = {"I": "int", "i": "unsigned int", "F": "float", "f": "float", "O": "bool"}
_VECTORS = {"vF": "float", "vI": "int", "vi": "unsigned int", "vO": "bool"}

_LAYOUT = """
runNumber/I eventNumber/I channelNumber/I mcWeight/F scaleFactor_PILEUP/F scaleFactor_ELE/F scaleFactor_MUON/F
scaleFactor_PHOTON/F scaleFactor_TAU/F scaleFactor_BTAG/F scaleFactor_LepTRIGGER/F scaleFactor_PhotonTRIGGER/F
trigE/O trigM/O trigP/O
lep_n/i lep_truthMatched/vO lep_trigMatched/vO lep_pt/vF lep_eta/vF lep_phi/vF lep_E/vF lep_z0/vF lep_charge/vI
lep_type/vi lep_isTightID/vO lep_ptcone30/vF lep_etcone20/vF lep_trackd0pvunbiased/vF lep_tracksigd0pvunbiased/vF
met_et/F met_phi/F
jet_n/i jet_pt/vF jet_eta/vF jet_phi/vF jet_E/vF jet_jvt/vF jet_trueflav/vI jet_truthMatched/vO jet_MV2c10/vF
photon_n/i photon_truthMatched/vO photon_trigMatched/vO photon_pt/vF photon_eta/vF photon_phi/vF photon_E/vF
photon_isTightID/vO photon_ptcone30/vF photon_etcone20/vF photon_convType/vI
tau_n/i tau_pt/vF tau_eta/vF tau_phi/vF tau_E/vF tau_isTightID/vO tau_truthMatched/vO tau_trigMatched/vO
tau_nTracks/vI tau_BDTid/vF ditau_m/F
lep_pt_syst/vF met_et_syst/F jet_pt_syst/vF photon_pt_syst/vF tau_pt_syst/vF XSection/F SumWeights/F
largeRjet_n/i largeRjet_pt/vF largeRjet_eta/vF largeRjet_phi/vF largeRjet_E/vF largeRjet_m/vF
largeRjet_truthMatched/vF largeRjet_D2/vF largeRjet_tau32/vF largeRjet_pt_syst/vF tau_charge/vI
"""


def _parse(entry: str) -> Branch:
    name, code = entry.split("/")
    if code in _VECTORS:
        return Branch(name, _VECTORS[code], vector=True)
    return Branch(name, _LEAVES[code], vector=False, leaf=code)


BRANCHES: tuple[Branch, ...] = tuple(_parse(entry) for entry in _LAYOUT.split())
