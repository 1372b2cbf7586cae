"""How well taus are told from what is none, with statistical errors."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.deeptau.layout import CLASSES

Scores = NDArray[np.floating[Any]]

BOOTSTRAP: Final = 200
"""Samples drawn for an error."""


@dataclass(frozen=True)
class Value:
    """A fraction and its statistical error, one standard deviation."""

    value: float
    error: float

    def __str__(self) -> str:
        digits = 1 if 0.1 <= self.value <= 0.99 else 2
        return f"{100 * self.value:.{digits}f} ± {100 * self.error:.{digits}f} %"


def score(probabilities: NDArray[np.floating[Any]], against: str) -> NDArray[np.float32]:
    """The discriminator against a class: probability of a tau over the sum of both.

    Args:
        probabilities: shape (candidates, 4).
        against: ``e``, ``mu`` or ``jet``.
    """
    tau = probabilities[:, CLASSES.index("tau")].astype(np.float32)
    both = tau + probabilities[:, CLASSES.index(against)].astype(np.float32)
    return np.divide(tau, both, out=np.zeros_like(tau), where=both > 0)


def threshold(signal: Scores, efficiency: float) -> float:
    """What the wanted fraction of the signal is above."""
    return float(np.quantile(signal, 1 - efficiency))


def passing(scores: Scores, cut: float) -> Value:
    """The fraction above a cut; the error is that of a binomial with one more of either kind."""
    number, passed = len(scores), np.count_nonzero(scores > cut)
    expected = (passed + 1) / (number + 2)
    value = passed / number if number else 0.0
    return Value(value, float(np.sqrt(expected * (1 - expected) / (number + 2))))


def mistaken(signal: Scores, background: Scores, efficiency: float) -> Value:
    """The background efficiency of the cut with a signal efficiency; the error has that of both."""
    value = passing(background, threshold(signal, efficiency))
    cuts = _resampled(signal, lambda drawn: threshold(drawn, efficiency))
    by_cut = np.std([passing(background, cut).value for cut in cuts], ddof=1)
    return Value(value.value, float(np.hypot(value.error, by_cut)))


def curve(signal: Scores, background: Scores) -> tuple[Scores, Scores]:
    """Efficiencies of signal and background above every score of the signal, ascending."""
    cuts = np.sort(signal)[::-1]
    ordered = np.sort(background)
    passed = len(ordered) - np.searchsorted(ordered, cuts, side="left")
    return np.arange(1, len(cuts) + 1) / len(cuts), passed / max(len(ordered), 1)


def _resampled(values: Scores, measure: Callable[[Scores], float]) -> list[float]:
    rng = np.random.default_rng(1)
    return [measure(rng.choice(values, len(values))) for _ in range(BOOTSTRAP)]
