"""Impact parameters of a tau's hardest track, and the vertex of three.

CMSSW: ``PFTauTransverseImpactParameters`` and ``PFTauSecondaryVertexProducer``. There the primary
vertex is fitted again without the tau's tracks; here it is PV 0 as it is.
"""

from typing import NamedTuple

import awkward as ak
import numpy as np

from sonicmini.modules.columns import Bools, Columns, Floats, Ints, flat

_RADIUS_PER_PT = 100.0 / (0.299792458 * 3.8)  # cm per GeV, in 3.8 T
NO_FLIGHT_SIGNIFICANCE = -9.9
"""CMSSW's value of taus without secondary vertex."""


class Points(NamedTuple):
    """Tracks at a point of them; cm.

    Attributes:
        position: shape ``(n, 3)``.
        direction: unit vector, shape ``(n, 3)``.
        across: two unit vectors orthogonal to it, the first in the transverse plane, the
            directions in which dxy and dsz are measured, shape ``(n, 2, 3)``.
        cov: of dxy and dsz, shape ``(n, 2, 2)``.
    """

    position: Floats
    direction: Floats
    across: Floats
    cov: Floats


def tracks_near(tracks: ak.Array, index: Ints, point: Floats) -> Points:
    """Tracks where they pass a point most closely in the transverse plane.

    The helix is followed exactly; errors are those at the reference point.

    Args:
        tracks: of all events.
        index: positions among all.
        point: one for each track, shape ``(n, 3)``.
    """
    pt, eta, phi = (flat(tracks, name)[index] for name in ("pt", "eta", "phi"))
    x, y, z = (flat(tracks, name)[index] for name in ("vx", "vy", "vz"))
    bend = -flat(tracks, "charge")[index] / (_RADIUS_PER_PT * pt)
    bend = np.where(bend == 0.0, 1e-9, bend)
    centre_x, centre_y = x - np.sin(phi) / bend, y + np.cos(phi) / bend
    to_x, to_y = point[:, 0] - centre_x, point[:, 1] - centre_y
    turned = np.arctan2(np.sign(bend) * to_x, -np.sign(bend) * to_y)
    step = (turned - phi + np.pi) % (2.0 * np.pi) - np.pi
    sin, cos, cot = np.sin(phi + step), np.cos(phi + step), np.sinh(eta)
    position = np.stack([centre_x + sin / bend, centre_y - cos / bend, z + cot * step / bend], 1)
    norm = np.cosh(eta)
    zero = np.zeros(len(pt))
    direction = np.stack([cos, sin, cot], 1) / norm[:, np.newaxis]
    dxy, dsz, mixed = (flat(tracks, f"cov{name}")[index] for name in _COVARIANCE)
    return Points(
        position,
        direction,
        np.stack([np.stack([-sin, cos, zero], 1), _lengthwise(direction)], 1),
        np.stack([np.stack([dxy, mixed], 1), np.stack([mixed, dsz], 1)], 1),
    )


_COVARIANCE = ("DxyDxy", "DszDsz", "DxyDsz")
_WEAK = 1e-6  # weight (1/cm2) that holds vertices of parallel tracks at the mean of their points


def _lengthwise(direction: Floats) -> Floats:
    """Unit vectors orthogonal to tracks, in the plane of track and beam, up the beam."""
    transverse = np.hypot(direction[:, 0], direction[:, 1])
    x, y = (-direction[:, i] * direction[:, 2] / transverse for i in (0, 1))
    return np.stack([x, y, transverse], 1)


def impact_columns(points: Points, vertex: tuple[Floats, Floats], direction: Floats) -> Columns:
    """Impact parameters (cm) to a vertex each, with errors.

    ``dxy`` and ``dz`` with the sign of the geometry and the errors of the track alone; ``ipDxy``
    and ``ip3d`` positive if the track passes on the side that the tau flies to, with the vertex'
    errors (CMSSW: ``IPTools``).

    Args:
        points: tracks at their closest approach.
        vertex: positions, shape ``(n, 3)``, and covariances, shape ``(n, 3, 3)``.
        direction: of the taus, shape ``(n, 3)``, of any length.
    """
    at, cov = vertex
    away = points.position - at
    dxy = np.einsum("ni,ni->n", away, points.across[:, 0])
    along = np.einsum("ni,ni->n", away, points.direction)
    closest = away - along[:, np.newaxis] * points.direction
    distance = np.linalg.norm(closest, axis=1)
    of_track = np.einsum("nai,nab,nbj->nij", points.across, points.cov, points.across)
    across = points.across[:, 0]
    cosh = 1.0 / np.hypot(points.direction[:, 0], points.direction[:, 1])
    flat_error2 = points.cov[:, 0, 0] + np.einsum("ni,nij,nj->n", across, cov, across)
    transverse = np.einsum("n,ni,ni->n", dxy, across[:, :2], direction[:, :2])
    return {
        "dxy": dxy,
        "dxyErr": np.sqrt(points.cov[:, 0, 0]),
        "dz": away[:, 2],
        "dzErr": np.sqrt(points.cov[:, 1, 1]) * cosh,
        "ipDxy": np.where(transverse >= 0.0, np.abs(dxy), -np.abs(dxy)),
        "ipDxyErr": np.sqrt(flat_error2),
        "ip3d": _signed(distance, np.einsum("ni,ni->n", closest, direction)),
        "ip3dErr": _error(closest, cov + of_track),
    }


