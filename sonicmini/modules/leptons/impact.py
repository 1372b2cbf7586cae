"""Impact parameters of tracks with respect to PV 0, on the helix, with errors.

CMSSW: ``IPTools::signedTransverseImpactParameter``, ``absoluteImpactParameter3D`` and
``reco::Track::dz``, as ``PATMuonProducer`` stores them.
"""

import math
from typing import NamedTuple, TypeAlias

import awkward as ak
import numpy as np

from sonicmini.modules.columns import Columns, Floats, Ints, flat, kernel, offsets_of

_RADIUS_PER_PT = 100.0 / (0.299792458 * 3.8)
"""Radius of curvature (cm) of a track of 1 GeV in 3.8 T."""

_STEPS = 8

Point: TypeAlias = tuple[float, float, float]
Helix: TypeAlias = tuple[float, float, float, float, float, float]
"""Reference point (3 numbers), azimuth, cotangent of the polar angle, signed curvature (1/cm)."""


class Helices(NamedTuple):
    """Tracks at their reference points, each column of shape ``(tracks,)``; GeV, cm, radian.

    Attributes:
        cot: cotangent of the polar angle.
        covariance: the elements of ``_ELEMENTS``, shape ``(tracks, 7)``.
    """

    vx: Floats
    vy: Floats
    vz: Floats
    pt: Floats
    phi: Floats
    cot: Floats
    charge: Floats
    covariance: Floats


_ELEMENTS = (
    "covDxyDxy",
    "covDszDsz",
    "covDxyDsz",
    "covPhiPhi",
    "covPhiDxy",
    "covLamLam",
    "covLamDsz",
)
_POSITION = ("x", "y", "z")
_VERTEX_COVARIANCE = (
    "covXX",
    "covXY",
    "covXZ",
    "covXY",
    "covYY",
    "covYZ",
    "covXZ",
    "covYZ",
    "covZZ",
)


def impact_parameters(tracks: ak.Array, vertices: ak.Array, track: Ints, event: Ints) -> Columns:
    """Impact parameters of the tracks of objects with respect to the first vertex.

    Without track or vertex the values are 0 and the errors, ``ip3d`` and ``sip3d`` are -1.

    Args:
        tracks: of all events.
        vertices: of all events, the leading one first.
        track: of each object, among those of all events; -1 for none.
        event: of each object.

    Returns:
        dxy, dxyErr, dz, dzErr, ip3d (cm) and sip3d, NanoAOD's names, in single precision.
    """
    offsets = offsets_of(vertices)
    known = np.flatnonzero((track >= 0) & (np.diff(offsets)[event] > 0))
    first = offsets[event[known]]
    position = np.stack([flat(vertices, name)[first] for name in _POSITION], axis=1)
    errors = np.stack([flat(vertices, name)[first] for name in _VERTEX_COVARIANCE], axis=1)
    found = _approach(_helices(tracks, track[known]), position, errors.reshape(-1, 3, 3))
    columns: Columns = {}
    for i, (name, missing) in enumerate(_MISSING.items()):
        columns[name] = np.full(len(track), missing, dtype=np.float32)
        columns[name][known] = found[:, i]
    return columns


def beam_spot_dxy(tracks: ak.Array, beam_spot: ak.Array, track: Ints, event: Ints) -> Columns:
    """The column ``dxybs``: dxy (cm) with respect to the beam spot, 0 without track.

    The reference points of tracks are where they are closest to it. Args as above.
    """
    x, y = (np.asarray(beam_spot[name], dtype=np.float64)[event] for name in ("x", "y"))
    vx, vy, phi = (np.append(flat(tracks, name), 0.0)[track] for name in ("vx", "vy", "phi"))
    dxy = (vy - y) * np.cos(phi) - (vx - x) * np.sin(phi)
    return {"dxybs": np.where(track >= 0, dxy, 0.0).astype(np.float32)}


_MISSING = {"dxy": 0.0, "dxyErr": -1.0, "dz": 0.0, "dzErr": -1.0, "ip3d": -1.0, "sip3d": -1.0}


def _helices(tracks: ak.Array, index: Ints) -> Helices:
    names = ("vx", "vy", "vz", "pt", "phi", "eta", "charge")
    vx, vy, vz, pt, phi, eta, charge = (flat(tracks, name)[index] for name in names)
    covariance = np.stack([flat(tracks, name)[index] for name in _ELEMENTS], axis=1)
    return Helices(vx, vy, vz, pt, phi, np.sinh(eta), charge, covariance)


