"""Matching against CMSSW's procedure, pair by pair."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonicmini.modules.gen.matching import Directions, Objects, match_in_order, match_nearest_first


@st.composite
def some_events(draw):
    """Objects and targets of a few events, where no two pairs are equally far apart."""
    sizes = draw(st.lists(st.tuples(*[st.integers(0, 8)] * 2), min_size=1, max_size=4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    low, high = (-1, -math.pi, 1), (1, math.pi, 100)
    return [tuple(rng.uniform(low, high, (n, 3)).tolist() for n in pair) for pair in sizes]


def distance(one, other):
    return math.hypot(one[0] - other[0], math.remainder(one[1] - other[1], 2 * math.pi))


def in_order(objects, targets, max_dr):
    free, result = set(range(len(targets))), []
    for one in objects:
        near = [(distance(one, targets[j]), j) for j in free]
        best, j = min(near, default=(math.inf, -1))
        result.append(j if best < max_dr else -1)
        free.discard(result[-1])
    return result


def nearest_first(objects, targets, cuts):
    wanted, max_dr, max_dpt = cuts
    pairs = sorted(
        (distance(one, other), i, j)
        for i, one in enumerate(objects)
        for j, other in enumerate(targets)
        if wanted[j] and abs(one[2] - other[2]) / other[2] < max_dpt
    )
    result = [-1] * len(objects)
    for d, i, j in pairs:
        if d < max_dr and result[i] < 0 and j not in result:
            result[i] = j
    return result


def flat_objects(lists):
    columns = np.array([row for rows in lists for row in rows], dtype=np.float64).reshape(-1, 3).T
    offsets = np.cumsum([0, *(len(rows) for rows in lists)])
    return Objects(columns[0].copy(), columns[1].copy(), offsets, columns[2].copy())


@given(some_events(), st.sampled_from([0.3, 0.8, 3.0]))
def test_in_order(events, max_dr):
    objects, targets = (flat_objects([event[k] for event in events]) for k in (0, 1))
    found = match_in_order(Directions(*objects[:3]), Directions(*targets[:3]), max_dr)
    assert found.tolist() == [j for event in events for j in in_order(event[0], event[1], max_dr)]


@given(some_events(), st.sampled_from([0.3, 3.0]), st.sampled_from([0.5, 1.0, 50.0]), st.randoms())
def test_nearest_first(events, max_dr, max_dpt, random):
    objects, targets = (flat_objects([event[k] for event in events]) for k in (0, 1))
    wanted = np.array([random.random() < 0.7 for _ in targets.pt], dtype=np.bool_)
    found = match_nearest_first(objects, targets, wanted, max_dr, max_dpt)
    expected = []
    for n, event in enumerate(events):
        here = wanted[slice(*targets.offsets[n : n + 2])]
        expected += nearest_first(event[0], event[1], (here, max_dr, max_dpt))
    assert found.tolist() == expected


@pytest.mark.parametrize(("dr", "index"), [(0.29, 0), (0.31, -1)])
def test_distance_is_limited(dr, index):
    one = flat_objects([[(0.0, math.pi - 0.1, 10.0)]])
    other = flat_objects([[(0.0, math.pi - 0.1 + dr - 2 * math.pi, 10.0)]])
    yes = np.ones(1, dtype=np.bool_)
    assert match_nearest_first(one, other, yes, 0.3, 0.5).tolist() == [index]
    assert match_in_order(Directions(*one[:3]), Directions(*other[:3]), 0.3).tolist() == [index]
