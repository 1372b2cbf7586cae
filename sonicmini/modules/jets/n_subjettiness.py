"""N-subjettiness: how well the constituents of a jet fit to N axes.

J. Thaler, K. Van Tilburg, JHEP 03 (2011) 015 and 02 (2012) 093. CMSSW: ``NjettinessAdder`` with
FastJet's ``contrib::Nsubjettiness``, normalised measure with beta 1, one-pass kT axes.
"""

import math

import numpy as np

from sonicmini.modules.columns import Floats, Ints, kernel
from sonicmini.modules.jets.substructure_clustering import KT, History, Points, cluster_history

MAX_AXES = 4
_STEPS = 1000  # of the minimisation, at most; as contrib
_ACCURACY = 1e-4  # mean step of the axes that ends it, and floor of the distances in it; as contrib


def n_subjettiness(p4: Floats, offsets: Ints, r0: float) -> Floats:
    """tau1 to tau4 of each jet, shape ``(jets, 4)``.

    ``tau_N = sum_k pT_k min_a dR_ka / sum_k pT_k r0`` with distances in rapidity and azimuth. The
    axes are those of the exclusive kT algorithm, moved to the next local minimum (Weiszfeld's
    iteration for the constituents closest to each axis) where it is lower. 0 for jets of at
    most N constituents.

    Args:
        p4: px, py, pz, E of the constituents, one jet after the other, shape
            ``(constituents, 4)``.
        offsets: of the jets in them.
        r0: radius of the jets.
    """
    history = cluster_history(p4, offsets, KT)
    result = np.zeros((len(offsets) - 1, MAX_AXES))
    _all_jets(history, offsets, r0, result)
    return result


@kernel
def _all_jets(history: History, offsets: Ints, r0: float, result: Floats) -> None:
    points = history.points
    for jet in range(len(offsets) - 1):
        first, n = 2 * offsets[jet], offsets[jet + 1] - offsets[jet]
        if n < 2:
            continue
        span = slice(first, first + n)
        own = Points(points.pt[span], points.rapidity[span], points.phi[span])
        total = r0 * np.sum(own.pt)
        nodes = np.empty(MAX_AXES, dtype=np.int64)
        nodes[0] = 2 * n - 2
        for count in range(1, min(MAX_AXES, n - 1) + 1):
            if count > 1:
                _split_latest(history.parents, first, nodes, count)
            axes = np.empty((count, 2))
            for k in range(count):
                axes[k, 0] = points.rapidity[first + nodes[k]]
                axes[k, 1] = points.phi[first + nodes[k]]
            result[jet, count - 1] = _minimum(own, axes) / total


@kernel
def _split_latest(parents: Ints, first: int, nodes: Ints, count: int) -> None:
    """Undoes the last recombination: ``count - 1`` exclusive jets become ``count``."""
    latest = 0
    for k in range(1, count - 1):
        if nodes[k] > nodes[latest]:
            latest = k
    nodes[latest], nodes[count - 1] = parents[first + nodes[latest]]


@kernel
def _minimum(points: Points, axes: Floats) -> float:
    """The least sum of pT times distance that was met, from the given axes to the minimum."""
    sums = np.empty((len(axes), 3))
    at_seeds = _step(points, axes.copy(), sums)[0]
    for _ in range(_STEPS):
        moved = _step(points, axes, sums)[1]
        if moved <= _ACCURACY * len(axes):
            break
    return min(at_seeds, _step(points, axes, sums)[0])


@kernel
def _step(points: Points, axes: Floats, sums: Floats) -> tuple[float, float]:
    """Moves axes to the weighted means of the constituents that are closest to each.

    Returns:
        The sum of pT times distance before the step, and the sum of the axes' movements.
    """
    total = 0.0
    sums[:] = 0.0
    for i in range(len(points.pt)):
        best, least, d_phi, d_rapidity = 0, math.inf, 0.0, 0.0
        for k in range(len(axes)):
            turn = points.phi[i] - axes[k, 1]
            if turn > math.pi:
                turn -= 2.0 * math.pi
            elif turn < -math.pi:
                turn += 2.0 * math.pi
            away = points.rapidity[i] - axes[k, 0]
            distance2 = away * away + turn * turn
            if distance2 < least:
                best, least, d_phi, d_rapidity = k, distance2, turn, away
        total += points.pt[i] * math.sqrt(least)
        weight = points.pt[i] / math.sqrt(least + _ACCURACY * _ACCURACY)
        sums[best, 0] += weight
        sums[best, 1] += weight * d_rapidity
        sums[best, 2] += weight * d_phi
    moved = 0.0
    for k in range(len(axes)):
        if sums[k, 0] > 0.0:
            d_rapidity, d_phi = sums[k, 1] / sums[k, 0], sums[k, 2] / sums[k, 0]
            axes[k, 0] += d_rapidity
            axes[k, 1] += d_phi
            moved += math.hypot(d_rapidity, d_phi)
    return total, moved
