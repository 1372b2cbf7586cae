"""K0s and Lambda of real events: flights against numpy, candidates, resolution."""

import functools

import awkward as ak
import numpy as np
import pytest

from sonicmini.io.miniaod import MINIAOD
from sonicmini.modules.packing.candidates import PackPFCandidates
from sonicmini.modules.puppi.puppi import Puppi
from sonicmini.modules.vertexing.v0 import SlimmedV0s, two_track_covariance
from tests.modules.vertexing.toy_tracks import matrix, real_products
from tests.toys import toy_products

MODULE = SlimmedV0s()


@functools.cache
def made():
    products = dict(real_products())
    for module in (Puppi(), PackPFCandidates(), MODULE):
        products |= module.produce({name: products[name] for name in module.consumes})
    return products


def test_the_input_is_kept():
    products = made()
    for name in ("pt", "eta", "phi", "mass", "pdgId", "x", "y", "z", "chi2"):
        assert products["SlimmedV0"][name].to_list() == products["V0"][name].to_list()


def test_flights():
    products = made()
    for event, candidates in enumerate(products["SlimmedV0"].to_list()):
        pv = products["SlimmedPV"][event][0].to_list()
        names = ("covXX", "covYY", "covZZ", "covXY", "covXZ", "covYZ")
        for k, v0 in enumerate(candidates):
            gap = np.array([v0[axis] - pv[axis] for axis in "xyz"])
            assert v0["dlen"] == pytest.approx(np.linalg.norm(gap))
            assert v0["dxy"] == pytest.approx(np.hypot(gap[0], gap[1]))
            row = [[products["V0"][event][k][f"trackIdx{i}"]] for i in (1, 2)]
            pair = (np.array(row[0]), np.array(row[1]))
            point = np.array([[v0[axis] for axis in "xyz"]])
            own = two_track_covariance(products["Track"][event : event + 1], point, pair)[0]
            full = matrix(own) + matrix([pv[name] for name in names])
            expected = np.linalg.norm(gap) ** 2 / np.sqrt(gap @ full @ gap)
            assert v0["dlenSig"] == pytest.approx(expected)
            p = [np.cos(v0["phi"]), np.sin(v0["phi"]), np.sinh(v0["eta"])]
            cosine = gap @ p / np.linalg.norm(gap) / np.linalg.norm(p)
            assert np.cos(v0["pAngle"]) == pytest.approx(cosine, abs=1e-6)


def test_candidates_have_the_tracks():
    products = made()
    owned = 0
    for event, candidates in enumerate(products["SlimmedV0"].to_list()):
        track_of = products["PFCand"][event].trackIdx.to_list()
        place = products["PackedPFCand"][event].pfCandIdx.to_list()
        for v0, original in zip(candidates, products["V0"][event].to_list(), strict=True):
            for i in (1, 2):
                track, packed = original[f"trackIdx{i}"], v0[f"pfCandIdx{i}"]
                assert (packed == -1) == (track not in track_of)
                if packed >= 0:
                    assert track_of[place[packed]] == track
                    owned += 1
    assert owned > 10


def test_all_stored_columns_are_made():
    names = {branch.name for branch in MINIAOD["SlimmedV0"].branches}
    assert names == set(made()["SlimmedV0"].fields)


def test_extreme_events():
    products = toy_products(6, 5, candidates=(50, 0, 1, 2, 30, 400), vertices=(3, 1, 0, 2, 0, 9))
    products["SlimmedPV"] = products["PV"]
    index = ak.local_index(products["PFCand"].pt)
    products["PackedPFCand"] = ak.zip({"pfCandIdx": index})
    result = MODULE.produce({name: products[name] for name in MODULE.consumes})["SlimmedV0"]
    assert ak.num(result).to_list() == ak.num(products["V0"]).to_list()
    assert all(np.all(np.isfinite(ak.flatten(result[name]))) for name in result.fields)
    assert ak.all(result.dlen[ak.num(products["PV"]) == 0] == 0)
    none = MODULE.produce({name: products[name][:0] for name in MODULE.consumes})
    assert len(none["SlimmedV0"]) == 0


def test_without_tracks_a_vertex_is_unknown():
    tracks = real_products()["Track"]
    missing = np.array([-1, 3])
    covariance = two_track_covariance(tracks, np.zeros((2, 3)), (missing, np.array([5, -1])))
    assert covariance[:, :3] == pytest.approx(np.full((2, 3), 1e6))
