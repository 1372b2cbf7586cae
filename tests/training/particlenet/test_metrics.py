import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.particlenet.metrics import (
    auc,
    divergence,
    improvement,
    mode,
    rejection,
    response,
    roc,
    sculpting,
)

SCORES = st.lists(st.integers(0, 6), min_size=2, max_size=20)


@given(SCORES, SCORES)
def test_area_is_the_probability_of_the_right_order(signal, background):
    pairs = [(s > b) + 0.5 * (s == b) for s in signal for b in background]
    assert auc(signal, background).value == pytest.approx(np.mean(pairs))
    assert roc(signal, background).area == pytest.approx(np.mean(pairs))


def test_area_by_hand():
    found = auc([3, 2, 1], [2, 0])
    # Of the six pairs 3-2, 3-0, 2-0, 1-0 are in order, 2-2 counts one half, 1-2 is not.
    assert found.value == pytest.approx(4.5 / 6)
    # Placements: signal 1, 0.75, 0.5; background 0.5, 1. Variances 0.0625 and 0.125.
    assert found.error == pytest.approx(np.sqrt(0.0625 / 3 + 0.125 / 2))


def test_error_of_the_area_is_its_spread():
    rng = np.random.default_rng(5)
    drawn = [auc(rng.normal(1, 1, 200), rng.normal(0, 1, 300)) for _ in range(300)]
    values = [one.value for one in drawn]
    assert np.mean([one.error for one in drawn]) == pytest.approx(np.std(values), rel=0.15)


def test_jets_of_one_event_count_as_one():
    rng = np.random.default_rng(6)
    signal, background = rng.normal(1, 1, 100), rng.normal(0, 1, 150)
    once = auc(signal, background)
    alone = auc(signal, background, (np.arange(100), 100 + np.arange(150)))
    assert alone.error == pytest.approx(once.error)
    twice = auc(
        np.repeat(signal, 2),
        np.repeat(background, 2),
        (np.repeat(np.arange(100), 2), np.repeat(100 + np.arange(150), 2)),
    )
    assert twice.value == pytest.approx(once.value)
    assert twice.error == pytest.approx(once.error, rel=0.01)


def test_error_with_events_is_the_spread_over_events():
    rng = np.random.default_rng(7)
    drawn = []
    for _ in range(300):
        common = rng.normal(0, 1, 120)  # of an event's jets: one of signal, two of background
        event = np.arange(120)
        signal, first, second = (common + rng.normal(shift, 1, 120) for shift in (1, 0, 0))
        both = np.concatenate([first, second])
        drawn.append(auc(signal, both, (event, np.tile(event, 2))))
    spread = np.std([one.value for one in drawn])
    assert np.mean([one.error for one in drawn]) == pytest.approx(spread, rel=0.15)


def test_curve_by_hand():
    found = roc([3, 2, 1], [2, 0])
    assert found.signal.tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1, 1])
    assert found.background.tolist() == pytest.approx([0, 0, 0.5, 0.5, 1])
    assert found.background_at(0.5) == pytest.approx(0.25)


def test_weights_of_the_background_count():
    found = roc([3, 1], [2, 0], weights=[3.0, 1.0])
    assert found.background.tolist() == pytest.approx([0, 0, 0.75, 0.75, 1])


def test_rejection_by_hand():
    background = np.arange(100)
    found = rejection(np.full(10, 89.5), background, 0.7)
    # All cuts from above 99 to 89.5 pass ten jets of background; the curve is straight between
    # (0, 0.1) and (1, 0.1).
    assert found.value == pytest.approx(10)
    assert found.error == pytest.approx(10 * np.sqrt(0.9 / 10))


def test_response_and_resolution_of_a_known_distribution():
    rng = np.random.default_rng(1)
    true = rng.uniform(50, 200, 20_000)
    median, width = response(true * rng.normal(1.1, 0.11, len(true)), true)
    assert median.value == pytest.approx(1.1, abs=4 * median.error)
    assert width.value == pytest.approx(0.1, abs=4 * width.error)
    assert width.error == pytest.approx(0.1 * np.sqrt(1 / len(true)), rel=0.5)


def test_improvement_is_that_of_the_widths():
    rng = np.random.default_rng(2)
    true, noise = np.full(5_000, 100.0), rng.normal(0, 1, 5_000)
    found = improvement(true + 8 * noise, true + 10 * noise, true)
    assert found.value == pytest.approx(0.2, abs=0.01)
    assert found.error < 0.01


def test_mode_is_where_most_values_are():
    rng = np.random.default_rng(3)
    values = np.concatenate([rng.normal(1, 0.02, 2_000), rng.uniform(1, 5, 2_000)])
    assert mode(values) == pytest.approx(1, abs=0.02)
    assert mode([7.0]) == 7.0


def test_divergence_by_hand():
    assert divergence([1, 1], [2, 2]) == 0
    assert divergence([1, 0], [0, 1]) == pytest.approx(1)
    # (1/2, 1/2) and (1, 0): middle (3/4, 1/4).
    expected = (0.5 * np.log2(2 / 3) + 0.5 * np.log2(2) + np.log2(4 / 3)) / 2
    assert divergence([1, 1], [1, 0]) == pytest.approx(expected)


def test_no_sculpting_by_a_score_that_does_not_know_the_mass():
    rng = np.random.default_rng(4)
    mass, edges = rng.exponential(60, 20_000), np.arange(20, 261, 15)
    found = sculpting(mass, rng.random(len(mass)), 0.05, edges)
    assert abs(found.value) < 4 * found.error


def test_full_sculpting_by_the_mass_itself():
    mass = np.concatenate([np.full(95, 30.0), np.full(5, 100.0)])
    found = sculpting(mass, mass, 0.05, [20, 60, 120])
    # Nothing in common: one bit, less what five random jets make.
    assert 0.9 < found.value <= 1.0
