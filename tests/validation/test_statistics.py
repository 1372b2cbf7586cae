import numpy as np
import pytest
from scipy.stats import kstest

from sonicmini.validation.statistics import compare_histograms, compare_ratios, ratio
from sonicmini.validation.sums import Sums


def entries(rng, events, mean=6.0, shift=0.0):
    """Histograms of events whose objects come in numbers that vary more than Poisson's."""
    rates = mean * rng.gamma(4.0, 0.25, events)
    counts = rng.poisson(rates)
    return np.stack(
        [np.histogram(rng.normal(shift, 1.0, n), np.linspace(-4, 4, 13))[0] for n in counts]
    ).astype(float)


def test_probabilities_of_like_samples_are_uniform():
    rng = np.random.default_rng(3)
    found = [
        compare_histograms(Sums.of(entries(rng, 300)), Sums.of(entries(rng, 600))).probability
        for _ in range(150)
    ]
    assert kstest(found, "uniform").pvalue > 1e-3
    assert min(found) > 1e-5


@pytest.mark.parametrize("events", [10, 40])
def test_few_events_deviate_no_more_often_than_many(events):
    rng = np.random.default_rng(8)
    reference = Sums.of(entries(rng, 3000))
    found = [
        compare_histograms(Sums.of(entries(rng, events)), reference).probability for _ in range(300)
    ]
    assert np.mean(np.array(found) < 0.02) < 0.05
    assert min(found) > 1e-5


@pytest.mark.parametrize("changed", [{"mean": 7.0}, {"shift": 0.2}])
def test_other_rates_and_other_shapes_are_found(changed):
    rng = np.random.default_rng(4)
    ours, reference = Sums.of(entries(rng, 1000)), Sums.of(entries(rng, 1000, **changed))
    assert compare_histograms(ours, reference).probability < 1e-6


def test_poisson_errors_would_be_wrong():
    rng = np.random.default_rng(3)
    sums = Sums.of(entries(rng, 20000))
    total = sums.merged(np.ones((1, 12)))
    assert total.covariance[0, 0] > 1.5 * total.mean[0] / total.events


def test_histograms_without_entries_agree():
    empty = Sums.of(np.zeros((5, 4)))
    assert compare_histograms(empty, empty).probability == 1.0


def test_an_always_equal_number_that_differs_is_found():
    assert compare_histograms(Sums.of(np.full((9, 1), 2.0)), Sums.of(np.full((9, 1), 3.0))) == (
        float("inf"),
        0,
        0.0,
    )


def test_ratio_of_counts_has_the_binomial_error():
    rng = np.random.default_rng(5)
    total = np.ones(4000)
    passed = (rng.random(4000) < 0.3).astype(float)
    found = ratio(Sums.of(np.stack([passed, total], axis=1)))
    assert found.value == passed.mean()
    assert found.error == pytest.approx(np.sqrt(0.3 * 0.7 / 4000), rel=0.03)


def test_pulls_of_ratios_are_normal():
    rng = np.random.default_rng(6)

    def sample():
        total = rng.poisson(rng.gamma(2.0, 1.0, 500))
        return Sums.of(np.stack([rng.binomial(total, 0.6), total], axis=1).astype(float))

    found = [compare_ratios(sample(), sample()).probability for _ in range(200)]
    assert kstest(found, "uniform").pvalue > 1e-3


def test_a_ratio_of_few_is_no_deviation():
    few = Sums.of(np.array([[1.0, 1.0], [0.0, 0.0]]))
    many = Sums.of(np.array([[1.0, 2.0]] * 20))
    assert compare_ratios(few, many).probability == 1.0


def test_a_ratio_of_nothing_is_no_deviation():
    nothing = Sums.of(np.zeros((5, 2)))
    assert compare_ratios(nothing, nothing).probability == 1.0
    assert np.isnan(ratio(nothing).value)
