"""Seeds and groups of real events against a slow implementation, track by track."""

import numpy as np
import pytest
from scipy.optimize import least_squares

from sonicmini.modules.columns import events_of
from sonicmini.modules.vertexing.charged import charged_tracks, first_vertices
from sonicmini.modules.vertexing.distances import Positions
from sonicmini.modules.vertexing.helix import linearise, taken
from sonicmini.modules.vertexing.secondary import positions_of_events
from sonicmini.modules.vertexing.seeding import (
    DEFAULT_SEEDING,
    DisplacedTracks,
    SeedingCuts,
    is_seed,
    seeded_groups,
)
from tests.modules.vertexing.toy_tracks import at, matrix, parameters, real_products

EVENTS = 2


def displaced(events=EVENTS):
    products = {name: array[:events] for name, array in real_products().items()}
    pv = first_vertices(products["SlimmedPV"])
    tracks = charged_tracks(
        products["PFCand"], products["Track"], products["SlimmedPV"], min_pt=0.8
    )
    index = np.flatnonzero(np.abs(tracks.dz) < 0.3)
    own = positions_of_events(pv, events_of(tracks.offsets)[index])
    helices = taken(tracks.helices, index)
    at_pv = linearise(helices, np.arange(len(index)), own.point)
    return DisplacedTracks(helices, at_pv, own, tracks.within(index))


def significance(gap, covariance):
    length = np.linalg.norm(gap)
    return length / np.sqrt(gap @ covariance @ gap / length**2)


def literal_seeds(tracks, cuts):
    seeds = []
    for i in range(len(tracks.helices.x)):
        gap = tracks.at_pv.point[i] - tracks.pv.point[i]
        errors = matrix(tracks.at_pv.covariance[i]) + matrix(tracks.pv.covariance[i])
        if np.linalg.norm(gap) >= cuts.min_ip and significance(gap, errors) >= cuts.min_ip_sig:
            seeds.append(i)
    return seeds


def approach(tracks, i, j):
    """Nearest points of two tracks, by scipy."""
    a, b = parameters(tracks.helices, i), parameters(tracks.helices, j)

    def gap(paths):
        return at(a, paths[0])[0] - at(b, paths[1])[0]

    found = least_squares(gap, [0.0, 0.0], xtol=1e-10)
    return at(a, found.x[0])[0], at(b, found.x[1])[0]


def literal_group(tracks, i, cuts):
    """The tracks that join a seed and their common point."""
    event = np.searchsorted(tracks.offsets, i, side="right") - 1
    members, points, weights = [], [], []
    for j in range(tracks.offsets[event], tracks.offsets[event + 1]):
        if j == i:
            continue
        p, q = approach(tracks, i, j)
        distance, flight, other = (
            np.linalg.norm(p - q),
            p - tracks.pv.point[i],
            q - tracks.pv.point[j],
        )
        far = np.linalg.norm(flight)
        if distance >= cuts.max_distance or distance * cuts.distance_ratio >= far:
            continue
        errors = matrix(tracks.at_pv.covariance[i]) + matrix(tracks.at_pv.covariance[j])
        cosines = (
            flight @ tracks.at_pv.direction[i] / far,
            other @ tracks.at_pv.direction[j] / np.linalg.norm(other),
        )
        if significance(p - q, errors) < cuts.max_distance_sig and min(cosines) > cuts.min_cosine:
            members.append(j)
            points.append((p + q) / 2)
            weights.append(far**2 / distance)
    return members, np.average(points, axis=0, weights=weights) if members else None


def test_seeds():
    tracks = displaced(10)
    expected = literal_seeds(tracks, DEFAULT_SEEDING)
    assert np.flatnonzero(is_seed(tracks, DEFAULT_SEEDING)).tolist() == expected
    assert 100 < len(expected) < len(tracks.helices.x)


@pytest.mark.parametrize(
    "cuts", [DEFAULT_SEEDING, SeedingCuts(min_ip_sig=8.0, distance_ratio=5.0, max_tracks=4)]
)
def test_groups_of_real_events(cuts):
    tracks = displaced()
    groups = seeded_groups(tracks, cuts)
    found = {}
    for g in range(len(groups.event)):
        *members, seed = groups.track[groups.offsets[g] : groups.offsets[g + 1]].tolist()
        found[seed] = (members, groups.point[g])
        assert tracks.offsets[groups.event[g]] <= seed < tracks.offsets[groups.event[g] + 1]
    expected = {}
    for seed in literal_seeds(tracks, cuts):
        members, point = literal_group(tracks, seed, cuts)
        if 1 <= len(members) < cuts.max_tracks:
            expected[seed] = (members, point)
    assert len(expected) > 5
    assert {seed: members for seed, (members, _) in found.items()} == {
        seed: members for seed, (members, _) in expected.items()
    }
    for seed, (_, point) in expected.items():
        assert found[seed][1] == pytest.approx(point, abs=2e-3)


def test_nothing_to_group():
    tracks = displaced(1)
    empty = np.zeros(0, dtype=np.int64)
    nothing = DisplacedTracks(
        taken(tracks.helices, empty),
        linearise(tracks.helices, empty, np.zeros((0, 3))),
        Positions(np.zeros((0, 3)), np.zeros((0, 6))),
        np.zeros(3, dtype=np.int64),
    )
    groups = seeded_groups(nothing, DEFAULT_SEEDING)
    assert (len(groups.event), len(groups.track), groups.point.shape) == (0, 0, (0, 3))
