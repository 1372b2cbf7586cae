import math

import numpy as np
import pytest

from training.deepmet.metrics import deviation, improvement, places, resolution

RNG = np.random.default_rng(5)
TRUE = RNG.normal(0, 30, (40000, 2))
NOISE = RNG.normal(0, 10, TRUE.shape)


def test_of_a_scaled_and_smeared_momentum():
    found = resolution(0.8 * (TRUE + NOISE), TRUE, bootstrap=50)
    rms = math.hypot(0.2 * 30, 0.8 * 10)
    assert found.rms == pytest.approx(rms, rel=0.01)
    assert found.core == pytest.approx(rms, rel=0.02)  # a Gaussian's half width is its rms
    assert found.response == pytest.approx(0.8, abs=0.005)
    assert found.corrected == pytest.approx(10, rel=0.01)


def test_errors_are_those_of_repeated_samples():
    parts = np.split(np.arange(len(TRUE)), 80)
    repeated = [resolution(TRUE[part] + NOISE[part], TRUE[part]) for part in parts]
    one = resolution(TRUE[:500] + NOISE[:500], TRUE[:500], bootstrap=200)
    for name in ("rms", "core", "response", "corrected"):
        spread = np.std([getattr(part, name) for part in repeated])
        assert getattr(one, f"{name}_error") == pytest.approx(spread, rel=0.4)


def test_core_does_not_see_tails():
    found = (TRUE + NOISE).copy()
    found[::50] += 1000
    assert resolution(found, TRUE).core == pytest.approx(10, rel=0.05)
    assert resolution(found, TRUE).rms > 100


def test_improvement_in_the_same_events():
    gain, error = improvement(TRUE + NOISE / 2, TRUE + NOISE, TRUE, bootstrap=20)
    assert gain == pytest.approx(0.5)
    assert error < 1e-9  # the same noise in both


def test_bins_include_their_lower_edge():
    true = np.array([[0, 9.0], [10, 0], [0, -19.9], [20, 0], [50, 0]])
    assert places(true, (10, 20, 50)).tolist() == [-1, 0, 0, 1, 2]


def test_deviation_by_hand():
    true = np.array([[15.0, 0], [0, 15], [30, 0], [200, 0], [1, 0]])
    found = np.array([[18.0, 7], [0, 15], [24, -3], [0, 0], [99, 0]])
    # Responses 33/30 of two events and 24/30 of one; the others are in no bin.
    assert deviation(found, true, (10, 20, 50)) == pytest.approx((2 * 0.1 + 0.2) / 3)
