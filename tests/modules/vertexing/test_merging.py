"""Merging against lists from which vertices are erased, as CMSSW does it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sonicmini.modules.columns import offsets_from
from sonicmini.modules.vertexing.merging import MergeCuts, merged
from sonicmini.modules.vertexing.secondary import SecondaryVertices
from sonicmini.modules.vertexing.seeding import Groups
from tests.modules.vertexing.toy_tracks import matrix

EVENTS = st.lists(
    st.lists(
        st.tuples(
            st.sets(st.integers(0, 6), min_size=1, max_size=5),
            st.tuples(*[st.integers(-2, 2)] * 3),
        ),
        max_size=6,
    ),
    max_size=4,
)
VARIANCES = np.array([4e-4, 9e-4, 4e-4, 1e-4, 0.0, -1e-4])


def vertices_of(events):
    sets = [tracks for event in events for tracks, _ in event]
    points = [np.array(point) * 0.03 for event in events for _, point in event]
    event = np.repeat(np.arange(len(events)), [len(event) for event in events])
    track = np.array([i for tracks in sets for i in sorted(tracks)], dtype=np.int64)
    offsets = offsets_from(np.array([len(tracks) for tracks in sets], dtype=np.int64))
    groups = Groups(track, offsets, event, np.array(points, dtype=float).reshape(-1, 3))
    n = len(sets)
    return SecondaryVertices(
        groups, np.tile(VARIANCES, (n, 1)), np.arange(n, dtype=np.float64), np.ones(n)
    )


def significance(p, q):
    gap = np.array(p) * 0.03 - np.array(q) * 0.03
    square = gap @ gap
    return square / np.sqrt(gap @ (2 * matrix(VARIANCES)) @ gap) if square else 0.0


def reference(event, cuts):
    """CMSSW's loop with erasure; the indices that stay."""
    left = list(range(len(event)))
    position = 0
    while position < len(left):
        mine, here = event[left[position]]
        shared = False
        for other in left:
            its, there = event[other]
            fraction = len(mine & its) / len(mine)
            if (
                fraction > cuts.max_fraction
                and significance(here, there) < cuts.min_significance
                and other != left[position]
                and fraction >= len(mine & its) / len(its)
            ):
                shared = True
        if shared:
            left.pop(position)
        else:
            position += 1
    return left


@given(EVENTS, st.sampled_from([MergeCuts(0.7, 2.0), MergeCuts(0.2, 10.0), MergeCuts(0.0, 1.0)]))
def test_against_erasure_from_a_list(events, cuts):
    result = merged(vertices_of(events), cuts)
    first = np.cumsum([0] + [len(event) for event in events])
    expected = [first[i] + k for i, event in enumerate(events) for k in reference(event, cuts)]
    assert result.chi2.tolist() == expected
    sets = [sorted(tracks) for event in events for tracks, _ in event]
    assert result.groups.track.tolist() == [i for k in expected for i in sets[k]]


@given(EVENTS, st.sampled_from([MergeCuts(0.7, 2.0), MergeCuts(0.2, 10.0)]))
def test_merging_again_changes_nothing(events, cuts):
    once = merged(vertices_of(events), cuts)
    assert merged(once, cuts).chi2.tolist() == once.chi2.tolist()
