"""How well jets are told apart, and how well their mass is known, with statistical errors."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array: TypeAlias = NDArray[np.float64]

Events: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64]]

BOOTSTRAP: Final = 200
"""Samples drawn for an error."""

CENTRAL: Final = (0.1587, 0.8413)
"""Quantiles between which are 68.3 % of a distribution."""


@dataclass(frozen=True)
class Value:
    """A measured number and its statistical error, one standard deviation."""

    value: float
    error: float = 0.0

    def __str__(self) -> str:
        return f"{self.value:.3f} ± {self.error:.3f}"


@dataclass(frozen=True)
class Roc:
    """Efficiencies of cuts on a discriminator, ascending, from (0, 0) to (1, 1).

    Attributes:
        signal: efficiency of signal.
        background: efficiency of background at the same cut.
    """

    signal: Array
    background: Array

    @property
    def area(self) -> float:
        """Under the curve of signal against background efficiency."""
        steps = np.diff(self.background)
        return float(np.sum(steps * (self.signal[1:] + self.signal[:-1]) / 2))

    def background_at(self, signal: float) -> float:
        """Background efficiency of the cut with a signal efficiency."""
        return float(np.interp(signal, self.signal, self.background))


def roc(signal: ArrayLike, background: ArrayLike, weights: ArrayLike | None = None) -> Roc:
    """The curve of all cuts; equal scores are passed together.

    Args:
        signal: scores of signal.
        background: scores of background.
        weights: of the background's jets, one if not given.
    """
    of_signal, of_background = (np.asarray(x, np.float64) for x in (signal, background))
    weight = np.ones(len(of_background)) if weights is None else np.asarray(weights, np.float64)
    cuts = np.unique(np.concatenate([of_signal, of_background]))[::-1]
    passed = _above(of_signal, np.ones(len(of_signal)), cuts)
    mistaken = _above(of_background, weight, cuts)
    return Roc(np.append(0.0, passed), np.append(0.0, mistaken))


def auc(signal: ArrayLike, background: ArrayLike, events: Events | None = None) -> Value:
    """Area under the curve, with the error of DeLong et al., Biometrics 44 (1988) 837.

    It is the probability that a jet of signal has a higher score than one of background; equal ones
    count one half. Jets of one event are not independent, least of all the same jet of two kinds:
    with the events the error is that of Obuchowski, Biometrics 53 (1997) 567.

    Args:
        signal: scores of signal.
        background: scores of background.
        events: numbers of the events of the jets of signal, and of those of background.
    """
    scores = [np.asarray(x, np.float64) for x in (signal, background)]
    placements = [_ranked(scores[0], scores[1]), 1.0 - _ranked(scores[1], scores[0])]
    area = float(placements[0].mean())
    parts = [(part - area) / np.sqrt(len(part) * max(1, len(part) - 1)) for part in placements]
    together = np.concatenate(parts)
    if events is not None:
        _, place = np.unique(np.concatenate(events), return_inverse=True)
        together = np.bincount(place, weights=together)
    return Value(area, float(np.sqrt(np.sum(together**2))))


def rejection(signal: ArrayLike, background: ArrayLike, efficiency: float) -> Value:
    """One over the background efficiency at a signal efficiency; the error is binomial."""
    mistaken = roc(signal, background).background_at(efficiency)
    passed = max(mistaken * np.size(background), 1.0)
    value = np.size(background) / passed
    return Value(float(value), float(value * np.sqrt((1 - mistaken) / passed)))


def response(found: ArrayLike, true: ArrayLike) -> tuple[Value, Value]:
    """Median of found over true, and half the width of its central 68.3 % over the median."""
    ratio = np.asarray(found, np.float64) / np.asarray(true, np.float64)
    draws = _resampled(lambda chosen: _centre(ratio[chosen]), len(ratio))
    median, width = _centre(ratio)
    errors = np.std(draws, axis=0, ddof=1)
    return Value(float(median), float(errors[0])), Value(float(width), float(errors[1]))


def improvement(found: ArrayLike, other: ArrayLike, true: ArrayLike) -> Value:
    """By what part the width of :func:`response` is below that of another mass of these jets."""
    mine, theirs = (np.asarray(x, np.float64) / np.asarray(true) for x in (found, other))

    def ratio(chosen: NDArray[np.int64] | slice) -> float:
        return float(_centre(mine[chosen])[1] / _centre(theirs[chosen])[1])

    error = np.std(_resampled(ratio, len(mine)), ddof=1)
    return Value(1.0 - ratio(slice(None)), float(error))


def mode(values: ArrayLike) -> float:
    """Centre of the narrowest interval with half of the values, again and again (half-sample)."""
    ordered = np.sort(np.asarray(values, np.float64))
    while len(ordered) > 2:
        half = -(-len(ordered) // 2)
        widths = ordered[half - 1 :] - ordered[: len(ordered) - half + 1]
        start = int(np.argmin(widths))
        ordered = ordered[start : start + half]
    return float(ordered.mean())


def sculpting(mass: ArrayLike, score: ArrayLike, efficiency: float, edges: ArrayLike) -> Value:
    """How much a cut on the score changes the spectrum of a mass: Jensen-Shannon divergence, bits.

    Of the spectra of the jets that pass and of those that fail (as ATL-PHYS-PUB-2018-014): 0 if
    they are equal, 1 if they have nothing in common.
    The few that pass fluctuate, which alone makes some divergence: its expectation, from random
    jets in their stead, is taken away.

    Args:
        mass: of background jets.
        score: of the same.
        efficiency: fraction that passes the cut.
        edges: of the bins of mass; jets beyond count to the outer bins.
    """
    bins = np.asarray(edges, np.float64)
    values, scores = np.asarray(mass, np.float64), np.asarray(score, np.float64)
    place = np.clip(np.digitize(values, bins) - 1, 0, len(bins) - 2)
    number = max(1, round(efficiency * len(values)))
    order = np.argsort(-scores, kind="stable")
    rng = np.random.default_rng(3)
    passed, failed = (
        np.bincount(place[x], minlength=len(bins) - 1) for x in np.split(order, [number])
    )
    chance = np.mean([_split(rng.permutation(place), number, len(bins) - 1) for _ in range(50)])
    draws = [divergence(rng.multinomial(number, passed / number), failed) for _ in range(BOOTSTRAP)]
    return Value(float(divergence(passed, failed) - chance), float(np.std(draws, ddof=1)))


def divergence(first: ArrayLike, second: ArrayLike) -> float:
    """Jensen-Shannon divergence of two histograms in bits, 0 to 1."""
    p, q = (np.asarray(x, np.float64) / np.sum(x) for x in (first, second))
    middle = (p + q) / 2
    return float((_information(p, middle) + _information(q, middle)) / 2)


def _information(p: Array, q: Array) -> float:
    """Kullback-Leibler divergence in bits."""
    there = p > 0
    return float(np.sum(p[there] * np.log2(p[there] / q[there])))


def _split(place: NDArray[np.int64], number: int, bins: int) -> float:
    first, second = (np.bincount(x, minlength=bins) for x in np.split(place, [number]))
    return divergence(first, second)


def _above(scores: Array, weights: Array, cuts: Array) -> Array:
    """Fraction of the weight at or above each cut; cuts are descending."""
    order = np.argsort(-scores, kind="stable")
    sums = np.append(0.0, np.cumsum(weights[order]))
    counts = np.searchsorted(-scores[order], -cuts, side="right")
    return np.asarray(sums[counts] / sums[-1])


def _ranked(values: Array, others: Array) -> Array:
    """Fraction of the others below each value; equal ones count one half."""
    ordered = np.sort(others)
    below, upto = (np.searchsorted(ordered, values, side=side) for side in ("left", "right"))
    return np.asarray((below + upto) / (2 * len(ordered)))


def _centre(ratio: Array) -> tuple[float, float]:
    """Median, and half of the central width over it."""
    low, median, high = np.quantile(ratio, (CENTRAL[0], 0.5, CENTRAL[1]))
    return float(median), float((high - low) / 2 / median)


def _resampled(measure: Callable[[NDArray[np.int64]], object], size: int) -> Array:
    rng = np.random.default_rng(1)
    return np.array([measure(rng.integers(0, size, size)) for _ in range(BOOTSTRAP)])
