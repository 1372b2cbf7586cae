"""Tracks between PV 0 and secondary vertices (CMSSW: ``TrackVertexArbitration``).

A track belongs to a secondary vertex if it passes closer to it than to PV 0. Tracks that no seed
found may join a vertex, others leave it.
"""

import math
from typing import NamedTuple

import numpy as np

from sonicmini.modules.columns import Bools, Floats, Ints, kernel, offsets_from
from sonicmini.modules.vertexing.distances import Distances, Positions, distances
from sonicmini.modules.vertexing.helix import Helices, linearise
from sonicmini.modules.vertexing.secondary import SecondaryVertices, positions_of_events
from sonicmini.modules.vertexing.seeding import Groups

_TINY = 1e-12  # cm


class ArbitrationCuts(NamedTuple):
    """Cuts on tracks of a secondary vertex; GeV, cm.

    Attributes:
        min_pt: of tracks.
        min_layers: of the tracker with a hit.
        min_pixel_hits: valid ones.
        max_dr: of a track to the flight direction in pseudorapidity and azimuth.
        max_distance: from the vertex.
        max_distance_sig: the same in units of its error, for tracks that were not in the vertex.
        max_flight_fraction: distance from the vertex as a fraction of its flight length.
    """

    min_pt: float = 0.4
    min_layers: int = 4
    min_pixel_hits: int = 1
    max_dr: float = 0.4
    max_distance: float = 0.04
    max_distance_sig: float = 5.0
    max_flight_fraction: float = 0.333


DEFAULT_ARBITRATION = ArbitrationCuts()


class EligibleTracks(NamedTuple):
    """Tracks that may belong to a secondary vertex.

    Attributes:
        helices: all tracks.
        track: the eligible ones among them, ascending, shape ``(eligible,)``.
        eta: of the eligible ones; also ``phi``.
        offsets: of the events in the eligible ones, shape ``(events + 1,)``.
    """

    helices: Helices
    track: Ints
    eta: Floats
    phi: Floats
    offsets: Ints


def arbitrated(
    vertices: SecondaryVertices, tracks: EligibleTracks, pv: Positions, cuts: ArbitrationCuts
) -> Groups:
    """The tracks of each vertex, to be fitted again; groups of less than two are left out.

    Args:
        vertices: found so far.
        tracks: those that may belong to one.
        pv: PV 0 of each event.
        cuts: on the tracks.
    """
    own = positions_of_events(pv, vertices.groups.event)
    flight = vertices.groups.point - own.point
    axis = np.stack(
        [
            np.arcsinh(flight[:, 2] / np.maximum(np.hypot(flight[:, 0], flight[:, 1]), _TINY)),
            np.arctan2(flight[:, 1], flight[:, 0]),
        ],
        axis=1,
    )
    vertex, eligible = _near_axis(axis, vertices.groups.event, tracks, cuts.max_dr)
    track = tracks.track[eligible]
    chosen = _belongs(vertices, (vertex, track), tracks.helices, own, cuts)
    vertex, track = vertex[chosen], track[chosen]
    size = np.bincount(vertex, minlength=len(axis))
    enough = size >= 2
    return Groups(
        track[enough[vertex]],
        offsets_from(size[enough]),
        vertices.groups.event[enough],
        vertices.groups.point[enough],
    )


def _belongs(
    vertices: SecondaryVertices,
    pairs: tuple[Ints, Ints],
    helices: Helices,
    pv: Positions,
    cuts: ArbitrationCuts,
) -> Bools:
    """Whether the track of each pair belongs to its vertex, by distances from it and from PV 0."""
    vertex, track = pairs
    at = vertices.positions()
    flight = distances(pv, at).value[vertex]
    to_sv = _distances_to(helices, track, Positions(at.point[vertex], at.covariance[vertex]))
    to_pv = _distances_to(helices, track, Positions(pv.point[vertex], pv.covariance[vertex]))
    member = _is_member(vertex, track, vertices.groups)
    near = to_sv.value < np.minimum(cuts.max_distance, cuts.max_flight_fraction * flight)
    likely = member | (to_sv.significance < cuts.max_distance_sig)
    return np.asarray(near & likely & (to_sv.value < to_pv.value))


def _distances_to(helices: Helices, track: Ints, points: Positions) -> Distances:
    lines = linearise(helices, track, points.point)
    return distances(points, Positions(lines.point, lines.covariance))


def _is_member(vertex: Ints, track: Ints, groups: Groups) -> Bools:
    """Whether the track of each pair is in the vertex's group."""
    span = int(max(track.max(initial=0), groups.track.max(initial=0))) + 1
    return np.isin(vertex * span + track, groups.group() * span + groups.track)


@kernel
def _near_axis(
    axis: Floats, event: Ints, tracks: EligibleTracks, max_dr: float
) -> tuple[Ints, Ints]:
    """Pairs of vertex and eligible track of its event near the flight direction, by vertex."""
    room = 0
    for v in range(len(event)):
        room += tracks.offsets[event[v] + 1] - tracks.offsets[event[v]]
    vertex, eligible = np.empty(room, np.int64), np.empty(room, np.int64)
    count = 0
    for v in range(len(event)):
        for i in range(tracks.offsets[event[v]], tracks.offsets[event[v] + 1]):
            deta = tracks.eta[i] - axis[v, 0]
            dphi = abs(tracks.phi[i] - axis[v, 1])
            dphi = min(dphi, 2.0 * math.pi - dphi)
            if deta * deta + dphi * dphi < max_dr * max_dr:
                vertex[count], eligible[count] = v, i
                count += 1
    return vertex[:count].copy(), eligible[:count].copy()
