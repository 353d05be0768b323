"""The selections of the two lessons as a physicist writes them down without this platform.

Independent of it on purpose, so that tests can compare: uproot, awkward, numpy and vector alone, every cut spelled out
(ATL-OREACH-PUB-2020-001; charge and flavour first, as in the release's notebook HZZAnalysis).

    python tests/plain_selections.py FILE...

prints as JSON, by name of the file: events before all cuts and after each, the sums of their weights for 1 fb^-1, and
the weighted mass spectrum after the last cut.
"""

import json
import sys
from pathlib import Path

import awkward as ak
import numpy as np
import uproot
import vector

Z_MASS = 91.18
FOUR_LEPTON_BINS = np.linspace(80, 170, 25)
TWO_PHOTON_BINS = np.linspace(105, 160, 31)
LEPTON = ("pt", "eta", "phi", "E", "charge", "type")
LEPTON_QUALITY = ("ptcone30", "etcone20", "z0", "trackd0pvunbiased", "tracksigd0pvunbiased")
LEPTON_BRANCHES = [f"lep_{name}" for name in LEPTON + LEPTON_QUALITY]
PHOTON_BRANCHES = [f"photon_{name}" for name in ("pt", "eta", "phi", "isTightID", "ptcone30", "etcone20")]
PHOTON_WEIGHTS = ["mcWeight", "scaleFactor_PHOTON", "scaleFactor_PhotonTRIGGER", "scaleFactor_PILEUP"]
# Cross-section in pb and sum of weights, as published for the collection GamGam.
PUBLISHED = {
    "ggH125_gamgam": (0.102, 55922617.6297),
    "VBFH125_gamgam": (0.008518764, 3441426.13711),
    "WpH125J_Wincl_gamgam": (0.0019654512, 213799.958463),
    "ZH125J_Zincl_gamgam": (0.0017347836, 358401.082034),
    "ttH125_gamgam": (0.00115, 485440.0),
}


def select_four_leptons(events):
    """Which of recorded events pass each cut, and the mass in GeV of those that pass all."""
    charge = ak.sum(events["lep_charge"][:, :4], axis=1) == 0
    flavour = ak.sum(events["lep_type"][:, :4], axis=1)
    paired = charge & ((flavour == 44) | (flavour == 48) | (flavour == 52))
    triggered = paired & (events["trigE"] | events["trigM"])

    pt, eta = ak.values_astype(events["lep_pt"], float), ak.values_astype(abs(events["lep_eta"]), float)
    electron = events["lep_type"] == 11
    isolated = (events["lep_ptcone30"] < 0.3 * pt) & (events["lep_etcone20"] < 0.3 * pt)
    near = abs(events["lep_z0"]) / np.cosh(eta) < 0.5
    aside = abs(events["lep_trackd0pvunbiased"]) / events["lep_tracksigd0pvunbiased"]
    good_electron = electron & (pt > 7000) & (eta < 2.47) & (aside < 5)
    good_muon = ~electron & (pt > 5000) & (eta < 2.5) & (aside < 3)
    good = isolated & near & (good_electron | good_muon)
    four_good = triggered & (ak.sum(good, axis=1) == 4)

    chosen = good[four_good]
    columns = {name: ak.to_numpy(ak.to_regular(events[f"lep_{name}"][four_good][chosen])) for name in LEPTON}
    pt = columns["pt"]
    hard = (pt[:, 0] > 25000) & (pt[:, 1] > 15000) & (pt[:, 2] > 10000)
    columns = {name: values[hard] for name, values in columns.items()}
    one, two, three, four = (
        vector.array({name: columns[name][:, place].astype(float) for name in ("pt", "eta", "phi", "E")})
        for place in range(4)
    )
    matches = np.array(
        [
            [
                (columns["charge"][:, a] == -columns["charge"][:, b]) & (columns["type"][:, a] == columns["type"][:, b])
                for a, b in pairs
            ]
            for pairs in (((0, 1), (2, 3)), ((0, 2), (1, 3)), ((0, 3), (1, 2)))
        ]
    )
    pairs = matches.all(axis=1).any(axis=0)
    mass = (one + two + three + four).mass[pairs] / 1000
    counts = [len(events), *(int(ak.sum(cut)) for cut in (charge, paired, triggered, four_good)), int(hard.sum())]
    return [*counts, int(pairs.sum())], mass


def select_two_photons(events, weights):
    """Numbers and weights of events after each cut, masses in GeV and weights of those that pass all."""
    steps = [(len(events), weights.sum())]

    def keep(passed, *others):
        passed = ak.to_numpy(passed)
        kept = [each[passed] for each in others]
        steps.append((int(passed.sum()), kept[-1].sum()))
        return kept

    events, weights = keep(events["trigP"], events, weights)
    pt, eta = events["photon_pt"], abs(events["photon_eta"])
    good = events["photon_isTightID"] & (pt > 25000) & (eta < 2.37) & ((eta < 1.37) | (eta > 1.52))
    events, good, weights = keep(ak.sum(good, axis=1) == 2, events, good, weights)
    photons = {
        name: ak.to_numpy(ak.to_regular(events[f"photon_{name}"][good])).astype(float)
        for name in ("pt", "eta", "phi", "ptcone30", "etcone20")
    }
    limit = 0.065 * photons["pt"]
    isolated = ((photons["ptcone30"] < limit) & (photons["etcone20"] < limit)).all(axis=1)
    pt, eta, phi, weights = keep(isolated, *(photons[name] for name in ("pt", "eta", "phi")), weights)
    one, two = (
        vector.array({"pt": pt[:, n], "eta": eta[:, n], "phi": phi[:, n], "mass": np.zeros(len(pt))}) for n in (0, 1)
    )
    mass = (one + two).mass
    pt, mass, weights = keep((pt[:, 0] > 0.35 * mass) & (pt[:, 1] > 0.25 * mass), pt, mass / 1000, weights)
    mass, weights = keep((mass > 105) & (mass < 160), mass, weights)
    return steps, mass, weights


def count_four_leptons(path):
    """What the selection finds in a file of recorded events."""
    with uproot.open(path) as file:
        events = file["mini"].arrays(["trigE", "trigM", *LEPTON_BRANCHES])
    counts, mass = select_four_leptons(events)
    return {"events": counts, "weights": counts, "mass": np.histogram(mass, FOUR_LEPTON_BINS)[0].tolist()}


def count_two_photons(path):
    """What the selection finds in a file of recorded or simulated events."""
    sample = path.name.split(".")[1] if path.name.startswith("mc_") else ""
    with uproot.open(path) as file:
        events = file["mini"].arrays(["trigP", *PHOTON_BRANCHES, *(PHOTON_WEIGHTS if sample else [])])
    weights = np.ones(len(events))
    if sample:
        cross_section, sum_of_weights = PUBLISHED[sample]
        weights = weights * cross_section * 1000 / sum_of_weights
        for name in PHOTON_WEIGHTS:
            weights = weights * ak.to_numpy(events[name])
    steps, mass, weights = select_two_photons(events, weights)
    spectrum = np.histogram(mass, TWO_PHOTON_BINS, weights=weights)[0]
    return {
        "events": [number for number, _ in steps],
        "weights": [float(weight) for _, weight in steps],
        "mass": spectrum.tolist(),
    }


def main():
    """Count each file of the command line, by the name of its collection."""
    found = {}
    for path in map(Path, sys.argv[1:]):
        count = {"4lep": count_four_leptons, "GamGam": count_two_photons}[path.name.split(".")[-2]]
        found[path.name] = count(path)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
