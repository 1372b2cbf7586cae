"""Cuts on vertices by hand."""

import numpy as np
import pytest

from sonicmini.modules.vertexing.adaptive import Fits
from sonicmini.modules.vertexing.distances import Positions
from sonicmini.modules.vertexing.secondary import (
    DEFAULT_VERTEX_CUTS,
    SecondaryVertices,
    is_displaced,
    secondary_vertices,
    summed,
)
from sonicmini.modules.vertexing.seeding import Groups

SPHERE = np.array([1e-4, 1e-4, 1e-4, 0.0, 0.0, 0.0])  # errors of 0.01 cm


def vertex(point, chi2=1.0, ndof=1.0):
    groups = Groups(np.array([0, 1]), np.array([0, 2]), np.array([0]), np.array([point]))
    return SecondaryVertices(groups, SPHERE[np.newaxis], np.array([chi2]), np.array([ndof]))


def passes(at, cuts=DEFAULT_VERTEX_CUTS, direction=((1.0, 0.0, 0.0), (0.8, 0.6, 0.0))):
    pv = Positions(np.zeros((1, 3)), 0 * SPHERE[np.newaxis])
    return bool(is_displaced(at, np.array(direction), pv, cuts)[0])


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (vertex((0.09, 0.03, 0.0)), True),
        (vertex((0.018, 0.006, 0.0)), False),  # 1.9 sigma
        (vertex((0.018, 0.006, 0.3)), False),  # far, but along the beam
        (vertex((-0.09, -0.03, 0.0)), False),  # behind
        (vertex((0.03, 0.09, 0.0)), False),  # 53 degrees from the tracks
        (vertex((0.09, 0.03, 0.0), chi2=10.1), False),
        (vertex((0.09, 0.03, 0.0), chi2=0.1, ndof=-0.5), False),
    ],
)
def test_displaced(at, expected):
    assert passes(at) is expected


def test_significance_in_space():
    at = vertex((0.09, 0.03, 0.0))
    assert not passes(at, DEFAULT_VERTEX_CUTS._replace(min_dlen_sig=9.6))
    assert passes(at, DEFAULT_VERTEX_CUTS._replace(min_dlen_sig=9.4))


def test_tracks_of_small_weight_leave():
    groups = Groups(
        np.array([4, 5, 6, 4, 7, 8, 9]),
        np.array([0, 3, 5, 7]),
        np.array([0, 0, 1]),
        np.zeros((3, 3)),
    )
    fits = Fits(
        np.array([True, True, False]),
        np.arange(9.0).reshape(3, 3),
        np.tile(SPHERE, (3, 1)),
        np.array([1.0, 2.0, 3.0]),
        np.ones(3),
        np.array([0.9, 0.4, 0.5, 0.9, 0.1, 0.9, 0.9]),
    )
    kept = secondary_vertices(groups, fits)
    assert kept.groups.track.tolist() == [4, 6]
    assert kept.groups.offsets.tolist() == [0, 2]
    assert kept.groups.point.tolist() == [[0.0, 1.0, 2.0]]
    assert kept.chi2.tolist() == [1.0]


def test_sums_over_members():
    groups = Groups(np.arange(3), np.array([0, 0, 3]), np.array([0, 0]), np.zeros((2, 3)))
    assert summed(np.eye(3), groups).tolist() == [[0.0] * 3, [1.0] * 3]
