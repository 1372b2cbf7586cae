"""Resolutions of pT and azimuth of calibrated jets by eta, pT and density of pileup.

CMS, JINST 12 (2017) P02014, section 8: noise, stochastic and constant term, the noise growing with
pileup.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from scipy.optimize import least_squares

from corrections.binning import Point, medians, within
from corrections.matched import Matched
from sonicmini.modules.columns import Floats

ETA: Final = (0.0, 0.8, 1.3, 1.9, 2.5, 3.0, 3.839, 5.191)
RHO: Final = (0.0, 8.0, 16.0, 24.0, 32.0, 60.0)
GEN_PT: Final = (15, 20, 25, 32, 40, 50, 65, 85, 110, 150, 200, 280, 400, 600, 900, 1400, 2500)
LEAST: Final = 60
LEAST_POINTS: Final = 8


class Terms(NamedTuple):
    """``sqrt(noise^2/pT^2 + pileup rho/pT^2 + stochastic/pT + constant^2)``, all not negative.

    Attributes:
        noise: squared (GeV2 for pT, GeV2 rad2 for azimuth); also ``pileup``, per density.
        stochastic: squared.
        constant: squared.
        low: least pT (GeV) at which it is used; also ``high``.
    """

    noise: float
    pileup: float
    stochastic: float
    constant: float
    low: float
    high: float

    def __call__(self, pt: Floats, rho: Floats) -> Floats:
        """The resolution of jets."""
        x = np.clip(pt, self.low, self.high)
        variance = (self.noise + self.pileup * rho) / x**2 + self.stochastic / x + self.constant
        found: Floats = np.sqrt(variance)
        return found


def eta_bins() -> list[tuple[float, float]]:
    """The bins in abs(eta), wider than those of the response."""
    return list(pairwise(ETA))


def fit_pt_resolutions(pairs: Matched, pt: Floats) -> list[Terms]:
    """The relative resolution of the corrected pT in each bin of abs(eta)."""
    return _in_all_bins(pairs, pt / pairs.gen_pt)


def fit_phi_resolutions(pairs: Matched) -> list[Terms]:
    """The resolution of the azimuth (rad) in each bin of abs(eta)."""
    turn = (pairs.phi - pairs.gen_phi + np.pi) % (2.0 * np.pi) - np.pi
    return _in_all_bins(pairs, turn)


def _in_all_bins(pairs: Matched, values: Floats) -> list[Terms]:
    """A bin with too few jets has the terms of the one before it."""
    found: list[Terms] = []
    for edges in eta_bins():
        points = widths(pairs, values, edges)
        found.append(fit_resolution(points) if len(points) >= LEAST_POINTS else found[-1])
    return found


def widths(pairs: Matched, values: Floats, edges: tuple[float, float]) -> list[tuple[Point, float]]:
    """Points of each bin of density, with its mean density."""
    inside = within(pairs.eta, *edges)
    found = []
    for low, high in pairwise(RHO):
        chosen = inside & (pairs.rho >= low) & (pairs.rho < high)
        if chosen.any():
            rho = float(np.mean(pairs.rho[chosen]))
            points = medians(pairs.gen_pt[chosen], values[chosen], GEN_PT, LEAST)
            found += [(point, rho) for point in points]
    return found


def fit_resolution(points: Sequence[tuple[Point, float]]) -> Terms:
    """Fits the widths of one bin in eta, given with their densities of pileup."""
    pt = np.array([point.gen_pt for point, _ in points])
    rho = np.array([density for _, density in points])
    width = np.array([point.width for point, _ in points])
    # The error of the width of a Gaussian, from the central 68.3 %, is about width/sqrt(n).
    error = width * np.hypot([point.pairs**-0.5 for point, _ in points], 0.02)

    def pulls(terms: Floats) -> Floats:
        noise, pileup, stochastic, constant = terms.tolist()
        found = Terms(noise, pileup, stochastic, constant, 0.0, np.inf)(pt, rho)
        distance: Floats = (found - width) / error
        return distance

    solved = least_squares(pulls, (1.0, 0.1, 0.5, 0.0025), bounds=(0.0, np.inf))
    noise, pileup, stochastic, constant = (float(value) for value in solved.x)
    return Terms(noise, pileup, stochastic, constant, float(pt.min()), float(pt.max()))
