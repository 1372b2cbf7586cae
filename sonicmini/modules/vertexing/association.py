"""Which primary vertex each track comes from, in the five steps of CMSSW.

They are those of ``PrimaryVertexAssignment`` (``CommonTools/RecoAlgos``) with the settings of
``primaryVertexAssociation``. The first that finds a vertex wins.
"""

import math
from typing import NamedTuple

import numpy as np

from sonicmini.modules.columns import Bools, Floats, Ints, kernel
from sonicmini.modules.tracks import Tracks, Vertices

USED_IN_FIT, PRIMARY_DZ, B_TRACK, OTHER_DZ, NOT_RECONSTRUCTED, UNASSIGNED = 7, 6, 4, 2, 1, 0
"""How a track came to its vertex, the surest first; CMSSW's numbers."""


class AssociationCuts(NamedTuple):
    """Cuts of the association; cm, GeV.

    Attributes:
        max_dz: longitudinal distance of primary tracks, and of tracks in jets, from a vertex.
        max_dz_sig: the former in units of its error.
        max_dz_err: error of the track's longitudinal impact parameter for both.
        min_jet_pt: jets whose tracks may be displaced.
        max_jet_dr: distance of such a track from the jet in pseudorapidity and azimuth.
        max_jet_dxy: transverse distance of such a track from a vertex.
        max_dxy: transverse distance from PV 0 of tracks whose vertex may not have been found.
        max_dxy_sig: the same in units of its error.
    """

    max_dz: float = 0.1
    max_dz_sig: float = 5.0
    max_dz_err: float = 0.05
    min_jet_pt: float = 25.0
    max_jet_dr: float = 0.5
    max_jet_dxy: float = 0.1
    max_dxy: float = 0.01
    max_dxy_sig: float = 2.0


DEFAULT_CUTS = AssociationCuts()


class Jets(NamedTuple):
    """Jets of all events: momenta of shape ``(jets, 4)`` and the offsets of the events."""

    p4: Floats
    offsets: Ints


class Assignment(NamedTuple):
    """The vertex of each track, columns of shape ``(tracks,)``, all vertices within the event.

    Attributes:
        vertex: -1 for none.
        quality: how it was found, ``USED_IN_FIT`` to ``UNASSIGNED``.
        nearest: the vertex of the least longitudinal distance, -1 in events without vertex.
    """

    vertex: Ints
    quality: Ints
    nearest: Ints


@kernel
def assign_by_fit_and_dz(
    tracks: Tracks, use_fit: Bools, vertices: Vertices, cuts: AssociationCuts
) -> Assignment:
    """The first two steps: used in the fit of a vertex, or compatible with the nearest in z.

    Args:
        tracks: ``pv_idx`` counts the vertices in the order of the next but one argument.
        use_fit: tracks for which the fit counts; not for electrons, whose track is another one.
        vertices: in any order.
        cuts: of the association.
    """
    n = len(tracks.pt)
    vertex, quality, nearest = np.full(n, -1), np.zeros(n, dtype=np.int64), np.full(n, -1)
    for event in range(len(tracks.offsets) - 1):
        first, last = vertices.offsets[event], vertices.offsets[event + 1]
        for i in range(tracks.offsets[event], tracks.offsets[event + 1]):
            least, best = math.inf, -1
            for v in range(first, last):
                dz = abs(_dz(tracks, i, vertices, v))
                if dz < least:
                    least, best = dz, v
            if best < 0:
                continue
            nearest[i] = best - first
            error = math.sqrt(tracks.dz_err[i] ** 2 + vertices.cov_zz[best])
            if use_fit[i] and tracks.pv_idx[i] >= 0:
                vertex[i], quality[i] = tracks.pv_idx[i], USED_IN_FIT
            elif (
                least < cuts.max_dz
                and least < cuts.max_dz_sig * error
                and tracks.dz_err[i] < cuts.max_dz_err
            ):
                vertex[i], quality[i] = nearest[i], PRIMARY_DZ
    return Assignment(vertex, quality, nearest)


@kernel
def may_be_displaced(
    tracks: Tracks, quality: Ints, vertices: Vertices, cuts: AssociationCuts
) -> Bools:
    """Tracks left over so far that pass all cuts of the third step but those on the jet."""
    result = np.zeros(len(tracks.pt), dtype=np.bool_)
    for event in range(len(tracks.offsets) - 1):
        for i in range(tracks.offsets[event], tracks.offsets[event + 1]):
            if quality[i] == UNASSIGNED and tracks.dz_err[i] < cuts.max_dz_err:
                for v in range(vertices.offsets[event], vertices.offsets[event + 1]):
                    near = abs(_dz(tracks, i, vertices, v)) <= cuts.max_dz
                    result[i] |= near and abs(_dxy(tracks, i, vertices, v)) <= cuts.max_jet_dxy
    return result


