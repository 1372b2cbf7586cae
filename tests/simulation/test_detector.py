"""The detector as a whole: format, determinism, responses, pulls, realism."""

import awkward as ak
import numpy as np
import pytest

from sonicmini.io.schema import AOD
from sonicmini.simulation.constants import BEAM_SPOT
from sonicmini.simulation.detector import reconstruct
from sonicmini.simulation.library import make_library
from sonicmini.simulation.overlay import overlay_pileup
from sonicmini.simulation.seeds import event_seeds
from tests.simulation.guns import empty, gun, part_of

PRODUCTS = (
    "PFCand",
    "Track",
    "PV",
    "BeamSpot",
    "Muon",
    "Electron",
    "Photon",
    "V0",
    "HLT",
    "TrigObj",
)


@pytest.fixture(scope="module")
def batch(ttbar_record):
    # As many collisions as the overlay draws, so that single ones do not weigh much.
    pileup = make_library(800)
    return overlay_pileup(ttbar_record, pileup, 35.0, event_seeds(5, range(20)))[0]


@pytest.fixture(scope="module")
def products(batch):
    return reconstruct(batch)


def columns(product):
    return {name: ak.to_numpy(ak.flatten(product[name], axis=None)) for name in product.fields}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_are_those_of_the_schema(products, name):
    collection, product = AOD[name], products[name]
    assert set(product.fields) == {branch.name for branch in collection.branches}
    assert (product.ndim == 2) == (collection.kind == "jagged")
    values = columns(product)
    for branch in collection.branches:
        assert values[branch.name].dtype == np.dtype(branch.dtype)
        assert np.all(np.isfinite(values[branch.name]))


def test_no_branch_is_constant(products):
    constant = []
    for name in ("PFCand", "Track", "PV"):
        for branch, values in columns(products[name]).items():
            if len(np.unique(values)) == 1:
                constant.append(f"{name}_{branch}")
    assert constant == ["PV_isFake"]


def test_events_do_not_depend_on_the_batch(batch, products):
    parts = [reconstruct(part_of(batch, start, stop)) for start, stop in ((0, 3), (3, 4), (4, 20))]
    for name in PRODUCTS:
        whole = ak.concatenate([part[name] for part in parts])
        assert ak.array_equal(whole, products[name])


def test_indices_point_into_their_collections(products):
    tracks, candidates = ak.num(products["Track"]), ak.num(products["PFCand"])
    for name, branch, size in (
        ("PFCand", "trackIdx", tracks),
        ("Muon", "trackIdx", tracks),
        ("Electron", "trackIdx", tracks),
        ("V0", "trackIdx1", tracks),
        ("V0", "trackIdx2", tracks),
        ("Muon", "pfCandIdx", candidates),
        ("Electron", "pfCandIdx", candidates),
        ("Photon", "pfCandIdx", candidates),
        ("Track", "pvIdx", ak.num(products["PV"])),
    ):
        index = products[name][branch]
        assert ak.all((index >= -1) & (index < size))


def test_charged_candidates_have_their_tracks_first(products):
    candidates, tracks = products["PFCand"], products["Track"]
    charged = candidates[candidates.charge != 0]
    assert ak.all(charged.trackIdx == ak.local_index(charged.trackIdx))
    assert ak.all(candidates[candidates.charge == 0].trackIdx == -1)
    assert ak.all(charged.charge == tracks[charged.trackIdx].charge)
    assert ak.all(ak.num(tracks) > ak.num(charged))


def test_v0_tracks_have_opposite_charges(products):
    pairs, tracks = products["V0"], products["Track"]
    assert ak.all(tracks[pairs.trackIdx1].charge == 1)
    assert ak.all(tracks[pairs.trackIdx2].charge == -1)


def test_events_without_particles_are_possible():
    nothing = reconstruct(empty(2))
    assert ak.all(ak.num(nothing["PFCand"]) == 0)
    assert ak.all(nothing["PV"].isFake)


def test_about_1600_candidates_at_35_collisions(products):
    assert 1300 < ak.mean(ak.num(products["PFCand"])) < 1900


