"""Tracks as helices in the solenoid, and as straight lines with errors near a point.

A track is the five parameters q/p, lambda, phi, dxy, dsz of CMS at its reference point. Along the
transverse path s its azimuth is ``phi + h s`` with the signed curvature ``h = -q / radius``, and a
change of the parameters moves it by ``J`` in the plane across its direction (A. Strandlie and
W. Wittek, Nucl. Instrum. Meth. A 566 (2006) 687; derived here again for a homogeneous field).
"""

import math
from typing import NamedTuple

import awkward as ak
import numpy as np

from sonicmini.modules.columns import Floats, Ints, flat, kernel

RADIUS_PER_PT = 100.0 / (0.299792458 * 3.8)
"""Radius of curvature (cm) of a track of 1 GeV in 3.8 T."""

_MAX_STEPS = 10
_ENOUGH = 1e-8  # cm of path
_LEAST_VARIANCE = 1e-12  # cm2, against rounding of stored covariances
_LARGEST_CORRELATION = 0.999
_Vector = tuple[float, float, float]


class Helices(NamedTuple):
    """Tracks, each column of shape ``(tracks,)``; cm, radian.

    Attributes:
        x: reference point; also ``y``, ``z``.
        phi: azimuth of the direction there; also its ``cos`` and ``sin``.
        tan: tangent of lambda, pz/pT.
        h: signed curvature (1/cm), negative for positive charges.
        covariance: shape ``(tracks, 8)``: relative variance of q/p, variances of lambda, phi, dxy,
            dsz, covariances dxy-dsz, phi-dxy, lambda-dsz. The others are not in the input.
    """

    x: Floats
    y: Floats
    z: Floats
    phi: Floats
    cos: Floats
    sin: Floats
    tan: Floats
    h: Floats
    covariance: Floats


class Lines(NamedTuple):
    """Tracks as straight lines near given points, with errors across their direction.

    Attributes:
        point: of closest approach to the given point, shape ``(n, 3)``.
        direction: unit vectors, shape ``(n, 3)``.
        covariance: of the point, shape ``(n, 6)``: xx, yy, zz, xy, xz, yz. Nothing along the line.
        weight: its inverse in the plane across the line, shape ``(n, 6)``.
    """

    point: Floats
    direction: Floats
    covariance: Floats
    weight: Floats


COVARIANCE = (
    "covQopQop",
    "covLamLam",
    "covPhiPhi",
    "covDxyDxy",
    "covDszDsz",
    "covDxyDsz",
    "covPhiDxy",
    "covLamDsz",
)
"""Columns of a track's covariance, in the order of ``Helices.covariance``."""


def helices_of(tracks: ak.Array, index: Ints) -> Helices:
    """The chosen tracks of the product ``Track``, by their position among those of all events."""
    names = ("pt", "eta", "phi", "charge", "vx", "vy", "vz")
    pt, eta, phi, charge, x, y, z = (flat(tracks, name)[index] for name in names)
    covariance = np.stack([flat(tracks, name)[index] for name in COVARIANCE], axis=1)
    covariance[:, 0] *= (pt * np.cosh(eta)) ** 2
    h = -charge / (RADIUS_PER_PT * pt)
    return Helices(x, y, z, phi, np.cos(phi), np.sin(phi), np.sinh(eta), h, covariance)


def taken(helices: Helices, index: Ints) -> Helices:
    """Some of the helices."""
    return Helices(*(column[index] for column in helices))


@kernel
def linearise(helices: Helices, track: Ints, point: Floats) -> Lines:
    """Straight lines through the points of closest approach in space.

    Args:
        helices: tracks.
        track: which of them, shape ``(n,)``.
        point: to which each comes close, shape ``(n, 3)``.
    """
    n = len(track)
    lines = Lines(np.empty((n, 3)), np.empty((n, 3)), np.empty((n, 6)), np.empty((n, 6)))
    for k in range(n):
        i = track[k]
        path = _path_to(helices, i, (point[k, 0], point[k, 1], point[k, 2]))
        position, (cos_phi, sin_phi, _) = _state(helices, i, path)
        cos_lam = 1.0 / math.sqrt(1.0 + helices.tan[i] ** 2)
        sin_lam = helices.tan[i] * cos_lam
        across = (-sin_phi, cos_phi, 0.0)
        upward = (-sin_lam * cos_phi, -sin_lam * sin_phi, cos_lam)
        uu, uv, vv = _errors(helices, i, path)
        det = uu * vv - uv * uv
        lines.direction[k] = (cos_lam * cos_phi, cos_lam * sin_phi, sin_lam)
        lines.point[k] = position
        _combine(lines.covariance[k], across, upward, (uu, uv, vv))
        _combine(lines.weight[k], across, upward, (vv / det, -uv / det, uu / det))
    return lines


