import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sonicmini.io.precision import truncate_mantissa

FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False, allow_subnormal=False)
SHAPES = hnp.array_shapes(max_dims=2, max_side=20)


@given(hnp.arrays(np.float32, SHAPES, elements=FINITE), st.integers(1, 23))
def test_nearest_value_with_that_many_bits(array, bits):
    result = truncate_mantissa(array, bits)
    assert result.dtype == np.float32
    # Independent of bit patterns: the mantissa of frexp times 2**(bits + 1) is a whole number.
    mantissa, exponent = np.frexp(array.astype(np.float64))
    expected = np.ldexp(
        np.trunc(np.ldexp(mantissa, bits + 1) + np.copysign(0.5, mantissa)), exponent - bits - 1
    )
    limit = (2 - 2.0**-bits) * 2.0**127
    np.testing.assert_array_equal(result, np.clip(expected, -limit, limit).astype(np.float32))


@given(hnp.arrays(np.float32, SHAPES, elements=st.floats(width=32)), st.integers(1, 23))
def test_twice_is_once_and_order_is_kept(array, bits):
    once = truncate_mantissa(array, bits)
    np.testing.assert_array_equal(truncate_mantissa(once, bits), once)
    flat, cut = np.sort(array.ravel()), truncate_mantissa(np.sort(array.ravel()), bits)
    assert np.all(cut[1:] >= cut[:-1]) or np.isnan(flat).any()


def test_special_values_stay():
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan], dtype=np.float32)
    result = truncate_mantissa(special, 5)
    np.testing.assert_array_equal(result, special)
    np.testing.assert_array_equal(np.signbit(result[:4]), [False, True, False, True])


def test_none_returns_the_array_itself():
    array = np.array([1.1], dtype=np.float32)
    assert truncate_mantissa(array, None) is array


@pytest.mark.parametrize("bits", [0, -1, 24])
def test_impossible_number_of_bits(bits):
    with pytest.raises(ValueError, match="1 to 23"):
        truncate_mantissa(np.ones(1, dtype=np.float32), bits)
