"""Sums of tracks against a loop over all tracks."""

import math

import awkward as ak
import numpy as np
import pytest

from sonicmini.modules.leptons.track_isolation import ELECTRON_CONE, MUON_CONE, track_sums
from tests.modules.leptons.events import distance, listed, simulated


@pytest.mark.parametrize("cone", [MUON_CONE, ELECTRON_CONE])
def test_sums_are_those_of_a_loop(cone):
    products = simulated()
    tracks, spots = listed(products, "Track"), products["BeamSpot"].to_list()
    starts = np.append(0, np.cumsum([len(event) for event in tracks]))
    chosen = [(e, i) for e in range(0, 60, 3) for i in range(0, len(tracks[e]), 150)]
    index = np.array([starts[e] + i for e, i in chosen])
    found = track_sums(products["Track"], products["BeamSpot"], index, cone)
    expected = []
    for e, i in chosen:
        own, total = tracks[e][i], 0.0
        for k, track in enumerate(tracks[e]):
            away = distance(track, own)
            if k == i or not cone.inner < away < cone.outer or track["pt"] <= cone.min_pt:
                continue
            if abs(track["eta"] - own["eta"]) < cone.strip:
                continue
            from_spot = math.hypot(track["vx"] - spots[e]["x"], track["vy"] - spots[e]["y"])
            if abs(track["vz"] - own["vz"]) <= cone.max_dz and from_spot < cone.max_dxy:
                total += track["pt"]
        expected.append(total)
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-6)
    assert np.count_nonzero(found) > 20


def test_without_track():
    products = simulated()
    some = {name: products[name][:2] for name in ("Track", "BeamSpot")}
    sums = track_sums(some["Track"], some["BeamSpot"], np.array([-1]), MUON_CONE)
    assert sums.tolist() == [0.0]
    nothing = ak.Array(some["Track"][:0]), ak.Array(some["BeamSpot"][:0])
    assert len(track_sums(*nothing, np.zeros(0, dtype=np.int64), MUON_CONE)) == 0
