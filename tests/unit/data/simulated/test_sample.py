"""The shipped sample: whole, labelled, normalised, and with its peaks where physics puts them."""

from __future__ import annotations

import zlib
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from scipy.optimize import curve_fit

from lumihub.data.catalogue import load_catalogue, simulated_folder
from lumihub.data.manifest import SIMULATED_LABEL
from lumihub.data.simulated.schema import TREE

CATALOGUE = load_catalogue("simulated")
FILES = {file.path: file for file in CATALOGUE.files}
PERIODS = ("data_A", "data_B", "data_C", "data_D")
HIGGS_4L = ("ggH125_ZZ4lep", "VBFH125_ZZ4lep", "WH125_ZZ4lep", "ZH125_ZZ4lep")
REDUCIBLE = ("Zee", "Zmumu", "ttbar_lep")
HIGGS_YY = ("ggH125_gamgam", "VBFH125_gamgam", "WpH125J_Wincl_gamgam", "ZH125J_Zincl_gamgam", "ttH125_gamgam")
LUMINOSITY_PB = 10_000.0


def read(collection: str, sample: str, *branches: str) -> ak.Array:
    path = simulated_folder() / CATALOGUE.file(collection, sample).path
    with uproot.open(path) as file:
        return file[TREE].arrays(list(branches))


def read_leptons(sample: str) -> ak.Array:
    """Four leading leptons of the events that pass the published charge and flavour cuts, with weights in 10 fb^-1."""
    names = ["lep_pt", "lep_eta", "lep_phi", "lep_E", "lep_charge", "lep_type"]
    weights = ["mcWeight", "XSection", "SumWeights"]
    factors = ["scaleFactor_PILEUP", "scaleFactor_ELE", "scaleFactor_MUON", "scaleFactor_LepTRIGGER"]
    events = read("4lep", sample, *names, *weights, *factors)
    flavour = ak.to_numpy(ak.sum(events.lep_type[:, :4], axis=1))
    kept = events[(ak.sum(events.lep_charge[:, :4], axis=1) == 0) & np.isin(flavour, [44, 48, 52])]
    weight = kept.mcWeight * kept.XSection * LUMINOSITY_PB / kept.SumWeights
    for factor in factors:
        weight = weight * kept[factor]
    return ak.with_field(kept, weight, "weight")


def four_lepton_mass(events: ak.Array) -> Any:
    pt, eta, phi = events.lep_pt[:, :4], events.lep_eta[:, :4], events.lep_phi[:, :4]
    x, y, z = ak.sum(pt * np.cos(phi), axis=1), ak.sum(pt * np.sin(phi), axis=1), ak.sum(pt * np.sinh(eta), axis=1)
    return np.sqrt(ak.to_numpy(ak.sum(events.lep_E[:, :4], axis=1) ** 2 - x**2 - y**2 - z**2)) / 1000.0


def select_diphoton_mass(sample: str) -> Any:
    """m_yy in GeV of the events that pass the published selection, with the branches that weights need."""
    names = ["photon_pt", "photon_eta", "photon_phi", "photon_isTightID", "photon_ptcone30", "photon_etcone20"]
    events = read("GamGam", sample, "trigP", *names)
    photons = ak.zip({name.removeprefix("photon_"): events[name] for name in names})
    central = np.abs(photons.eta)
    good = photons[photons.isTightID & (photons.pt > 25e3) & (central < 2.37) & ((central < 1.37) | (central > 1.52))]
    pair = good[(ak.num(good) == 2) & events.trigP]
    pair = pair[ak.all((pair.ptcone30 < 0.065 * pair.pt) & (pair.etcone20 < 0.065 * pair.pt), axis=1)]
    one, two = pair[:, 0], pair[:, 1]
    mass = np.sqrt(2 * one.pt * two.pt * (np.cosh(one.eta - two.eta) - np.cos(one.phi - two.phi)))
    mass = mass[(one.pt > 0.35 * mass) & (two.pt > 0.25 * mass)]
    return ak.to_numpy(mass[(mass > 105e3) & (mass < 160e3)]) / 1000.0


def test_the_sample_is_labelled_in_catalogue_names_and_files() -> None:
    assert CATALOGUE.label == SIMULATED_LABEL == "simulated sample, not ATLAS data"
    assert CATALOGUE.unknown == ()
    for path in FILES:
        assert path.rsplit("/", 1)[-1].startswith("simulated_")
        with uproot.open(simulated_folder() / path) as file:
            assert file["label"] == SIMULATED_LABEL
            assert file[TREE].title == SIMULATED_LABEL


def test_both_collections_hold_the_samples_of_the_release() -> None:
    assert set(CATALOGUE.in_collection("4lep")) == {*PERIODS, *HIGGS_4L, "llll", *REDUCIBLE}
    assert set(CATALOGUE.in_collection("GamGam")) == {*PERIODS, *HIGGS_YY}
    assert CATALOGUE.luminosity_by_sample == {"data_A": 0.5, "data_B": 1.9, "data_C": 2.9, "data_D": 4.7}


def test_nothing_lies_in_the_folder_that_the_manifest_does_not_name() -> None:
    folder = simulated_folder()
    assert {str(path.relative_to(folder)) for path in folder.rglob("*.root")} == set(FILES)


def test_the_package_stays_small() -> None:
    assert sum(file.size for file in FILES.values()) < 8_500_000


