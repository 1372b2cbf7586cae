import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sonicmini.compare.values import Rule, badness, differ, differences, limits, outside, relative

NAN, INF = np.nan, np.inf
EXACT = Rule()
NEAR = Rule(tolerance=1e-4)


def f32(*values):
    return np.array(values, np.float32)


def allowed(a, b, rule, length=None):
    found = differences(a, b, rule)
    return (~outside(found, limits(a, b, rule, length))).tolist()


def test_nan_is_nan_and_zero_is_zero():
    a, b = f32(NAN, NAN, 0.0, INF, INF, 1), f32(NAN, 1, -0.0, INF, -INF, 1)
    assert differ(a, b).tolist() == [False, True, False, False, True, False]
    assert differences(a, b, EXACT).tolist() == [0, INF, 0, 0, INF, 0]


@pytest.mark.parametrize("other", [NAN, INF, -INF])
def test_a_number_and_none_never_agree(other):
    assert allowed(f32(1e30), f32(other), Rule(tolerance=1e9)) == [False]
    turn = Rule(tolerance=1e9, angle=True)
    assert allowed(f32(1), f32(other), turn, np.zeros(1)) == [False]


@pytest.mark.parametrize("dtype", [np.int16, np.int64, np.uint8, np.uint64])
def test_integers_are_told_apart_at_both_ends(dtype):
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    a, b = np.array([low, high, high], dtype), np.array([high, high - 1, high], dtype)
    assert differ(a, b).tolist() == [True, True, False]
    assert differences(a, b, EXACT).tolist() == [float(int(high) - int(low)), 1, 0]
    assert allowed(a, b, EXACT) == [False, False, True]


def test_flags():
    a, b = np.array([True, False]), np.array([True, True])
    assert differences(a, b, EXACT).tolist() == [0, 1]
    assert relative(a, b, differences(a, b, EXACT)).tolist() == [0, 1]


def test_a_tolerance_is_absolute_and_relative():
    scale = np.array([0, 1, 1000.0])
    limit = 1e-4 * (1 + scale)
    assert allowed(scale, scale - 0.999 * limit, NEAR) == [True, True, True]
    assert allowed(scale, scale - 1.001 * limit, NEAR) == [False, False, False]


def test_no_tolerance_is_not_a_tolerance_of_zero_events():
    assert allowed(f32(1, 1), np.nextafter(f32(1, 1), f32(2, 1)), EXACT) == [False, True]
    assert allowed(f32(1, 1), np.nextafter(f32(1, 1), f32(2, 1)), Rule(tolerance=0.0)) == [
        False,
        True,
    ]


def test_rounding_to_neighbours_is_allowed_where_the_file_keeps_few_bits():
    a = f32(1.5)
    step = f32(1.5 + 2**-10)
    assert allowed(a, step, NEAR) == [False]
    assert allowed(a, step, Rule(tolerance=1e-4, bits=10)) == [True]
    assert allowed(a, step + f32(2**-10), Rule(tolerance=1e-4, bits=10)) == [False]


def test_a_full_turn_is_no_difference():
    a, b = f32(np.pi, -np.pi + 1e-5, 3.0, 0.0), f32(-np.pi, np.pi - 1e-5, -3.0, np.pi)
    found = differences(a, b, Rule(angle=True))
    assert found == pytest.approx([0, 2e-5, 2 * np.pi - 6, np.pi], abs=1e-6)
    assert allowed(a, b, Rule(tolerance=1e-4, angle=True)) == [True, True, False, False]
    assert allowed(a, b, NEAR) == [False] * 4


def test_the_direction_of_a_short_vector_is_known_worse():
    rule = Rule(tolerance=1e-4, angle=True)
    a, b = np.full(4, 1.0), np.full(4, 1.05)
    assert allowed(a, b, rule, np.array([100.0, 0.1, 0.001, 0.0])) == [False, False, True, True]
    assert allowed(a, b, rule, np.array([NAN, INF, 0.0, 0.0])) == [False, False, True, True]
    assert allowed(a, np.full(4, NAN), rule, np.zeros(4)) == [False] * 4


FLOATS = arrays(np.float32, 8, elements=st.floats(width=32))


@given(a=FLOATS, b=FLOATS, angle=st.booleans())
def test_order_of_the_sides_does_not_matter(a, b, angle):
    rule = Rule(tolerance=1e-4, bits=10, angle=angle)
    assert np.array_equal(differ(a, b), differ(b, a))
    assert np.array_equal(differences(a, b, rule), differences(b, a, rule))
    assert np.array_equal(limits(a, b, rule), limits(b, a, rule))
    assert not differences(a, a, rule).any()


@given(a=FLOATS, b=FLOATS)
def test_whatever_is_the_same_has_no_difference_and_the_reverse(a, b):
    assert np.array_equal(differences(a, b, EXACT) > 0, differ(a, b))


def test_the_worst_is_furthest_from_what_is_allowed():
    difference = np.array([1.0, 3.0, INF, INF])
    assert badness(difference, np.zeros(4)).tolist() == difference.tolist()
    assert badness(difference, np.array([0.5, 6, 1, INF])).tolist() == [2, 0.5, INF, INF]
    assert badness(np.array([5.0]), np.array([INF])).tolist() == [0]


def test_relative_differences():
    a, b = f32(0, 2, NAN, INF, 0), f32(0, 1, 1, 1, 3)
    assert relative(a, b, differences(a, b, EXACT)).tolist() == [0, 0.5, INF, INF, 1]
