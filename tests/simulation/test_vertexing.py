"""The vertex finder against vertices put in."""

import numpy as np
import pytest

from sonicmini.simulation import records
from sonicmini.simulation.constants import BEAM_SPOT
from sonicmini.simulation.vertexing import find_vertices


def tracks_from(vertices, per_vertex, seed=3):
    """Tracks of known errors from points on the beam line."""
    random = np.random.default_rng(seed)
    tracks = np.zeros(len(vertices) * per_vertex, records.TRACK)
    tracks["pt"] = random.uniform(0.5, 5.0, len(tracks))
    tracks["eta"] = random.uniform(-1.5, 1.5, len(tracks))
    tracks["phi"] = random.uniform(-np.pi, np.pi, len(tracks))
    dxy, dz = random.normal(0.0, 0.003, len(tracks)), random.normal(0.0, 0.006, len(tracks))
    tracks["dxy"] = dxy
    tracks["vx"] = BEAM_SPOT[0] - dxy * np.sin(tracks["phi"])
    tracks["vy"] = BEAM_SPOT[1] + dxy * np.cos(tracks["phi"])
    tracks["vz"] = np.repeat(vertices, per_vertex) + dz
    tracks["covDxyDxy"], tracks["zErr"] = 0.003**2, 0.006
    tracks["nPixelLayers"], tracks["nStripLayers"] = 4, 10
    tracks["ndof"], tracks["chi2"], tracks["pvIdx"] = 20, 20.0, -1
    return tracks


def found(tracks):
    out = np.zeros(len(tracks) // 2 + 1, records.VERTEX)
    return out[: find_vertices(tracks, out)]


def test_separate_vertices_are_found_where_they_are():
    truth = np.array([-6.0, -1.0, -0.8, 0.3, 4.0])
    tracks = tracks_from(truth, 15)
    vertices = found(tracks)
    assert vertices["z"] == pytest.approx(truth, abs=0.01)
    assert np.all(tracks["pvIdx"] == np.repeat(np.arange(5), 15))
    assert np.all((tracks["pvWeight"] > 0.0) & (tracks["pvWeight"] <= 1.0))


def test_pulls_of_positions_are_right():
    truth = np.linspace(-20.0, 20.0, 101)
    vertices = found(tracks_from(truth, 20))
    assert len(vertices) == len(truth)
    for axis, at in (("X", BEAM_SPOT[0]), ("Y", BEAM_SPOT[1]), ("Z", truth)):
        pull = (vertices[axis.lower()] - at) / np.sqrt(vertices[f"cov{axis}{axis}"])
        assert np.std(pull) == pytest.approx(1.0, abs=0.2)
    assert np.mean(vertices["chi2"] / vertices["ndof"]) == pytest.approx(1.0, abs=0.15)


def test_close_vertices_merge():
    assert len(found(tracks_from(np.array([1.0, 1.02]), 15))) == 1


def test_displaced_tracks_have_no_vertex():
    tracks = tracks_from(np.array([0.0]), 30)
    tracks["dxy"][:5] += 0.1
    found(tracks)
    assert np.all(tracks["pvIdx"][:5] == -1)


def test_without_tracks_there_is_a_fake_vertex_at_the_beam_spot():
    vertices = found(tracks_from(np.array([]), 0))
    assert len(vertices) == 1
    assert vertices["isFake"][0]
    assert vertices["z"][0] == pytest.approx(BEAM_SPOT[2])
