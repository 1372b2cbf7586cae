"""Distances and their errors against matrices of numpy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonicmini.modules.vertexing.distances import (
    Positions,
    distances,
    inverse,
    quadratic,
    transverse_distances,
)
from tests.modules.vertexing.toy_tracks import ORDER, matrix

SEEDS = st.integers(0, 2**32 - 1)


def positions(rng, n):
    roots = rng.normal(0, 0.01, (n, 3, 3))
    full = roots @ roots.transpose(0, 2, 1) + 1e-6 * np.eye(3)
    six = np.stack([full[:, a, b] for a, b in ORDER], axis=1)
    return Positions(rng.normal(0, 1, (n, 3)), six)


@given(SEEDS)
def test_errors_lie_along_the_gap(seed):
    rng = np.random.default_rng(seed)
    first, second = positions(rng, 5), positions(rng, 5)
    space, plane = distances(first, second), transverse_distances(first, second)
    for k in range(5):
        gap = second.point[k] - first.point[k]
        total = matrix(first.covariance[k]) + matrix(second.covariance[k])
        for result, used in ((space, gap), (plane, gap * [1, 1, 0])):
            length = np.linalg.norm(used)
            error = np.sqrt(used @ total @ used) / length
            assert result.value[k] == pytest.approx(length)
            assert result.significance[k] == pytest.approx(length / error)


def test_no_distance_is_not_significant():
    point = Positions(np.zeros((1, 3)), np.array([[1e-4] * 3 + [0.0] * 3]))
    assert distances(point, point).significance.tolist() == [0.0]


@given(SEEDS)
def test_inverse_and_quadratic_form(seed):
    rng = np.random.default_rng(seed)
    six, vectors = positions(rng, 4).covariance, rng.normal(0, 1, (4, 3))
    inverted, values = inverse(six), quadratic(six, vectors)
    for k in range(4):
        expected = np.linalg.inv(matrix(six[k]))
        assert matrix(inverted[k]) == pytest.approx(expected, rel=1e-6, abs=1e-6 * expected.max())
        assert values[k] == pytest.approx(vectors[k] @ matrix(six[k]) @ vectors[k])
