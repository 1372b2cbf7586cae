"""Codecs of packed candidates: exact against CMS's rules, idempotent, bounded, saturating."""

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonicmini.modules.packing.codecs import (
    Hits,
    LogScale,
    pack_angle,
    pack_difference,
    pack_fraction,
    pack_half,
    pack_hits,
    pack_log,
    packed_covariance,
    unpack_angle,
    unpack_difference,
    unpack_fraction,
    unpack_half,
    unpack_hits,
    unpack_log,
    unpack_phi,
)

floats = st.floats(width=32, allow_nan=False, allow_infinity=False)
SCALES = [LogScale(-15, 5, 32), LogScale(-20, 0, 32), LogScale(-17, -4)]


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


@given(st.floats(-20, 20), st.sampled_from([6.0, 3.2]))
def test_angles_are_rounded_idempotent_and_saturate(value, limit):
    packed = pack_angle([value], limit)
    unpacked = unpack_angle(packed, limit)
    assert np.array_equal(pack_angle(unpacked, limit), packed)
    clipped = max(-limit, min(limit, value))
    assert abs(unpacked[0] - clipped) <= limit / 32767 / 2 + 1e-6


def test_halves_of_angles_are_rounded_away_from_zero():
    assert pack_angle([0.5 * 6 / 32767, -0.5 * 6 / 32767], 6.0).tolist() == [1, -1]


@pytest.mark.parametrize("pt", [0.0, 0.03, 0.95, 1.0, 1.1, 37.0, 6000.0])
def test_azimuth_is_shifted_by_at_most_a_tenth_of_a_step(pt):
    packed = np.arange(-32767, 32768, dtype=np.int16)
    phi = unpack_phi(packed, np.full(len(packed), pt, dtype=np.float32))
    assert np.array_equal(pack_angle(phi, 3.2), packed)
    shift = 0.1 * pt if pt < 1 else 0.1 / pt
    sign = 1 if int(np.float32(pt) * 10) % 2 == 0 else -1
    np.testing.assert_allclose(
        phi - packed * (3.2 / 32767), sign * shift * 3.2 / 32767, rtol=0, atol=5e-7
    )


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


@pytest.mark.parametrize("scale", SCALES)
def test_every_level_of_a_log_scale_survives(scale):
    packed = np.arange(1 - scale.levels, scale.levels).astype(np.int8)
    assert np.array_equal(pack_log(unpack_log(packed, scale), scale), packed)


@given(st.floats(-25, 10), st.booleans(), st.sampled_from(SCALES))
def test_log_scales_are_accurate_to_half_a_level_and_saturate(log, negative, scale):
    value = math.exp(log) * (-1 if negative else 1)
    unpacked = float(unpack_log(pack_log([value], scale), scale)[0])
    assert (unpacked < 0) == negative
    level = (scale.high - scale.low) / scale.levels
    lowest = scale.low + level * negative
    clipped = max(lowest, min(scale.high - level, log))
    assert abs(math.log(abs(unpacked)) - clipped) <= level / 2 + 1e-6


def test_zero_becomes_the_least_magnitude():
    assert unpack_log(pack_log([0.0], SCALES[2]), SCALES[2])[0] == pytest.approx(math.exp(-17))


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


def test_covariance_is_accurate_to_its_codecs():
    rng = np.random.default_rng(1)
    pt = rng.uniform(0.5, 20, 50).astype(np.float32)
    elements = {
        "covQopQop": rng.uniform(1e-5, 1e-2, 50) / pt**2,
        "covLamLam": rng.uniform(1e-8, 1e-4, 50),
        "covPhiPhi": rng.uniform(1e-6, 1e-2, 50) / pt**2,
        "covDxyDxy": rng.uniform(1e-6, 1e-2, 50),
        "covDszDsz": rng.uniform(1e-6, 1e-2, 50),
        "covDxyDsz": rng.uniform(-1e-4, 1e-4, 50),
        "covPhiDxy": rng.uniform(-1e-2, -1e-6, 50),
        "covLamDsz": rng.uniform(1e-7, 1e-2, 50),
    }
    packed = packed_covariance({k: v.astype(np.float32) for k, v in elements.items()}, pt)
    assert set(packed) == set(elements)
    for name, values in elements.items():
        factor = {
            "covDxyDxy": 2**-11,
            "covDszDsz": 2**-11,
            "covDxyDsz": 2**-10,
            "covPhiDxy": 0.06,
            "covLamDsz": 0.06,
        }.get(name, 0.4)
        np.testing.assert_allclose(packed[name], values, rtol=factor, atol=1e-10)
