"""Two arrays that should be equal: how far each value is from the other, and how far it may be."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_FULL_TURN = 2 * np.pi

Values = NDArray[Any]
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """How the values of a branch may differ.

    Attributes:
        tolerance: relative and absolute; None and 0 allow no difference.
        bits: mantissa bits that the file keeps: values that are nearly equal may be rounded to
            neighbours. None is all.
        angle: the values are angles: a full turn is no difference.
    """

    tolerance: float | None = None
    bits: int | None = None
    angle: bool = False


def differ(a: Values, b: Values) -> NDArray[np.bool_]:
    """Where the values are not the same; NaN is the same as NaN, and 0 as -0."""
    both_nan = (a != a) & (b != b)  # noqa: PLR0124 - integers have no NaN, and isnan no integers
    unequal: NDArray[np.bool_] = (a != b) & ~both_nan
    return unequal


def differences(a: Values, b: Values, rule: Rule) -> Floats:
    """Absolute differences; infinite between a number and none, 0 where the values are the same."""
    if a.dtype.kind in "biu":
        wide = np.int64 if a.dtype.kind == "i" else np.uint64
        a, b = a.astype(wide), b.astype(wide)
        # In two's complement right even where a difference does not fit int64.
        return (np.maximum(a, b) - np.minimum(a, b)).astype(np.uint64).astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        result = np.abs(a.astype(np.float64) - b.astype(np.float64))
        if rule.angle:
            result %= _FULL_TURN
            result = np.minimum(result, _FULL_TURN - result)
    result[~differ(a, b)] = 0.0
    result[np.isnan(result)] = np.inf
    return result


def relative(a: Values, b: Values, difference: Floats) -> Floats:
    """Differences over the larger of the two absolute values."""
    scale = _scale(a, b)
    with np.errstate(invalid="ignore", divide="ignore"):
        result = np.where(difference > 0, difference / scale, 0.0)
    return np.nan_to_num(result, nan=np.inf, posinf=np.inf)


def limits(a: Values, b: Values, rule: Rule, length: Floats | None = None) -> Floats:
    """The largest difference that is allowed at each place.

    ``tolerance * (1 + max(|a|, |b|))``, and one step of rounding where the file keeps fewer bits.
    The direction of a short vector is known worse: an angle may move its tip as far as a momentum
    may differ, ``tolerance / length`` more.

    Args:
        a: one side's values.
        b: the other's.
        rule: of the branch.
        length: of the vectors whose angles these are, in GeV; None if they are not known.
    """
    if not rule.tolerance:
        return np.zeros(len(a))
    scale = _scale(a, b)
    scale[~np.isfinite(scale)] = 0.0
    result = rule.tolerance * (1 + scale)
    if rule.bits is not None:
        result += 2.0**-rule.bits * scale
    if rule.angle and length is not None:
        with np.errstate(divide="ignore"):
            result += np.nan_to_num(rule.tolerance / np.abs(length), nan=0.0, posinf=np.inf)
    return result


def outside(difference: Floats, limit: Floats) -> NDArray[np.bool_]:
    """Where a difference is not allowed; one that is infinite never is."""
    return ~((difference <= limit) & np.isfinite(difference))


def badness(difference: Floats, limit: Floats) -> Floats:
    """How large a difference is: in units of what is allowed, if any is."""
    if not limit.any():
        return difference
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.nan_to_num(difference / limit, nan=np.inf, posinf=np.inf)


def _scale(a: Values, b: Values) -> Floats:
    return np.fmax(np.abs(a.astype(np.float64)), np.abs(b.astype(np.float64)))
