"""Levels 2 and 3: the median response by eta and pT, inverted to the reconstructed pT.

CMS, JINST 12 (2017) P02014, section 5.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from corrections.binning import Point, eta_bins, medians, within
from corrections.matched import Matched
from sonicmini.modules.columns import Floats

MAX_DEGREE: Final = 5
_GRID: Final = 400


class Curve(NamedTuple):
    """A correction as a polynomial of log10(pT), constant outside a range.

    Attributes:
        coefficients: of rising powers.
        low: least pT (GeV) of the range; also ``high``.
    """

    coefficients: tuple[float, ...]
    low: float
    high: float

    def __call__(self, pt: Floats) -> Floats:
        """The factor at each pT."""
        x = np.log10(np.clip(pt, self.low, self.high))
        return np.polynomial.polynomial.polyval(x, self.coefficients).astype(np.float64)


def fit_responses(pairs: Matched) -> list[Curve]:
    """The correction in each bin of abs(eta), given the jets after level 1.

    A bin with too few jets has that of the one before it.
    """
    curves: list[Curve] = []
    for edges in eta_bins():
        inside = within(pairs.eta, *edges)
        points = medians(pairs.gen_pt[inside], (pairs.pt / pairs.gen_pt)[inside])
        curves.append(fit_response(points) if points else curves[-1])
    return curves


def fit_response(points: Sequence[Point]) -> Curve:
    """Fits the inverse of the median response as a function of the median pT.

    The median of a rising function is the function of the median: a jet of median pT gets the
    generated pT back. The degree is the one with the least Akaike criterion of those that leave the
    order of jets as it is.

    Args:
        points: median response of bins of generated pT, at least one.
    """
    x = np.log10([point.value * point.gen_pt for point in points])
    y = np.array([1.0 / point.value for point in points])
    # No bin is trusted better than 0.3 %: the function is only smooth.
    error = y * np.hypot([point.error / point.value for point in points], 0.003)
    low, high = 10.0 ** x.min(), 10.0 ** x.max()
    best, least = Curve((float(np.average(y, weights=error**-2.0)),), low, high), np.inf
    for degree in range(min(MAX_DEGREE, len(x) - 2) + 1):
        found = np.polynomial.Polynomial.fit(x, y, degree, w=1.0 / error).convert()
        curve = Curve(tuple(float(value) for value in found.coef), low, high)
        criterion = float(np.sum(((found(x) - y) / error) ** 2)) + 2.0 * (degree + 1)
        if criterion < least and rises(curve):
            best, least = curve, criterion
    return best


def rises(curve: Curve) -> bool:
    """Whether the corrected pT rises with the uncorrected one."""
    pt = np.geomspace(0.5 * curve.low, 2.0 * curve.high, _GRID)
    return bool(np.all(np.diff(pt * curve(pt)) > 0.0) and np.all(curve(pt) > 0.0))


def response_factor(pairs: Matched, curves: list[Curve]) -> Floats:
    """The factor of levels 2 and 3 for each jet, given after level 1."""
    factor = np.ones(len(pairs.pt))
    for edges, curve in zip(eta_bins(), curves, strict=True):
        inside = within(pairs.eta, *edges)
        factor[inside] = curve(pairs.pt[inside])
    return factor
