"""Bins in which responses are measured, and the statistics taken in them."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from sonicmini.modules.columns import Bools, Floats

ETA: Final = (
    *(0.0, 0.522, 0.783, 1.044, 1.305, 1.479, 1.653, 1.93, 2.172, 2.322, 2.5, 2.65, 2.853),
    *(2.964, 3.139, 3.664, 4.191, 4.716, 5.191),
)
"""Edges in abs(eta), at those of towers; the detector is the same on both sides."""

GEN_PT: Final = (
    *(12, 14, 16, 18, 20, 23, 26, 30, 35, 40, 47, 55, 65, 78, 95, 115, 140, 170, 210, 260),
    *(320, 400, 500, 630, 800, 1000, 1300, 1700, 2300, 3000),
)
"""Edges in generated pT (GeV)."""

LEAST: Final = 40
"""Pairs that a bin must have; smaller ones are joined with the next."""


class Point(NamedTuple):
    """What one bin of generated pT says.

    Attributes:
        low: least generated pT (GeV); also ``high``.
        gen_pt: mean generated pT.
        value: the median.
        error: its statistical error.
        width: half of the central 68.3 %.
        pairs: number of them.
    """

    low: float
    high: float
    gen_pt: float
    value: float
    error: float
    width: float
    pairs: int


def eta_bins() -> list[tuple[float, float]]:
    """The bins in abs(eta)."""
    return list(pairwise(ETA))


def within(eta: Floats, low: float, high: float) -> Bools:
    """Which jets are in a bin of abs(eta)."""
    inside: Bools = (np.abs(eta) >= low) & (np.abs(eta) < high)
    return inside


def medians(
    gen_pt: Floats,
    values: Floats,
    edges: tuple[float, ...] = GEN_PT,
    least: int = LEAST,
) -> list[Point]:
    """The median in each bin of generated pT."""
    return [
        point(values[inside], gen_pt[inside], (low, high))
        for low, high, inside in filled_bins(gen_pt, edges, least)
    ]


def point(values: Floats, gen_pt: Floats, edges: tuple[float, float]) -> Point:
    """Median, its error and the width of some values.

    The error is that of a Gaussian of this width: sqrt(pi/2) times that of the mean.
    """
    low, median, high = np.percentile(values, (15.85, 50.0, 84.15))
    width = 0.5 * (high - low)
    error = np.sqrt(0.5 * np.pi / len(values)) * width
    return Point(*edges, float(np.mean(gen_pt)), float(median), error, width, len(values))


def filled_bins(
    values: Floats, edges: tuple[float, ...], least: int
) -> Iterator[tuple[float, float, Bools]]:
    """Bins with at least so many values; a bin with fewer is joined with those above it.

    What is left over above the last full bin is left out.
    """
    low = edges[0]
    for high in edges[1:]:
        inside: Bools = (values >= low) & (values < high)
        if np.count_nonzero(inside) >= least:
            yield low, high, inside
            low = high
        elif not inside.any():
            low = high
