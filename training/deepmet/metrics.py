"""How good a missing momentum is: resolution of a component, response, with statistical errors."""

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
        rms_error, core_error, response_error: one standard deviation, by the bootstrap.
    """

    rms: float
    core: float
    response: float
    rms_error: float = 0.0
    core_error: float = 0.0
    response_error: float = 0.0

    @property
    def score(self) -> float:
        """Resolution of an answer scaled to the right response: what validation looks at."""
        return self.rms / min(self.response, 1.0)


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


def _measure(found: NDArray[np.floating], true: NDArray[np.floating]) -> tuple[float, float, float]:
    residual = found - true
    low, high = np.quantile(residual, (0.1587, 0.8413))
    size = np.hypot(true[:, 0], true[:, 1])
    along = (found * true).sum(1) / np.maximum(size, 1e-9)
    return (
        float(np.sqrt(np.mean(residual**2))),
        float((high - low) / 2),
        float(along.sum() / size.sum()),
    )
