"""Splitting of groups: toy events with two vertices and tracks from PV 0."""

import numpy as np
import pytest

from sonicmini.modules.vertexing.adaptive import DEFAULT_FIT, fit_vertices
from sonicmini.modules.vertexing.distances import Positions
from sonicmini.modules.vertexing.helix import linearise
from sonicmini.modules.vertexing.secondary import joined_vertices, secondary_vertices
from sonicmini.modules.vertexing.seeding import DisplacedTracks, Groups
from sonicmini.modules.vertexing.splitting import (
    DEFAULT_SPLIT,
    SplitSettings,
    split_vertices,
    standardised_distances,
)
from tests.modules.vertexing.toy_tracks import column_helices, matrix, tracks_from

NEAR, FAR = np.array([0.3, 0.1, 0.2]), np.array([1.2, 0.4, 0.8])


def event(near, far, prompt, seed=0):
    """One group of tracks from two vertices and from PV 0 at the origin."""
    rng = np.random.default_rng(seed)
    rows, covariances = [], []
    for vertex, number in ((NEAR, near), (FAR, far), (np.array([1e-6, 0.0, 0.0]), prompt)):
        more, eight = tracks_from(vertex, number, rng, smeared=True)
        rows += more
        covariances += eight
    helices, n = column_helices(rows, covariances), len(rows)
    pv = Positions(np.zeros((n, 3)), np.tile([1e-6, 1e-6, 1e-6, 0, 0, 0], (n, 1)))
    at_pv = linearise(helices, np.arange(n), pv.point)
    groups = Groups(np.arange(n), np.array([0, n]), np.array([0]), NEAR[np.newaxis])
    return DisplacedTracks(helices, at_pv, pv, np.array([0, n])), groups


def found(tracks, groups, settings=DEFAULT_SPLIT):
    return split_vertices(tracks, groups, DEFAULT_FIT, settings)


def test_both_vertices_are_found():
    right = 0
    for seed in range(30):
        tracks, groups = event(4, 3, 0, seed)
        parts = found(tracks, groups)
        points = joined_vertices(parts).groups.point
        distances = [np.linalg.norm(points - vertex, axis=1).min() for vertex in (NEAR, FAR)]
        right += max(distances) < 0.1
    assert right >= 18


def test_each_track_is_used_once():
    tracks, groups = event(5, 4, 3)
    used = joined_vertices(found(tracks, groups)).groups.track.tolist()
    assert len(used) == len(set(used))


def test_prompt_tracks_are_taken_out():
    tracks, groups = event(0, 0, 12)
    far = standardised_distances(tracks)
    for k in range(12):
        gap = tracks.at_pv.point[k]
        expected = np.sqrt(gap @ matrix(tracks.at_pv.weight[k]) @ gap)
        assert far[k] == pytest.approx(expected)
    kept = set(joined_vertices(found(tracks, groups)).groups.track.tolist())
    assert kept <= set(np.flatnonzero(far > 1.0).tolist())


def test_without_prompt_tracks_the_first_vertex_is_that_of_all():
    tracks, groups = event(6, 0, 0)
    first, *_ = found(tracks, groups, SplitSettings(primary_cut=0.0))
    whole = secondary_vertices(groups, fit_vertices(tracks.helices, groups))
    assert first.groups.track.tolist() == whole.groups.track.tolist()
    assert first.groups.point.tolist() == whole.groups.point.tolist()


def test_the_number_of_vertices_is_limited():
    tracks, groups = event(4, 4, 0)
    assert len(found(tracks, groups, SplitSettings(max_vertices=1))) == 1


def test_vertices_of_several_searches_are_by_event():
    tracks, groups = event(4, 0, 0)
    vertices = secondary_vertices(groups, fit_vertices(tracks.helices, groups))
    later = vertices._replace(
        groups=vertices.groups._replace(event=np.array([3])), chi2=np.array([7.0])
    )
    joined = joined_vertices([later, vertices, later])
    assert joined.groups.event.tolist() == [0, 3, 3]
    assert joined.chi2.tolist() == [vertices.chi2[0], 7.0, 7.0]
    assert joined.groups.track.tolist() == 3 * vertices.groups.track.tolist()
    assert np.diff(joined.groups.offsets).tolist() == 3 * [len(vertices.groups.track)]
