"""Jets of missing momenta on events small enough to work out by hand."""

import awkward as ak
import numpy as np
import pytest

from sonicmini.modules.met.jets import good_muons, leptons, met_jets


def candidate(pt, pdg_id, eta=0.0, phi=0.0, mass=0.0):
    return {"pt": pt, "eta": eta, "phi": phi, "mass": mass, "pdgId": pdg_id}


EVENTS = ak.Array(
    [
        [candidate(20.0, 211), candidate(12.0, -13), candidate(8.0, 22), candidate(5.0, 11)],
        [],
        [candidate(40.0, 2, eta=4.0), candidate(9.0, 13)],
    ]
)
MUONS = ak.Array(
    [
        [
            {"pfCandIdx": 1, "isGlobal": True, "isStandalone": False},
            {"pfCandIdx": -1, "isGlobal": True, "isStandalone": True},
            {"pfCandIdx": 0, "isGlobal": False, "isStandalone": False},
        ],
        [],
        [{"pfCandIdx": 1, "isGlobal": False, "isStandalone": True}],
    ]
)


def read(lepton_pt_min=10.0, weight=None):
    jets = [[candidate(45.0, 0)], [], [candidate(40.0, 0, eta=4.0), candidate(9.0, 0)]]
    links = [[(0, 0), (0, 1), (0, 2), (0, 3)], [], [(0, 0), (1, 1)]]
    counts = [1, 0, 2]
    columns = ("factor", "l1Factor", "uncertainty", "ptResolution", "phiResolution")
    products = {
        "PFCand": EVENTS,
        "Muon": MUONS,
        "Jets": ak.Array(jets),
        "Links": ak.Array([[{"jetIdx": j, "candIdx": k} for j, k in pairs] for pairs in links]),
        "Factors": ak.unflatten(
            ak.zip({name: np.arange(3) + i for i, name in enumerate(columns)}), counts
        ),
    }
    weight = np.ones(6) if weight is None else weight
    return met_jets(products, ("Jets", "Links", "Factors"), weight, lepton_pt_min=lepton_pt_min)


def test_muons_are_taken_out_and_photons_counted():
    jets = read()
    np.testing.assert_allclose(jets.no_muons[0], [33.0, 0.0, 0.0, 33.0])
    np.testing.assert_allclose(jets.no_muons[1], jets.p4[1])
    np.testing.assert_allclose(jets.no_muons[2], np.zeros(4), atol=1e-12)
    np.testing.assert_allclose(jets.em_fraction, [13 / 45, 1.0, 0.0])


def test_weights_count_for_muons_and_photons():
    jets = read(weight=np.array([1.0, 0.5, 0.25, 1.0, 1.0, 1.0]))
    assert jets.no_muons[0, 0] == pytest.approx(45.0 - 6.0)
    assert jets.em_fraction[0] == pytest.approx((2.0 + 5.0) / 45)


def test_leptons_above_the_threshold_mark_their_jet():
    assert read(10.0).has_lepton.tolist() == [True, False, False]
    assert read(8.0).has_lepton.tolist() == [True, False, True]
    assert read(20.0).has_lepton.tolist() == [False, False, False]
    assert leptons(EVENTS, 6.0).tolist() == [False, True, False, False, False, True]


def test_columns_of_the_corrections():
    jets = read()
    assert jets.factor.tolist() == [0, 1, 2]
    assert jets.l1_factor.tolist() == [1, 2, 3]
    assert jets.phi_resolution.tolist() == [4, 5, 6]


def test_good_muons_are_global_or_stand_alone():
    assert good_muons(MUONS, EVENTS).tolist() == [False, True, False, False, False, True]
    assert good_muons(MUONS[:0], EVENTS[:0]).tolist() == []
