"""Strips: photons and electrons of a jet joined to neutral pions.

CMSSW: ``RecoTauPiZeroStripPlugin3`` (dynamic strips; CMS, JINST 13 (2018) P10005). The size of the
window depends on the pT of the strip and of what is added.
"""

import math
from typing import NamedTuple

import numpy as np

from sonicmini.modules.columns import Floats, Ints, kernel
from sonicmini.modules.taus.inputs import Candidates


class Strips(NamedTuple):
    """Strips of all seeds, by seed and falling pT; GeV.

    Attributes:
        p4: px, py, pz, E, shape ``(strips, 4)``.
        bend_eta: spread in pseudorapidity that conversions and nuclear interactions may have
            caused; ``bend_phi`` in azimuth.
        starts: of the seeds among the strips, shape ``(seeds + 1,)``.
        daughter: candidates of one strip after the other, among those of all events.
        daughter_starts: of the strips among the daughters, shape ``(strips + 1,)``.
    """

    p4: Floats
    bend_eta: Floats
    bend_phi: Floats
    starts: Ints
    daughter: Ints
    daughter_starts: Ints


def build_strips(candidate: Ints, starts: Ints, *, of: Candidates, signed_phi: bool) -> Strips:
    """Joins the candidates of each seed to strips.

    The hardest candidate not yet in a strip starts one; it takes up all within the window around
    its axis, which is then moved to the sum, until nothing is added. In azimuth CMSSW compares the
    signed difference with the size of the window, so that everything on one side is inside it.
    CMSSW's threshold on strips is that on their candidates, which none can miss.

    Args:
        candidate: photons and electrons of one seed after the other, by falling pT.
        starts: of the seeds among them.
        of: the candidates.
        signed_phi: take the signed difference in azimuth, as CMSSW, not its absolute value.
    """
    return _build(candidate, starts, of, 1 if signed_phi else 2)


@kernel
def _build(candidate: Ints, starts: Ints, candidates: Candidates, sides: int) -> Strips:
    n, n_seeds = len(candidate), len(starts) - 1
    p4, bends = np.empty((n, 4)), np.empty((n, 2))
    strip_starts, daughter_starts = np.zeros(n_seeds + 1, np.int64), np.zeros(n + 1, np.int64)
    daughter = np.empty(n, np.int64)
    owner, order = np.full(n, -1), np.empty(n, np.int64)
    strips = daughters = 0
    for seed in range(n_seeds):
        begin, end = starts[seed], starts[seed + 1]
        found = 0
        for i in range(begin, end):
            if owner[i] < 0:
                p4[i] = _grow(i, (begin, end), (candidate, owner), candidates, sides)
                order[begin + found] = i
                found += 1
        _sort_by_pt(order[begin : begin + found], p4)
        for i in order[begin : begin + found].copy():
            bends[strips] = _bend(i, (begin, end), (candidate, owner), candidates)
            order[strips] = i
            for j in range(begin, end):
                if owner[j] == i:
                    daughter[daughters] = candidate[j]
                    daughters += 1
            strips += 1
            daughter_starts[strips] = daughters
        strip_starts[seed + 1] = strips
    return Strips(
        p4[order[:strips]],
        bends[:strips, 0].copy(),
        bends[:strips, 1].copy(),
        strip_starts,
        daughter[:daughters].copy(),
        daughter_starts[: strips + 1].copy(),
    )


@kernel
def _grow(
    i: int,
    limits: tuple[int, int],
    members: tuple[Ints, Ints],
    candidates: Candidates,
    sides: int,
) -> Floats:
    """Gives candidates to the strip started by ``i``; returns its momentum."""
    candidate, owner = members
    owner[i] = i
    axis = np.empty(4)
    _add(axis, i, limits, members, candidates)
    added = True
    while added:
        added = False
        pt = math.hypot(axis[0], axis[1])
        eta, phi = math.asinh(axis[2] / pt), math.atan2(axis[1], axis[0])
        window_eta, window_phi = _window_eta(pt), _window_phi(pt)
        for j in range(limits[0], limits[1]):
            if owner[j] >= 0:
                continue
            c = candidate[j]
            d_phi = phi - candidates.phi[c]
            d_phi -= 2.0 * math.pi * math.floor((d_phi + math.pi) / (2.0 * math.pi))
            if sides == 2:
                d_phi = abs(d_phi)
            c_pt = candidates.pt[c]
            in_eta = abs(eta - candidates.eta[c]) < window_eta + _window_eta(c_pt)
            if in_eta and d_phi < window_phi + _window_phi(c_pt):
                owner[j], added = i, True
        _add(axis, i, limits, members, candidates)
    return axis


@kernel
def _add(
    axis: Floats,
    i: int,
    limits: tuple[int, int],
    members: tuple[Ints, Ints],
    candidates: Candidates,
) -> None:
    """The momentum of strip ``i``."""
    candidate, owner = members
    axis[:] = 0.0
    for j in range(limits[0], limits[1]):
        if owner[j] == i:
            c = candidate[j]
            axis[0] += candidates.px[c]
            axis[1] += candidates.py[c]
            axis[2] += candidates.pz[c]
            axis[3] += candidates.energy[c]


@kernel
def _sort_by_pt(order: Ints, p4: Floats) -> None:
    """Sorts positions by falling pT of their momentum, in place."""
    for k in range(1, len(order)):
        i = order[k]
        pt2 = p4[i, 0] ** 2 + p4[i, 1] ** 2
        m = k
        while m > 0 and p4[order[m - 1], 0] ** 2 + p4[order[m - 1], 1] ** 2 < pt2:
            order[m] = order[m - 1]
            m -= 1
        order[m] = i


@kernel
def _bend(
    i: int, limits: tuple[int, int], members: tuple[Ints, Ints], candidates: Candidates
) -> tuple[float, float]:
    """Windows of the daughters of a strip, weighted with their energy."""
    candidate, owner = members
    bend_eta = bend_phi = energy = 0.0
    for j in range(limits[0], limits[1]):
        if owner[j] == i:
            c = candidate[j]
            bend_eta += candidates.energy[c] * _window_eta(candidates.pt[c])
            bend_phi += candidates.energy[c] * _window_phi(candidates.pt[c])
            energy += candidates.energy[c]
    return bend_eta / energy, bend_phi / energy


@kernel
def _window_eta(pt: float) -> float:
    """Half width of the window in pseudorapidity for this pT (GeV)."""
    return float(min(0.15, max(0.05, 0.197077 * pt**-0.658701)))


@kernel
def _window_phi(pt: float) -> float:
    """Half width of the window in azimuth for this pT (GeV)."""
    return float(min(0.3, max(0.05, 0.352476 * pt**-0.707716)))