@kernel
def _state(helices: Helices, i: int, path: float) -> tuple[_Vector, _Vector]:
    """Position after a transverse path (cm), and its derivative."""
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


@kernel
def _path_to(helices: Helices, i: int, point: _Vector) -> float:
    """Transverse path from the reference point to the closest approach to a point, by Newton.

    It stays within a quarter of a turn of the reference point.
    """
    h, tan = helices.h[i], helices.tan[i]
    limit = 0.5 * math.pi / max(abs(h), 1e-12)
    path = 0.0
    for _ in range(_MAX_STEPS):
        (x, y, z), (tx, ty, tz) = _state(helices, i, path)
        dx, dy, dz = x - point[0], y - point[1], z - point[2]
        slope = dx * tx + dy * ty + dz * tz
        curvature = 1.0 + tan * tan
        curvature += max(h * (dy * tx - dx * ty), -0.9)
        step = slope / curvature
        path = min(max(path - step, -limit), limit)
        if abs(step) < _ENOUGH:
            break
    return path


@kernel
def _errors(helices: Helices, i: int, path: float) -> tuple[float, float, float]:
    """Variances and covariance (cm2) across the track, in the bending plane and upward."""
    h, tan = helices.h[i], helices.tan[i]
    cos_lam = 1.0 / math.sqrt(1.0 + tan * tan)
    sin_lam = tan * cos_lam
    turn = h * path
    sine, cosine = math.sin(turn), math.cos(turn)
    straight = sine / h if abs(turn) > 1e-9 else path
    bent = 2.0 * math.sin(0.5 * turn) ** 2 / h if abs(turn) > 1e-9 else 0.5 * h * path * path
    lag = -sin_lam * (path - straight)
    # Derivatives by ln(q/p), lambda, phi, dxy, dsz of the shift in the bending plane and upward.
    u = (bent, tan * bent, straight, cosine, sin_lam * sine)
    v = (
        lag,
        path / cos_lam + tan * lag,
        -sin_lam * bent,
        -sin_lam * sine,
        sin_lam**2 * cosine + cos_lam**2,
    )
    uu, uv, vv = (
        _sandwich(helices, i, u, u),
        _sandwich(helices, i, u, v),
        _sandwich(helices, i, v, v),
    )
    uu, vv = max(uu, _LEAST_VARIANCE), max(vv, _LEAST_VARIANCE)
    most = _LARGEST_CORRELATION * math.sqrt(uu * vv)
    return uu, min(max(uv, -most), most), vv


_Five = tuple[float, float, float, float, float]


@kernel
def _sandwich(helices: Helices, i: int, a: _Five, b: _Five) -> float:
    """The covariance of two linear combinations of the parameters."""
    c = helices.covariance[i]
    total = 0.0
    for k in range(5):
        total += a[k] * b[k] * c[k]
    total += (a[3] * b[4] + a[4] * b[3]) * c[5]
    total += (a[2] * b[3] + a[3] * b[2]) * c[6]
    total += (a[1] * b[4] + a[4] * b[1]) * c[7]
    return float(total)


@kernel
def _combine(out: Floats, u: _Vector, v: _Vector, m: _Vector) -> None:
    """Writes xx, yy, zz, xy, xz, yz of the matrix with elements ``m`` (uu, uv, vv) between u, v."""
    uu, uv, vv = m
    for k, (a, b) in enumerate(((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))):
        out[k] = uu * u[a] * u[b] + uv * (u[a] * v[b] + v[a] * u[b]) + vv * v[a] * v[b]