def _signed(value: Floats, like: Floats) -> Floats:
    return np.asarray(np.where(like >= 0.0, value, -value))


def _error(vector: Floats, cov: Floats) -> Floats:
    """Error of the length of vectors of shape ``(n, 3)``."""
    length2 = np.einsum("ni,ni->n", vector, vector)
    error2 = np.einsum("ni,nij,nj->n", vector, cov, vector)
    ratio = np.divide(error2, length2, out=np.zeros(len(length2)), where=length2 > 0)
    return np.asarray(np.sqrt(ratio))


def fit_vertices(points: Points) -> tuple[Floats, Floats, Floats]:
    """Least-squares vertices of groups of three tracks, taken as straight lines.

    Returns:
        Positions, shape ``(n, 3)``, covariances, shape ``(n, 3, 3)``, and chi2 with three degrees
        of freedom.

    Args:
        points: tracks of one vertex after the other.
    """
    weight = np.linalg.inv(points.cov)
    normal = np.einsum("nai,nab,nbj->nij", points.across, weight, points.across)
    centre = points.position.reshape(-1, 3, 3).mean(axis=1)
    right = np.einsum("nij,nj->ni", normal, points.position - np.repeat(centre, 3, axis=0))
    cov = np.linalg.inv(normal.reshape(-1, 3, 3, 3).sum(axis=1) + _WEAK * np.eye(3))
    position = centre + np.einsum("nij,nj->ni", cov, right.reshape(-1, 3, 3).sum(axis=1))
    away = points.position - np.repeat(position, 3, axis=0)
    chi2 = np.einsum("ni,nij,nj->n", away, normal, away).reshape(-1, 3).sum(axis=1)
    return position, cov, chi2


def flight_columns(
    tracks: ak.Array, index: Ints, vertex: tuple[Floats, Floats], direction: Floats
) -> Columns:
    """Secondary vertices of taus with three tracks, and their flight from a vertex.

    Args:
        tracks: of all events.
        index: positions of three tracks among all, or -1 three times, shape ``(taus, 3)``.
        vertex: positions, shape ``(taus, 3)``, and covariances, shape ``(taus, 3, 3)``.
        direction: of the taus, which gives the significance its sign, shape ``(taus, 3)``.
    """
    has: Bools = np.all(index >= 0, axis=1)
    at, cov = vertex[0][has], vertex[1][has]
    first = tracks_near(tracks, index[has].ravel(), np.repeat(at, 3, axis=0))
    again = tracks_near(tracks, index[has].ravel(), np.repeat(fit_vertices(first)[0], 3, axis=0))
    position, own, chi2 = fit_vertices(again)
    flight = position - at
    error = _error(flight, cov + own)
    length = np.linalg.norm(flight, axis=1)
    significance = np.divide(length, error, out=np.zeros(len(length)), where=error > 0)
    forward = np.einsum("ni,ni->n", flight, direction[has])
    columns: Columns = {"hasSecondaryVertex": has}
    for i, axis in enumerate("XYZ"):
        columns[f"sv{axis}"] = _spread(position[:, i], has, 0.0)
        columns[f"flightLength{axis}"] = _spread(flight[:, i], has, 0.0)
    for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)):
        columns[f"svCov{'XYZ'[i]}{'XYZ'[j]}"] = _spread(own[:, i, j], has, 0.0)
    columns["svChi2"] = _spread(chi2, has, 0.0)
    signed = _signed(significance, forward)
    columns["flightLengthSig"] = _spread(signed, has, NO_FLIGHT_SIGNIFICANCE)
    return columns


def _spread(values: Floats, has: Bools, otherwise: float) -> Floats:
    column = np.full(len(has), otherwise)
    column[has] = values
    return column