@kernel
def assign_in_jets(
    tracks: Tracks, displaced: Bools, vertices: Vertices, jets: Jets, cuts: AssociationCuts
) -> Ints:
    """The third step: displaced tracks near a jet belong to a vertex near them.

    Among the near vertices CMSSW means to choose the one from which the jet passes the track most
    closely, and to demand 0.07 cm. But the distance comes back negative
    (``IPTools::jetTrackDistance``), so that the cut always holds and the most distant vertex is
    chosen. Here too: the networks were made for it.

    Returns:
        Vertex of each track within its event, -1 for none.
    """
    result = np.full(len(tracks.pt), -1)
    for event in range(len(tracks.offsets) - 1):
        first, last = vertices.offsets[event], vertices.offsets[event + 1]
        for i in range(tracks.offsets[event], tracks.offsets[event + 1]):
            jet = _nearest_jet(tracks, i, jets, event, cuts.max_jet_dr) if displaced[i] else -1
            if jet < 0:
                continue
            axis = (jets.p4[jet, 0], jets.p4[jet, 1], jets.p4[jet, 2])
            point = (tracks.vx[i], tracks.vy[i], tracks.vz[i])
            direction = (tracks.cos_phi[i], tracks.sin_phi[i], tracks.cot[i])
            largest = -1.0
            for v in range(first, last):
                dz, dxy = _dz(tracks, i, vertices, v), _dxy(tracks, i, vertices, v)
                if abs(dz) <= cuts.max_dz and abs(dxy) <= cuts.max_jet_dxy:
                    origin = (vertices.x[v], vertices.y[v], vertices.z[v])
                    distance = line_distance(origin, axis, point, direction)
                    if distance > largest:
                        largest, result[i] = distance, v - first
    return result


@kernel
def _nearest_jet(tracks: Tracks, i: int, jets: Jets, event: int, max_dr: float) -> int:
    """The jet nearest in pseudorapidity and azimuth, -1 for none within ``max_dr``."""
    least, nearest = max_dr * max_dr, -1
    for jet in range(jets.offsets[event], jets.offsets[event + 1]):
        px, py, pz = jets.p4[jet, 0], jets.p4[jet, 1], jets.p4[jet, 2]
        deta = math.asinh(pz / math.hypot(px, py)) - tracks.eta[i]
        dphi = abs(math.atan2(py, px) - tracks.phi[i])
        dphi = min(dphi, 2.0 * math.pi - dphi)
        if deta * deta + dphi * dphi < least:
            least, nearest = deta * deta + dphi * dphi, jet
    return nearest


@kernel
def assign_the_rest(
    tracks: Tracks, assigned: Assignment, vertices: Vertices, cuts: AssociationCuts
) -> Assignment:
    """The last steps: the vertex was not found, or the nearest in z for want of a better one."""
    vertex, quality = assigned.vertex.copy(), assigned.quality.copy()
    for event in range(len(tracks.offsets) - 1):
        first = vertices.offsets[event]
        for i in range(tracks.offsets[event], tracks.offsets[event + 1]):
            if quality[i] == UNASSIGNED and assigned.nearest[i] >= 0:
                vertex[i] = assigned.nearest[i]
                dxy = abs(_dxy(tracks, i, vertices, first))
                orphan = dxy < cuts.max_dxy and dxy < cuts.max_dxy_sig * tracks.dxy_err[i]
                quality[i] = NOT_RECONSTRUCTED if orphan else OTHER_DZ
    return Assignment(vertex, quality, assigned.nearest)


@kernel
def _dxy(tracks: Tracks, i: int, vertices: Vertices, v: int) -> float:
    """Transverse impact parameter; the tangent stands for the helix (``TrackBase::dxy``)."""
    dx, dy = tracks.vx[i] - vertices.x[v], tracks.vy[i] - vertices.y[v]
    return float(dy * tracks.cos_phi[i] - dx * tracks.sin_phi[i])


@kernel
def _dz(tracks: Tracks, i: int, vertices: Vertices, v: int) -> float:
    """Longitudinal impact parameter (``TrackBase::dz``)."""
    dx, dy = tracks.vx[i] - vertices.x[v], tracks.vy[i] - vertices.y[v]
    along = dx * tracks.cos_phi[i] + dy * tracks.sin_phi[i]
    return float(tracks.vz[i] - vertices.z[v] - along * tracks.cot[i])


_Vector = tuple[float, float, float]


@kernel
def line_distance(point: _Vector, direction: _Vector, other: _Vector, along: _Vector) -> float:
    """Least distance of two straight lines.

    Args:
        point: of the first line.
        direction: of the first line, of any length.
        other: a point of the second line.
        along: direction of the second line, of any length.
    """
    ax, ay, az = direction
    bx, by, bz = along
    gx, gy, gz = point[0] - other[0], point[1] - other[1], point[2] - other[2]
    nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    a2, b2 = ax * ax + ay * ay + az * az, bx * bx + by * by + bz * bz
    normal = math.sqrt(nx * nx + ny * ny + nz * nz)
    if normal < 1e-9 * math.sqrt(a2 * b2):  # parallel
        step = (gx * ax + gy * ay + gz * az) / a2
        return math.sqrt((gx - step * ax) ** 2 + (gy - step * ay) ** 2 + (gz - step * az) ** 2)
    return abs(gx * nx + gy * ny + gz * nz) / normal
