"""Codecs of packed candidates: exact against CMS's rules, idempotent, bounded, saturating."""

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonicmini.modules.packing.codecs import (
    Hits,
    azimuth_on_grid,
    keep_bits,
    on_grid,
    pack_difference,
    pack_fraction,
    pack_half,
    pack_hits,
    unpack_difference,
    unpack_fraction,
    unpack_half,
    unpack_hits,
)

floats = st.floats(width=32, allow_nan=False, allow_infinity=False)


def reference_half(value):
    """CMS's rule from the bits of a single-precision number."""
    (bits,) = struct.unpack("<I", struct.pack("<f", max(-65504.0, min(65504.0, value))))
    sign, exponent, mantissa = bits >> 31, ((bits >> 23) & 255) - 127, bits & 0x7FFFFF
    if exponent < -24:
        magnitude = 0
    elif exponent < -14:
        magnitude = (1 << (exponent + 24)) + (mantissa >> (-exponent - 1))
    else:
        m = mantissa >> 12
        base = m >> 1
        if m & 1 and base < 1023:
            base += 1
        magnitude = ((exponent + 15) << 10) + base
    return sign << 15 | magnitude


@given(floats | st.floats(-70000, 70000, width=32) | st.floats(-(2.0**-13), 2.0**-13, width=32))
def test_half_is_rounded_as_in_cms(value):
    assert int(pack_half([value])[0]) == reference_half(value)


def test_half_differs_from_ieee_where_cms_does():
    below_two = np.float32(2.0 - 2.0**-12)  # IEEE rounds up into the next exponent
    assert unpack_half(pack_half([below_two]))[0] == 2.0 - 2.0**-10
    assert np.float16(below_two) == 2.0
    tie = np.float32(1.0 + 2.0**-11)  # IEEE rounds to even
    assert unpack_half(pack_half([tie]))[0] == 1.0 + 2.0**-10
    assert np.float16(tie) == 1.0


def test_every_half_survives():
    bits = np.arange(2**16, dtype=np.uint32).astype(np.uint16)
    finite = bits[np.isfinite(unpack_half(bits))]
    assert np.array_equal(pack_half(unpack_half(finite)), finite)


@given(st.floats(2.0**-14, 65504, width=32))
def test_half_is_within_half_a_step_or_saturates(value):
    step = 2.0 ** (math.frexp(value)[1] - 1 - 10)
    error = abs(float(unpack_half(pack_half([value]))[0]) - value)
    assert error <= step / 2 or (error < step and pack_half([value])[0] & 1023 == 1023)


def test_half_keeps_not_a_number():
    assert np.isnan(unpack_half(pack_half([math.nan]))[0])


@given(st.floats(-20, 20), st.integers(7, 14))
def test_grids_hold_the_nearest_multiple(value, bits):
    found = on_grid([value], bits)
    assert float(found[0] * 2**bits).is_integer()
    assert abs(float(found[0]) - value) <= 2.0 ** -(bits + 1)
    assert np.array_equal(on_grid(found, bits), found)


def test_far_from_zero_a_grid_has_the_precision_of_single_numbers():
    assert on_grid([12345.678901], 14)[0] == np.float32(12345.678901)


@given(st.floats(-math.pi, math.pi), st.integers(10, 14))
def test_an_azimuth_stays_on_the_circle(value, bits):
    found = float(azimuth_on_grid([value], bits)[0])
    assert abs(found) <= math.pi
    assert (found * 2**bits).is_integer()
    assert abs(found - value) < 2.0**-bits


@given(floats, st.integers(1, 22))
def test_kept_bits_are_the_nearest(value, bits):
    found = float(keep_bits([value], bits)[0])
    mantissa, exponent = math.frexp(value)
    reference = math.copysign(
        math.ldexp(math.floor(math.ldexp(abs(mantissa), bits + 1) + 0.5), exponent - bits - 1),
        value,
    )
    if 2.0**-126 <= abs(value) < 2.0**127 or value == 0:
        assert found == reference
    assert np.array_equal(keep_bits([found], bits), np.array([found], np.float32))


def test_each_value_may_have_bits_of_its_own():
    assert keep_bits([1.3, 1.3, 1.3], np.array([1, 2, 22])).tolist() == [
        1.5,
        1.25,
        pytest.approx(1.3, rel=1e-6),
    ]


def test_kept_bits_of_no_numbers():
    assert np.isnan(keep_bits([math.nan], 3)[0])
    assert keep_bits([math.inf, -math.inf], 3).tolist() == [math.inf, -math.inf]


@pytest.mark.parametrize("levels", [100, 255])
def test_fractions_are_truncated(levels):
    values = np.array([0.0, 0.3 / levels, 1.7 / levels, 0.5, 1.0, 10.0, -1.0, math.nan])
    expected = [0, 0, 1, levels // 2, levels, 255, 0, 0]
    packed = pack_fraction(values, levels)
    assert packed.tolist() == expected
    unpacked = unpack_fraction(packed, levels)
    assert np.all(np.abs(unpacked[:5] - values[:5]) <= 1 / levels)


def test_packing_weights_again_changes_nothing_and_fractions_at_most_a_level():
    packed = np.arange(256, dtype=np.uint8)
    assert np.array_equal(pack_fraction(unpack_fraction(packed, 255), 255), packed)
    again = pack_fraction(unpack_fraction(packed, 100), 100)
    assert set((packed - again).tolist()) == {0, 1}


@given(st.floats(-1, 1, width=32))
def test_differences_are_truncated_towards_zero(value):
    packed = pack_difference([value])
    assert packed[0] == int(np.float32(value) * np.float32(127))
    assert np.array_equal(pack_difference(unpack_difference(packed)), packed)


small = st.integers(0, 60)


@given(small, small, small, small)
def test_hits_are_kept_up_to_their_bits(pixel_layers, strip_layers, more_pixels, more_strips):
    pixels = pixel_layers + more_pixels
    hits = Hits(
        *(
            np.array([n])
            for n in (pixel_layers, strip_layers, pixels, pixels + strip_layers + more_strips)
        )
    )
    unpacked = unpack_hits(*pack_hits(hits))
    assert unpacked.pixel_layers[0] == min(pixel_layers, 7)
    assert unpacked.strip_layers[0] == min(strip_layers, 31)
    if pixel_layers <= 7 and more_pixels <= 7 and strip_layers <= 31 and more_strips <= 31:
        assert [int(n[0]) for n in unpacked] == [int(n[0]) for n in hits]
    again = unpack_hits(*pack_hits(unpacked))
    assert [int(n[0]) for n in again] == [int(n[0]) for n in unpacked]
