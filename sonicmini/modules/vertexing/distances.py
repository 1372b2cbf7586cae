"""Distances between points and vertices with their errors (CMSSW: ``VertexDistance3D``, ``XY``).

Symmetric matrices are rows of six numbers, in NanoAOD's order: xx, yy, zz, xy, xz, yz.
"""

from typing import NamedTuple

import numpy as np

from sonicmini.modules.columns import Floats

_TINY = 1e-30


class Positions(NamedTuple):
    """Points with errors.

    Attributes:
        point: shape ``(n, 3)``, in cm.
        covariance: shape ``(n, 6)``, in cm2.
    """

    point: Floats
    covariance: Floats


class Distances(NamedTuple):
    """Lengths (cm) and their significances, each of shape ``(n,)``."""

    value: Floats
    significance: Floats


def distances(first: Positions, second: Positions) -> Distances:
    """Distances in space, with the errors along the line between the points.

    The significance is 0 at distance 0.
    """
    gap = second.point - first.point
    return _distances(gap, first.covariance + second.covariance)


def transverse_distances(first: Positions, second: Positions) -> Distances:
    """The same in the plane across the beam."""
    gap = second.point - first.point
    gap[:, 2] = 0.0
    return _distances(gap, first.covariance + second.covariance)


def _distances(gap: Floats, covariance: Floats) -> Distances:
    square = np.sum(gap**2, axis=1)
    variance = quadratic(covariance, gap) / np.maximum(square, _TINY)
    value = np.sqrt(square)
    return Distances(value, value / np.sqrt(np.maximum(variance, _TINY)))


def quadratic(matrix: Floats, vector: Floats) -> Floats:
    """``v^T M v`` of each row; shapes ``(n, 6)`` and ``(n, 3)``."""
    x, y, z = vector.T
    xx, yy, zz, xy, xz, yz = matrix.T
    diagonal = xx * x * x + yy * y * y + zz * z * z
    return np.asarray(diagonal + 2.0 * (xy * x * y + xz * x * z + yz * y * z))


def inverse(matrix: Floats) -> Floats:
    """The inverses of symmetric positive definite matrices of shape ``(n, 6)``."""
    xx, yy, zz, xy, xz, yz = matrix.T
    a, b, c = yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy
    d, e, f = xx * zz - xz * xz, xy * xz - xx * yz, xx * yy - xy * xy
    determinant = xx * a + xy * b + xz * c
    return np.stack([column / determinant for column in (a, d, f, b, c, e)], axis=1)
