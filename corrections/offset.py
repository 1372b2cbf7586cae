"""Level 1: what pileup adds to a jet, by the density of the event and the area of the jet.

CMS, JINST 12 (2017) P02014, section 4. There the same collisions are compared with and without
pileup; here jets of the same generated pT in events of different density.
"""

from typing import Final

import numpy as np

from corrections.binning import eta_bins, filled_bins, within
from corrections.matched import Matched
from sonicmini.modules.columns import Floats

Offset = tuple[float, float, float]
"""a, b, c of the density that is subtracted, ``a + b rho + c rho^2`` (GeV), at least 0."""

_GEN_PT: Final = (12.0, 14.0, 17.0, 20.0, 24.0, 30.0, 40.0, 55.0, 80.0)
_ROUNDS: Final = 5
_OUTLIERS: Final = 3.0
LEAST_FACTOR: Final = 0.001


def fit_offsets(pairs: Matched) -> list[Offset]:
    """The offset in each bin of abs(eta)."""
    # Without pileup there is a density, too, from the underlying event: it belongs to the jet.
    quiet = float(np.mean(pairs.rho[pairs.pileup == 0]))
    return [fit_offset(pairs.where(within(pairs.eta, *edges)), quiet) for edges in eta_bins()]


def fit_offset(pairs: Matched, quiet: float) -> Offset:
    """Fits the pT of jets as a part of the generated one and the offset times the area.

    The part is free in each bin of generated pT. Bins have the weight of their width, jets more
    than three widths away are left out.

    Args:
        pairs: of one bin in eta.
        quiet: density (GeV) at which the offset is 0.
    """
    bins = [inside for _, _, inside in filled_bins(pairs.gen_pt, _GEN_PT, 20)]
    rows = np.flatnonzero(np.any(bins, axis=0))
    parts = [np.where(inside, pairs.gen_pt, 0.0)[rows] for inside in bins]
    density = pairs.rho - quiet, pairs.rho**2 - quiet**2
    matrix = np.stack([*parts, *(pairs.area[rows] * power[rows] for power in density)], axis=1)
    target, sigma = pairs.pt[rows], np.ones(len(rows))
    good = np.ones(len(rows), dtype=bool)
    found: Floats = np.zeros(matrix.shape[1])
    for _ in range(_ROUNDS):
        scaled = matrix[good] / sigma[good, np.newaxis]
        solved = np.linalg.lstsq(scaled, target[good] / sigma[good], rcond=None)[0]
        found = solved.astype(np.float64)
        left = target - matrix @ found
        for inside in bins:
            chosen = inside[rows]
            sigma[chosen] = 0.5 * np.diff(np.percentile(left[chosen], (15.85, 84.15)))[0]
        good = np.abs(left) < _OUTLIERS * sigma
    slope, curve = float(found[-2]), float(found[-1])
    return -slope * quiet - curve * quiet**2, slope, curve


def offset_factor(pairs: Matched, offsets: list[Offset]) -> Floats:
    """The factor of level 1 for each jet."""
    factor = np.ones(len(pairs.pt))
    for edges, (a, b, c) in zip(eta_bins(), offsets, strict=True):
        inside = within(pairs.eta, *edges)
        density = np.maximum(a + b * pairs.rho + c * pairs.rho**2, 0.0)[inside]
        factor[inside] = np.maximum(
            LEAST_FACTOR, 1.0 - pairs.area[inside] * density / pairs.pt[inside]
        )
    return factor