@pytest.mark.parametrize("path", FILES)
def test_a_file_is_what_the_manifest_says(path: str) -> None:
    content = (simulated_folder() / path).read_bytes()
    assert len(content) == FILES[path].size
    assert f"{zlib.adler32(content):08x}" == FILES[path].adler32
    with uproot.open(simulated_folder() / path) as file:
        assert file[TREE].num_entries == FILES[path].entries


@pytest.mark.parametrize("file", CATALOGUE.files, ids=lambda file: file.path)
def test_weights_in_the_file_are_those_of_the_catalogue(file: Any) -> None:
    events = read(file.collection, file.sample, "XSection", "SumWeights", "channelNumber", "mcWeight")
    sample = CATALOGUE.sample(file.sample)
    if sample.is_data:
        assert ak.all(events.XSection == 1)
        assert ak.all(events.mcWeight == 0)
        return
    numbers = CATALOGUE.normalisation(file.sample, file.collection)
    assert numbers is not None
    assert ak.to_numpy(events.XSection) == pytest.approx(numbers.cross_section_pb, rel=1e-6)
    assert ak.to_numpy(events.SumWeights) == pytest.approx(numbers.sum_of_weights, rel=1e-6)
    assert ak.all(events.channelNumber == sample.dsid)


@pytest.mark.parametrize(
    ("period", "events", "kept"), [("A", 39, 27), ("B", 156, 86), ("C", 237, 146), ("D", 400, 248)]
)
def test_pseudo_data_have_about_as_many_events_as_the_real_ones(period: str, events: int, kept: int) -> None:
    entries = CATALOGUE.file("4lep", f"data_{period}").entries
    assert entries == pytest.approx(events, abs=3.5 * np.sqrt(2 * events))
    assert len(read_leptons(f"data_{period}")) == pytest.approx(kept, abs=3.5 * np.sqrt(2 * kept))


@pytest.mark.parametrize(
    ("sample", "published"), [("ggH125_ZZ4lep", 8.64), ("VBFH125_ZZ4lep", 0.775), ("llll", 264.85)]
)
def test_expected_yields_are_near_the_published_ones(sample: str, published: float) -> None:
    assert float(ak.sum(read_leptons(sample).weight)) == pytest.approx(published, rel=0.15)


def test_simulation_and_pseudo_data_of_4lep_agree() -> None:
    expected = sum(float(ak.sum(read_leptons(name).weight)) for name in (*HIGGS_4L, *REDUCIBLE))
    expected += 1.3 * float(ak.sum(read_leptons("llll").weight))
    observed = sum(len(read_leptons(period)) for period in PERIODS)
    assert observed == pytest.approx(expected, abs=3.5 * np.sqrt(expected))


def test_pairs_of_leptons_come_mostly_from_z_bosons() -> None:
    events = read_leptons("ggH125_ZZ4lep")
    matched = events.lep_type[:, :4]
    assert np.isin(ak.to_numpy(ak.sum(matched, axis=1)), [44, 48, 52]).all()
    masses = four_lepton_mass(events)
    assert np.median(masses) == pytest.approx(125.0, abs=1.0)
    assert np.percentile(masses, 84) - np.percentile(masses, 16) < 7.0


def test_zz_has_a_peak_at_the_z_mass_and_a_rise_above_twice_the_z_mass() -> None:
    masses = four_lepton_mass(read_leptons("llll"))
    counts = [np.sum((masses > low) & (masses < high)) for low, high in ((88, 94), (100, 106), (140, 146), (195, 201))]
    assert counts[0] > 2 * counts[1]
    assert counts[3] > 2 * counts[2]


def test_reducible_background_is_less_isolated_than_signal() -> None:
    shares = {}
    for sample in ("ggH125_ZZ4lep", "Zee"):
        events = read("4lep", sample, "lep_pt", "lep_ptcone30")
        shares[sample] = ak.mean(events.lep_ptcone30[:, 3] > 0.3 * events.lep_pt[:, 3])
    assert shares["Zee"] > 4 * shares["ggH125_ZZ4lep"]


def test_pseudo_data_of_gamgam_reach_the_published_number_of_events() -> None:
    assert sum(len(select_diphoton_mass(period)) for period in PERIODS) == pytest.approx(76_449, rel=0.03)


@pytest.mark.parametrize("sample", HIGGS_YY)
def test_signal_photons_make_125_gev(sample: str) -> None:
    masses = select_diphoton_mass(sample)
    assert np.median(masses) == pytest.approx(125.0, abs=0.3)
    assert 1.2 < (np.percentile(masses, 84) - np.percentile(masses, 16)) / 2 < 2.4


def test_a_fit_of_the_published_form_finds_the_higgs_boson_in_pseudo_data() -> None:
    masses = np.concatenate([select_diphoton_mass(period) for period in PERIODS])
    counts, edges = np.histogram(masses, bins=30, range=(105, 160))
    centres = (edges[1:] + edges[:-1]) / 2

    def model(x: Any, a: float, b: float, c: float, d: float, height: float) -> Any:
        u = (x - 132.5) / 27.5
        return a + b * u + c * u**2 + d * u**3 + height * np.exp(-0.5 * ((x - 125.0) / 1.8) ** 2)

    start = [2300.0, -2000.0, 800.0, 0.0, 100.0]
    best, covariance = curve_fit(model, centres, counts, p0=start, sigma=np.sqrt(counts), absolute_sigma=True)
    chi2 = np.sum((counts - model(centres, *best)) ** 2 / counts)
    assert best[4] > 1.5 * np.sqrt(covariance[4, 4])
    assert chi2 < 50  # 25 degrees of freedom
