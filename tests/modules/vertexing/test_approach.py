"""Closest approach of two helices against scipy's minimisation."""

import numpy as np
import pytest
from scipy.optimize import minimize

from sonicmini.modules.vertexing.approach import closest_approach
from tests.modules.vertexing.toy_tracks import at, column_helices, parameters, tracks_from


def pairs(number, *, smeared, flight=2.0, seed=3):
    rng = np.random.default_rng(seed)
    tracks, covariances, vertices = [], [], []
    for _ in range(number):
        vertex = rng.normal(0, flight / 2, 3)
        rows, eight = tracks_from(vertex, 2, rng, smeared=smeared)
        tracks += rows
        covariances += eight
        vertices.append(vertex)
    return column_helices(tracks, covariances), np.array(vertices)


def approach(helices, number):
    return closest_approach(helices, 2 * np.arange(number), 2 * np.arange(number) + 1)


def test_tracks_of_a_vertex_meet_there():
    helices, vertices = pairs(200, smeared=False)
    first, second = approach(helices, 200)
    assert first == pytest.approx(vertices, abs=1e-5)
    assert second == pytest.approx(vertices, abs=1e-5)


def test_smeared_tracks_against_scipy():
    number = 60
    helices, vertices = pairs(number, smeared=True)
    first, second = approach(helices, number)
    for k in range(number):
        a, b = parameters(helices, 2 * k), parameters(helices, 2 * k + 1)

        def square(paths, a=a, b=b):
            gap = at(a, paths[0])[0] - at(b, paths[1])[0]
            return gap @ gap

        guess = np.hypot(*vertices[k, :2])
        best = min(
            (minimize(square, start, method="BFGS", tol=1e-14) for start in ([guess] * 2, [0, 0])),
            key=lambda result: result.fun,
        )
        distance = np.linalg.norm(first[k] - second[k])
        assert distance == pytest.approx(np.sqrt(best.fun), abs=1e-6)


def test_the_gap_is_across_both_tracks():
    number = 100
    helices, _ = pairs(number, smeared=True, seed=8)
    first, second = approach(helices, number)
    for k in range(number):
        for i, point in ((2 * k, first[k]), (2 * k + 1, second[k])):
            track = parameters(helices, i)
            path = (point[2] - track[2]) / track[4]
            position, direction = at(track, path)
            assert position == pytest.approx(point, abs=1e-9)
            assert direction @ (first[k] - second[k]) == pytest.approx(0, abs=1e-6)


def test_parallel_tracks_stay_near():
    row = (0.0, 0.1, 0.0, 0.0, 0.5, 1e-3)
    other = (0.0, -0.1, 0.0, 0.0, 0.5, 1e-3)
    helices = column_helices([row, other], [[1e-6] * 5 + [0.0] * 3] * 2)
    first, second = approach(helices, 1)
    assert np.linalg.norm(first - second) == pytest.approx(0.2, rel=1e-2)


def test_no_pairs():
    helices, _ = pairs(1, smeared=False)
    empty = np.zeros(0, dtype=np.int64)
    first, second = closest_approach(helices, empty, empty)
    assert first.shape == second.shape == (0, 3)
