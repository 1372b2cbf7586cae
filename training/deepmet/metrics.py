"""How good a missing momentum is: resolution of a component, response, with statistical errors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Resolution:
    """Of a missing momentum against the generator's.

    Attributes:
        rms: of a component's residual, GeV.
        core: half the width of the central 68.3 % of a component's residuals, GeV.
        response: mean momentum along the true direction over the mean true momentum.
        corrected: rms of the momentum over its response, GeV: as good as it gets by scaling.
        rms_error, ...: one standard deviation, by the bootstrap.
    """

    rms: float
    core: float
    response: float
    corrected: float
    rms_error: float = 0.0
    core_error: float = 0.0
    response_error: float = 0.0
    corrected_error: float = 0.0


def resolution(
    found: NDArray[np.floating], true: NDArray[np.floating], bootstrap: int = 0
) -> Resolution:
    """Measures momenta of shape (events, 2), in GeV."""
    values = _measure(found, true)
    if bootstrap == 0:
        return Resolution(*values)
    rng = np.random.default_rng(1)
    draws = [rng.integers(0, len(true), len(true)) for _ in range(bootstrap)]
    errors = np.std([_measure(found[draw], true[draw]) for draw in draws], axis=0, ddof=1)
    return Resolution(*values, *map(float, errors))


def improvement(
    found: NDArray[np.floating],
    other: NDArray[np.floating],
    true: NDArray[np.floating],
    bootstrap: int = 200,
) -> tuple[float, float]:
    """By what part the rms is below that of another momentum of the same events, and its error."""
    rng = np.random.default_rng(2)
    draws = [rng.integers(0, len(true), len(true)) for _ in range(bootstrap)]
    ratios = [_measure(found[d], true[d])[0] / _measure(other[d], true[d])[0] for d in draws]
    ratio = _measure(found, true)[0] / _measure(other, true)[0]
    return 1 - ratio, float(np.std(ratios, ddof=1))


def places(true: NDArray[np.floating], edges: Sequence[float]) -> NDArray[np.int64]:
    """Index of the bin of each true momentum's size, -1 or the number of bins outside of all."""
    size = np.hypot(true[:, 0], true[:, 1])
    place: NDArray[np.int64] = np.searchsorted(edges, size, side="right") - 1
    return place


def deviation(
    found: NDArray[np.floating], true: NDArray[np.floating], edges: Sequence[float]
) -> float:
    """Mean absolute deviation of the response from one over bins of the true momentum in GeV.

    Bins count by their events.
    """
    place = places(true, edges)
    bins = [here for here in (place == index for index in range(len(edges) - 1)) if here.any()]
    off = [abs(_measure(found[here], true[here])[2] - 1) for here in bins]
    return float(np.average(off, weights=[np.count_nonzero(here) for here in bins]))


def _measure(
    found: NDArray[np.floating], true: NDArray[np.floating]
) -> tuple[float, float, float, float]:
    residual = found - true
    low, high = np.quantile(residual, (0.1587, 0.8413))
    size = np.hypot(true[:, 0], true[:, 1])
    along = (found * true).sum(1) / np.maximum(size, 1e-9)
    response = along.sum() / size.sum()
    return (
        float(np.sqrt(np.mean(residual**2))),
        float((high - low) / 2),
        float(response),
        float(np.sqrt(np.mean((found / response - true) ** 2))),
    )