def prompt_tracks(number=4000):
    tracks = reconstruct(gun(211, number, pt=(1.0, 20.0)))["Track"]
    one = tracks[(ak.num(tracks) == 1) & (ak.sum(tracks.nPixelLayers > 2, axis=1) == 1)][:, 0]
    return {name: np.asarray(one[name], np.float64) for name in one.fields}


def test_pulls_of_prompt_tracks():
    track = prompt_tracks()
    x, y = track["vx"] - BEAM_SPOT[0], track["vy"] - BEAM_SPOT[1]
    dxy = -x * np.sin(track["phi"]) + y * np.cos(track["phi"])
    pull = dxy / np.sqrt(track["covDxyDxy"])
    low, high = np.percentile(pull, [15.85, 84.15])
    assert (high - low) / 2 == pytest.approx(1.0, abs=0.15)
    assert np.mean(np.abs(pull) > 3) < 0.04
    assert np.mean(np.abs(pull) > 3) > 0.003  # a Gaussian has 0.0027


def test_errors_are_correlated_as_stated():
    batch = gun(13, 4000, pt=(4.0, 5.0), eta=(0.5, 0.6))
    tracks = reconstruct(batch)["Track"]
    one = tracks[ak.num(tracks) == 1][:, 0]
    true = np.arctan2(batch.py, batch.px)[np.asarray(ak.num(tracks) == 1)]
    d_phi = np.asarray(one.phi) - true
    x, y = one.vx - BEAM_SPOT[0], one.vy - BEAM_SPOT[1]
    dxy = np.asarray(-x * np.sin(one.phi) + y * np.cos(one.phi))
    core = (np.abs(d_phi) < 0.005) & (np.abs(dxy) < 0.02)
    measured = np.corrcoef(d_phi[core], dxy[core])[0, 1]
    stated = np.median(one.covPhiDxy / np.sqrt(one.covPhiPhi * one.covDxyDxy))
    assert stated < -0.5
    assert measured == pytest.approx(float(stated), abs=0.05)


@pytest.mark.parametrize(
    ("pdg_id", "eta", "tolerance"),
    [
        (211, (-2.3, 2.3), 0.05),
        (22, (-2.3, 2.3), 0.07),  # corrected like soft clusters, some of which are hadrons
        (130, (-2.3, 2.3), 0.25),
        (22, (3.2, 4.5), 0.1),
    ],
)
def test_response_to_single_particles(pdg_id, eta, tolerance):
    batch = gun(pdg_id, 1000, pt=(20.0, 40.0), eta=eta)
    candidates = reconstruct(batch)["PFCand"]
    phi = np.arctan2(batch.py, batch.px)
    along = ak.sum(candidates.pt * np.cos(candidates.phi - phi), axis=1)
    assert np.mean(along / np.hypot(batch.px, batch.py)) == pytest.approx(1.0, abs=tolerance)


@pytest.mark.parametrize(("pdg_id", "product"), [(13, "Muon"), (11, "Electron"), (22, "Photon")])
def test_leptons_and_photons_are_found(pdg_id, product):
    batch = gun(pdg_id, 500, pt=(25.0, 60.0))
    reconstructed = reconstruct(batch)
    assert ak.mean(ak.num(reconstructed[product]) > 0) > 0.85
    code = abs(reconstructed["PFCand"].pdgId)
    assert ak.mean(ak.any(code == pdg_id, axis=1)) > (0.8 if pdg_id != 22 else 0.7)


def test_pions_are_rarely_leptons():
    reconstructed = reconstruct(gun(211, 3000, pt=(10.0, 40.0)))
    code = abs(reconstructed["PFCand"].pdgId)
    assert ak.mean(ak.any(code == 13, axis=1)) < 0.02
    assert ak.mean(ak.any(code == 11, axis=1)) < 0.03
    assert ak.mean(ak.num(reconstructed["Muon"]) > 0) > 0.0


def test_the_isolated_muon_path_fires_on_muons_only():
    muons = reconstruct(gun(13, 200, pt=(30.0, 60.0)))["HLT"]
    photons = reconstruct(gun(22, 200, pt=(210.0, 300.0)))["HLT"]
    assert np.mean(muons.IsoMu24) > 0.8
    assert np.mean(photons.IsoMu24) < 0.01
    assert np.mean(photons.Photon200) > 0.6
    assert not np.any(muons.Photon200)