@kernel
def _away(helix: Helix, vertex: Point, path: float) -> Point:
    """Vector from a vertex to the point of a helix after a transverse ``path`` (cm)."""
    vx, vy, vz, phi, cot, h = helix
    at = phi + h * path
    return (
        vx + (math.sin(at) - math.sin(phi)) / h - vertex[0],
        vy - (math.cos(at) - math.cos(phi)) / h - vertex[1],
        vz + path * cot - vertex[2],
    )


@kernel
def _in_plane(helix: Helix, vertex: Point) -> tuple[float, float]:
    """Closest approach in the transverse plane, exactly: its dxy and the path to it."""
    vx, vy, _, phi, _, h = helix
    to_x = vertex[0] - (vx - math.sin(phi) / h)
    to_y = vertex[1] - (vy + math.cos(phi) / h)
    sign = 1.0 if h > 0.0 else -1.0
    turn = math.atan2(sign * to_x, -sign * to_y) - phi
    turn -= 2.0 * math.pi * math.floor(turn / (2.0 * math.pi) + 0.5)
    return sign * math.hypot(to_x, to_y) - 1.0 / h, turn / h


@kernel
def _in_space(helix: Helix, vertex: Point, start: float) -> float:
    """The path to the closest approach in space, by Newton's method."""
    _, _, _, phi, cot, h = helix
    path = start - _away(helix, vertex, start)[2] * cot / (1.0 + cot * cot)
    for _ in range(_STEPS):
        dx, dy, dz = _away(helix, vertex, path)
        cos, sin = math.cos(phi + h * path), math.sin(phi + h * path)
        bend = 1.0 + cot * cot + h * (dy * cos - dx * sin)
        path -= (dx * cos + dy * sin + dz * cot) / max(bend, 0.1)
    return path


@kernel
def _transported(track: Floats, path: float, cosh: float) -> tuple[float, float]:
    """Variances of dxy and dsz after a transverse path, from those at the reference point."""
    length = path * cosh
    dxy = track[0] + 2.0 * path * track[4] + path * path * track[3]
    dsz = track[1] + 2.0 * length * track[6] + length * length * track[5]
    return dxy, dsz


@kernel
def _along(covariance: Floats, direction: Point) -> float:
    """Variance of a position along a direction."""
    total = 0.0
    for a in range(3):
        for b in range(3):
            total += direction[a] * direction[b] * covariance[a, b]
    return total


@kernel
def _approach(helices: Helices, position: Floats, errors: Floats) -> Floats:
    """The columns of ``_MISSING`` for each track, shape ``(tracks, 6)``.

    Args:
        helices: the tracks.
        position: of the vertex of each, shape ``(tracks, 3)``.
        errors: its covariance, shape ``(tracks, 3, 3)``.
    """
    result = np.empty((len(helices.pt), 6))
    for i in range(len(helices.pt)):
        phi, cot, track = helices.phi[i], helices.cot[i], helices.covariance[i]
        h = -helices.charge[i] / (_RADIUS_PER_PT * helices.pt[i])
        helix = (helices.vx[i], helices.vy[i], helices.vz[i], phi, cot, h)
        vertex = (position[i, 0], position[i, 1], position[i, 2])
        cosh = math.sqrt(1.0 + cot * cot)

        dxy, path = _in_plane(helix, vertex)
        cos, sin = math.cos(phi + h * path), math.sin(phi + h * path)
        across = _transported(track, path, cosh)[0] + _along(errors[i], (-sin, cos, 0.0))
        beside = track[1] * cosh * cosh + errors[i, 2, 2]
        result[i, 0], result[i, 1] = dxy, math.sqrt(max(across, 0.0))
        result[i, 2], result[i, 3] = _away(helix, vertex, path)[2], math.sqrt(max(beside, 0.0))

        path = _in_space(helix, vertex, path)
        dx, dy, dz = _away(helix, vertex, path)
        distance = math.sqrt(dx * dx + dy * dy + dz * dz)
        result[i, 4], result[i, 5] = distance, 0.0
        if distance == 0.0:
            continue
        # The distance is at right angles to the track: only dxy and dsz move it.
        unit = (dx / distance, dy / distance, dz / distance)
        cos, sin = math.cos(phi + h * path), math.sin(phi + h * path)
        in_dxy = unit[1] * cos - unit[0] * sin
        in_dsz = (unit[2] - cot * (unit[0] * cos + unit[1] * sin)) / cosh
        var_dxy, var_dsz = _transported(track, path, cosh)
        variance = in_dxy * in_dxy * var_dxy + in_dsz * in_dsz * var_dsz
        variance += 2.0 * in_dxy * in_dsz * track[2] + _along(errors[i], unit)
        result[i, 5] = distance / math.sqrt(variance) if variance > 0.0 else 0.0
    return result
