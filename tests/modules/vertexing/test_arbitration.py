"""Arbitration on real events against a slow implementation, vertex by vertex and track by track."""

import math

import numpy as np
import pytest

from sonicmini.modules.columns import offsets_from
from sonicmini.modules.vertexing.arbitration import (
    DEFAULT_ARBITRATION,
    ArbitrationCuts,
    EligibleTracks,
    arbitrated,
)
from sonicmini.modules.vertexing.charged import charged_tracks, first_vertices
from sonicmini.modules.vertexing.distances import Positions
from sonicmini.modules.vertexing.helix import linearise
from sonicmini.modules.vertexing.inclusive import InclusiveVertexFinder
from sonicmini.modules.vertexing.secondary import SecondaryVertices
from sonicmini.modules.vertexing.seeding import Groups
from tests.modules.vertexing.toy_tracks import matrix, real_products

CUTS = [DEFAULT_ARBITRATION, ArbitrationCuts(max_dr=0.2, max_distance=0.1, max_distance_sig=2.0)]


def inputs():
    products = real_products()
    pv = first_vertices(products["SlimmedPV"])
    names = ("PFCand", "Track", "SlimmedPV")
    tracks = charged_tracks(*(products[name] for name in names), min_pt=0.4)
    found = InclusiveVertexFinder()._found(tracks, pv)
    index = np.flatnonzero((tracks.layers >= 4) & (tracks.pixel_hits >= 1))
    eligible = EligibleTracks(
        tracks.helices, index, tracks.eta[index], tracks.helices.phi[index], tracks.within(index)
    )
    return found, eligible, pv


def distance(helices, i, point, covariance):
    """Distance of a track from a vertex, and over its error."""
    line = linearise(helices, np.array([i]), point[np.newaxis])
    gap = line.point[0] - point
    length = np.linalg.norm(gap)
    error = np.sqrt(gap @ (matrix(line.covariance[0]) + matrix(covariance)) @ gap) / length
    return length, length / error


def literal(found, v, tracks, pv, cuts):
    """The tracks of a vertex after arbitration."""
    groups = found.groups
    event = groups.event[v]
    vertex, origin = groups.point[v], pv.point[event]
    flight = vertex - origin
    length = np.linalg.norm(flight)
    eta, phi = math.asinh(flight[2] / math.hypot(*flight[:2])), math.atan2(flight[1], flight[0])
    members = set(groups.track[groups.offsets[v] : groups.offsets[v + 1]].tolist())
    kept = []
    for k in range(tracks.offsets[event], tracks.offsets[event + 1]):
        i = int(tracks.track[k])
        dphi = math.remainder(tracks.phi[k] - phi, 2 * math.pi)
        if math.hypot(tracks.eta[k] - eta, dphi) >= cuts.max_dr:
            continue
        to_sv, sig = distance(tracks.helices, i, vertex, found.covariance[v])
        to_pv, _ = distance(tracks.helices, i, origin, pv.covariance[event])
        near = to_sv < cuts.max_distance and to_sv < cuts.max_flight_fraction * length
        if near and to_sv < to_pv and (i in members or sig < cuts.max_distance_sig):
            kept.append(i)
    return kept


@pytest.mark.parametrize("cuts", CUTS)
def test_real_events(cuts):
    found, tracks, pv = inputs()
    groups = arbitrated(found, tracks, pv, cuts)
    expected = [literal(found, v, tracks, pv, cuts) for v in range(len(found.groups.event))]
    joined = [
        set(kept) - set(found.groups.track[a:b].tolist())
        for kept, a, b in zip(
            expected, found.groups.offsets[:-1], found.groups.offsets[1:], strict=True
        )
    ]
    assert any(joined)
    enough = [v for v, kept in enumerate(expected) if len(kept) >= 2]
    assert groups.event.tolist() == found.groups.event[enough].tolist()
    assert groups.point.tolist() == found.groups.point[enough].tolist()
    assert groups.track.tolist() == [i for v in enough for i in expected[v]]
    assert np.diff(groups.offsets).tolist() == [len(expected[v]) for v in enough]


def test_no_vertices():
    _, tracks, pv = inputs()
    none = Groups(
        np.zeros(0, dtype=np.int64),
        offsets_from(np.zeros(0, dtype=np.int64)),
        np.zeros(0, dtype=np.int64),
        np.zeros((0, 3)),
    )
    vertices = SecondaryVertices(none, np.zeros((0, 6)), np.zeros(0), np.zeros(0))
    assert len(arbitrated(vertices, tracks, pv, DEFAULT_ARBITRATION).event) == 0
    nowhere = Positions(np.zeros((0, 3)), np.zeros((0, 6)))
    empty = EligibleTracks(
        tracks.helices, tracks.track[:0], tracks.eta[:0], tracks.phi[:0], np.zeros(1, np.int64)
    )
    assert len(arbitrated(vertices, empty, nowhere, DEFAULT_ARBITRATION).event) == 0
