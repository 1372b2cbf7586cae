"""Places among packed candidates by hand, and on permutations."""

import awkward as ak
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sonicmini.modules.vertexing.packed import packed_places


def test_places_by_hand():
    packed = ak.Array([[{"pfCandIdx": 1}, {"pfCandIdx": 0}], [], [{"pfCandIdx": 0}]])
    event, candidate = np.array([0, 0, 1, 2, 0]), np.array([0, 1, -1, 0, -1])
    assert packed_places(packed, event, candidate).tolist() == [1, 0, -1, 0, -1]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_places_invert_the_order(sizes, random):
    order = [random.sample(range(n), n) for n in sizes]
    packed = ak.Array([[{"pfCandIdx": k} for k in event] for event in [*order, [0]]])[:-1]
    event = np.repeat(np.arange(len(sizes)), sizes)
    candidate = np.array([k for row in order for k in row], dtype=np.int64)
    place = packed_places(packed, event, candidate)
    assert place.tolist() == [k for n in sizes for k in range(n)]
