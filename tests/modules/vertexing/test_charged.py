"""Selected tracks and PV 0 against the products, candidate by candidate."""

import math

import awkward as ak
import numpy as np
import pytest

from sonicmini.modules.vertexing.charged import charged_tracks, first_vertices
from tests.modules.vertexing.toy_tracks import real_products
from tests.toys import toy_products


def selected(products, min_pt):
    names = ("PFCand", "Track", "SlimmedPV")
    return charged_tracks(*(products[name] for name in names), min_pt=min_pt)


def test_tracks_by_falling_pt():
    products = real_products()
    result = selected(products, 0.9)
    assert len(result.offsets) == len(products["PFCand"]) + 1
    for event in range(len(products["PFCand"])):
        tracks = products["Track"][event].to_list()
        vertex = products["SlimmedPV"][event][0]
        rows = []
        for place, index in enumerate(products["PFCand"][event].trackIdx.to_list()):
            t = tracks[index]
            if index >= 0 and t["pt"] > 0.9:
                rows.append((-t["pt"], t["eta"], t["phi"], place, index))
        rows.sort()
        span = slice(result.offsets[event], result.offsets[event + 1])
        assert result.candidate[span].tolist() == [row[3] for row in rows]
        for k, row in enumerate(rows, result.offsets[event]):
            t = tracks[row[4]]
            x, y = t["vx"] - vertex.x, t["vy"] - vertex.y
            along = x * math.cos(t["phi"]) + y * math.sin(t["phi"])
            dz = t["vz"] - vertex.z - along * math.sinh(t["eta"])
            assert result.dz[k] == pytest.approx(dz, abs=1e-5)
            assert result.layers[k] == t["nPixelLayers"] + t["nStripLayers"]
            assert result.hits[k] == t["nValidHits"]
            assert result.pixel_hits[k] == t["nValidPixelHits"]


def test_equal_pt_is_ordered_by_direction():
    products = dict(real_products())
    tracks = products["Track"]
    products["Track"] = ak.with_field(tracks, ak.ones_like(tracks.pt), "pt")
    result = selected(products, 0.5)
    for first, last in zip(result.offsets[:-1], result.offsets[1:], strict=True):
        eta = result.eta[first:last]
        assert eta.tolist() == sorted(eta.tolist())


def test_events_without_a_vertex():
    products = toy_products(3, 1, candidates=(50, 60, 70), vertices=(2, 0, 1))
    products["SlimmedPV"] = products["PV"]
    result = selected(products, 0.0)
    assert np.diff(result.offsets)[1] == 0
    assert np.all(np.diff(result.offsets)[[0, 2]] > 0)
    pv = first_vertices(products["PV"])
    assert pv.point[1].tolist() == [0.0] * 3
    assert pv.point[2].tolist() == [float(products["PV"][2, 0][axis]) for axis in "xyz"]
    assert pv.covariance[0, 2] == products["PV"][0, 0].covZZ
