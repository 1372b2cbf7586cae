import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sonicmini.validation.sums import Sums

NUMBERS = arrays(
    np.float64, st.tuples(st.integers(2, 30), st.just(3)), elements=st.floats(-100, 100, width=32)
)


@given(NUMBERS)
def test_mean_and_covariance_are_numpys(numbers):
    sums = Sums.of(numbers)
    np.testing.assert_allclose(sums.mean, numbers.mean(axis=0), atol=1e-9)
    expected = np.cov(numbers.T) / len(numbers)
    np.testing.assert_allclose(sums.covariance, expected, atol=1e-6)


@given(NUMBERS, NUMBERS)
def test_parts_add_up(one, other):
    together, added = Sums.of(np.concatenate([one, other])), Sums.of(one) + Sums.of(other)
    np.testing.assert_allclose(added.first, together.first, atol=1e-6)
    np.testing.assert_allclose(added.second, together.second, atol=1e-4)
    assert added.events == together.events


@given(NUMBERS)
def test_json_gives_the_same_back(numbers):
    sums = Sums.of(numbers)
    back = Sums.from_dict(json.loads(json.dumps(sums.to_dict())))
    assert back.events == sums.events
    np.testing.assert_array_equal(back.first, sums.first)
    np.testing.assert_array_equal(back.second, (sums.second + sums.second.T) / 2)


def test_merged_numbers_are_sums():
    numbers = np.random.default_rng(1).normal(size=(20, 3))
    groups = np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    merged, direct = Sums.of(numbers).merged(groups), Sums.of(numbers @ groups.T)
    np.testing.assert_allclose(merged.second, direct.second)
    np.testing.assert_allclose(merged.first, direct.first)
