"""What the corrections leave: the median of corrected over generated pT of independent jets."""

from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from corrections import resolution
from corrections.binning import Point, filled_bins, point, within
from corrections.matched import Matched
from sonicmini.modules.columns import Bools, Floats

ETA: Final = (0.0, 1.3, 2.5, 3.0, 3.839, 4.7)
GEN_PT: Final = (20.0, 30.0, 50.0, 80.0, 120.0, 200.0, 400.0, 1000.0)
LEAST: Final = 30
PILEUP_SPLIT: Final = 25.0
"""Mean number of collisions between little and much pileup."""
_LEAST_OF_SIDE: Final = 10

_UNCERTAINTY_PT: Final = (15.0, 20.0, 30.0, 50.0, 80.0, 120.0, 200.0, 400.0, 1000.0, 3000.0)


class Cell(NamedTuple):
    """One cell of the table of closure.

    Attributes:
        eta: edges in abs(eta).
        found: the median and what else is known, None where too few jets are.
    """

    eta: tuple[float, float]
    pt: tuple[float, float]
    found: Point | None


def closure_table(pairs: Matched, pt: Floats, pt_min: float) -> list[Cell]:
    """The closure in every bin of eta and generated pT from a least pT on.

    Args:
        pairs: of all eta.
        pt: of their jets, corrected.
        pt_min: least generated pT.
    """
    ratio, cells = pt / pairs.gen_pt, []
    for low, high in pairwise(ETA):
        for bottom, top in pairwise(GEN_PT):
            if bottom < pt_min:
                continue
            inside = within(pairs.eta, low, high)
            inside &= (pairs.gen_pt >= bottom) & (pairs.gen_pt < top)
            many = np.count_nonzero(inside) >= LEAST
            found = point(ratio[inside], pairs.gen_pt[inside], (bottom, top)) if many else None
            cells.append(Cell((low, high), (bottom, top), found))
    return cells


def uncertainties(pairs: Matched, pt: Floats) -> list[tuple[list[float], list[float]]]:
    """The relative uncertainty in wide bins of eta, by generated pT.

    Its parts, in quadrature: the statistical error of the median of these jets; what it differs
    from 1; half of its difference between events with little and with much pileup.

    Returns:
        For each bin of ``resolution.ETA`` the edges in pT (GeV) and the values between them.
    """
    found = []
    for low, high in resolution.eta_bins():
        inside = within(pairs.eta, low, high)
        gen_pt, ratio = pairs.gen_pt[inside], (pt / pairs.gen_pt)[inside]
        quiet = pairs.pileup[inside] < PILEUP_SPLIT
        edges, values = [_UNCERTAINTY_PT[0]], list[float]()
        for _, top, chosen in filled_bins(gen_pt, _UNCERTAINTY_PT, 2 * LEAST):
            whole = point(ratio[chosen], gen_pt[chosen], (low, high))
            spread = _half_difference(ratio[chosen], quiet[chosen])
            edges.append(top)
            values.append(float(np.sqrt(whole.error**2 + (whole.value - 1.0) ** 2 + spread**2)))
        found.append((edges, values))
    return found


def _half_difference(values: Floats, first: Bools) -> float:
    """Half the difference of the medians of two groups; 0 if one is too small to say."""
    if min(np.count_nonzero(first), np.count_nonzero(~first)) < _LEAST_OF_SIDE:
        return 0.0
    return float(0.5 * (np.median(values[first]) - np.median(values[~first])))
