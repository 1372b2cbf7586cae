"""Where two tracks pass closest to each other (CMSSW: ``TwoTrackMinimumDistance``)."""

import math

import numpy as np

from sonicmini.modules.columns import Floats, Ints, kernel
from sonicmini.modules.vertexing.helix import Helices

_MAX_STEPS = 20
_ENOUGH = 1e-7  # cm of path
_Vector = tuple[float, float, float]


@kernel
def closest_approach(helices: Helices, first: Ints, second: Ints) -> tuple[Floats, Floats]:
    """Points of closest approach of pairs of helices in space.

    Newton's method from the closest approach of the tangents at the reference points; within a
    quarter of a turn of them. Of several approaches it finds that one.

    Args:
        helices: tracks.
        first: one track of each pair, shape ``(n,)``.
        second: the other, shape ``(n,)``.

    Returns:
        The points on the first and on the second tracks, each of shape ``(n, 3)``.
    """
    n = len(first)
    on_first, on_second = np.empty((n, 3)), np.empty((n, 3))
    for k in range(n):
        i, j = first[k], second[k]
        a, b = 0.0, 0.0
        for _ in range(_MAX_STEPS):
            step_a, step_b = _newton_step(helices, (i, j), (a, b))
            next_a = _limited(a + step_a, helices.h[i])
            next_b = _limited(b + step_b, helices.h[j])
            done = abs(next_a - a) < _ENOUGH and abs(next_b - b) < _ENOUGH
            a, b = next_a, next_b
            if done:
                break
        on_first[k], _ = _state(helices, i, a)
        on_second[k], _ = _state(helices, j, b)
    return on_first, on_second


@kernel
def _newton_step(
    helices: Helices, pair: tuple[int, int], paths: tuple[float, float]
) -> tuple[float, float]:
    """Step of both paths towards the least distance; of Gauss and Newton where it is not convex."""
    (i, j), (a, b) = pair, paths
    (px, py, pz), (tx, ty, tz) = _state(helices, i, a)
    (qx, qy, qz), (ux, uy, uz) = _state(helices, j, b)
    dx, dy, dz = px - qx, py - qy, pz - qz
    slope_a = dx * tx + dy * ty + dz * tz
    slope_b = -(dx * ux + dy * uy + dz * uz)
    aa, bb = 1.0 + tz * tz, 1.0 + uz * uz
    ab = -(tx * ux + ty * uy + tz * uz)
    full_a = aa + helices.h[i] * (dy * tx - dx * ty)
    full_b = bb - helices.h[j] * (dy * ux - dx * uy)
    det = full_a * full_b - ab * ab
    if full_a > 0.0 and det > 1e-3 * (aa * bb - ab * ab):
        aa, bb = full_a, full_b
    det = max(aa * bb - ab * ab, 1e-9 * aa * bb)
    return (ab * slope_b - bb * slope_a) / det, (ab * slope_a - aa * slope_b) / det


@kernel
def _limited(path: float, h: float) -> float:
    limit = 0.5 * math.pi / max(abs(h), 1e-12)
    return min(max(path, -limit), limit)


@kernel
def _state(helices: Helices, i: int, path: float) -> tuple[_Vector, _Vector]:
    """Position after a transverse path (cm), and its derivative; as in ``helix.py``."""
    h, cos_phi, sin_phi, tan = helices.h[i], helices.cos[i], helices.sin[i], helices.tan[i]
    turn = h * path
    sine, cosine = math.sin(turn), math.cos(turn)
    along, across = path * (1.0 - turn * turn / 6.0), 0.5 * turn * path
    if abs(turn) > 1e-4:
        along, across = sine / h, (1.0 - cosine) / h
    x = helices.x[i] + along * cos_phi - across * sin_phi
    y = helices.y[i] + along * sin_phi + across * cos_phi
    tx, ty = cosine * cos_phi - sine * sin_phi, cosine * sin_phi + sine * cos_phi
    return (x, y, helices.z[i] + path * tan), (tx, ty, tan)
