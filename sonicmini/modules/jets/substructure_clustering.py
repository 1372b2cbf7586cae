"""Clustering of the constituents of jets all the way to one jet, with its history.

Cambridge/Aachen for soft drop, kT for the axes of N-subjettiness: hundreds of small problems, for
which a compiled loop over nearest neighbours beats FastJet's machinery and, unlike it, releases
the interpreter lock.
"""

import math
from typing import NamedTuple

import numpy as np

from sonicmini.modules.columns import Floats, Ints, kernel

CAMBRIDGE_AACHEN, KT = 0.0, 1.0
"""Powers of pT^2 in the distance."""

_LEAST_MT2 = 1e-20  # GeV2


class Points(NamedTuple):
    """Momenta on the cylinder, each column of shape ``(n,)``; GeV and radian."""

    pt: Floats
    rapidity: Floats
    phi: Floats


class History(NamedTuple):
    """Binary trees, one for each jet.

    The nodes of jet ``j`` of ``n`` constituents begin at ``2 * offsets[j]``: first its
    constituents, then the results of its ``n - 1`` recombinations in their order; the last of
    them, node ``2 * n - 2``, is the whole jet. One place for each jet is not used.

    Attributes:
        p4: px, py, pz, E of all nodes in GeV, shape ``(2 * constituents, 4)``.
        points: the same on the cylinder.
        parents: the two nodes that were recombined, counted within the jet, the one of higher pT
            first; -1 for constituents; shape ``(2 * constituents, 2)``.
    """

    p4: Floats
    points: Points
    parents: Ints


def on_cylinder(p4: Floats) -> Points:
    """pT, rapidity and azimuth of momenta of shape ``(n, 4)``."""
    points = Points(np.empty(len(p4)), np.empty(len(p4)), np.empty(len(p4)))
    _place_all(p4, points)
    return points


def cluster_history(p4: Floats, offsets: Ints, power: float) -> History:
    """Recombines the two closest momenta (E scheme) of each jet until one is left.

    The distance is ``min(pT_i^2, pT_j^2)**power * dR_ij^2`` in rapidity and azimuth, without a
    distance to the beam: exclusive kT and Cambridge/Aachen algorithms of unlimited radius
    (S. Catani et al., Nucl. Phys. B 406 (1993) 187; Y. Dokshitzer et al., JHEP 08 (1997) 001).

    Args:
        p4: px, py, pz, E of the constituents, one jet after the other, shape
            ``(constituents, 4)``.
        offsets: of the jets in them, shape ``(jets + 1,)``.
        power: ``CAMBRIDGE_AACHEN`` or ``KT``.
    """
    size = 2 * len(p4)
    points = Points(np.zeros(size), np.zeros(size), np.zeros(size))
    history = History(np.zeros((size, 4)), points, np.full((size, 2), -1, dtype=np.int64))
    _cluster_all(p4, offsets, power, history)
    return history


@kernel
def _place(p4: Floats, i: int, points: Points) -> None:
    """Writes momentum ``i`` in cylindrical coordinates; exact for massless and fast ones.

    Along the beam the rapidity is large, but finite: distances must be numbers.
    """
    px, py, pz, energy = p4[i, 0], p4[i, 1], p4[i, 2], p4[i, 3]
    pt2 = px * px + py * py
    mt2 = max(pt2 + max((energy - pz) * (energy + pz) - pt2, 0.0), _LEAST_MT2)
    total = energy + abs(pz)
    points.pt[i] = math.sqrt(pt2)
    points.phi[i] = math.atan2(py, px)
    points.rapidity[i] = math.copysign(0.5 * math.log(total * total / mt2), pz)


@kernel
def _place_all(p4: Floats, points: Points) -> None:
    for i in range(len(p4)):
        _place(p4, i, points)


@kernel
def _cluster_all(p4: Floats, offsets: Ints, power: float, history: History) -> None:
    longest = 0
    for jet in range(len(offsets) - 1):
        longest = max(longest, offsets[jet + 1] - offsets[jet])
    columns = np.empty((4, longest))  # rapidity, phi, pT^2 to the power, distance to neighbour
    links = np.empty((2, longest), dtype=np.int64)  # node, nearest neighbour
    for jet in range(len(offsets) - 1):
        begin, n = offsets[jet], offsets[jet + 1] - offsets[jet]
        for i in range(n):
            history.p4[2 * begin + i] = p4[begin + i]
        _cluster(history, 2 * begin, n, power, (columns, links))


@kernel
def _cluster(
    history: History, first: int, n: int, power: float, scratch: tuple[Floats, Ints]
) -> None:
    """One jet: its smallest distance is that of some momentum and its geometric neighbour.

    Momenta that are still there occupy the first places of the scratch columns.
    """
    columns, links = scratch
    weight, reach = columns[2], columns[3]
    nodes, nearest = links[0], links[1]
    for i in range(n):
        _enter(history, (first, i), i, power, scratch)
    for i in range(n):
        _find_nearest(columns, nearest, i, n)
    for left in range(n, 1, -1):
        a, smallest = 0, math.inf
        for i in range(left):
            distance = reach[i] * weight[i]
            if distance < smallest:
                a, smallest = i, distance
        b = nearest[a]
        a, b = min(a, b), max(a, b)
        made = 2 * n - left
        _recombine(history, first, made, (nodes[a], nodes[b]))
        last = left - 1
        columns[:, b], nodes[b], nearest[b] = columns[:, last], nodes[last], nearest[last]
        _enter(history, (first, made), a, power, scratch)
        _update_neighbours(columns, nearest, (a, b), last)


@kernel
def _enter(
    history: History, node: tuple[int, int], place: int, power: float, scratch: tuple[Floats, Ints]
) -> None:
    """Puts a node, given by the first one of its jet and its number, into the scratch columns."""
    columns, links = scratch
    where, points = node[0] + node[1], history.points
    _place(history.p4, where, points)
    columns[0, place], columns[1, place] = points.rapidity[where], points.phi[where]
    columns[2, place] = points.pt[where] ** (2.0 * power) if power != 0.0 else 1.0
    links[0, place] = node[1]


@kernel
def _recombine(history: History, first: int, made: int, pair: tuple[int, int]) -> None:
    a, b = pair
    if history.points.pt[first + b] > history.points.pt[first + a]:
        a, b = b, a
    for k in range(4):
        history.p4[first + made, k] = history.p4[first + a, k] + history.p4[first + b, k]
    history.parents[first + made, 0] = a
    history.parents[first + made, 1] = b


@kernel
def _distance2(columns: Floats, i: int, j: int) -> float:
    d_phi = abs(columns[1, i] - columns[1, j])
    d_phi = min(d_phi, 2.0 * math.pi - d_phi)
    d_rapidity = columns[0, i] - columns[0, j]
    square: float = d_rapidity * d_rapidity + d_phi * d_phi
    return square


@kernel
def _find_nearest(columns: Floats, nearest: Ints, i: int, n: int) -> None:
    columns[3, i], nearest[i] = math.inf, -1
    for j in range(n):
        if j != i:
            distance = _distance2(columns, i, j)
            if distance < columns[3, i]:
                columns[3, i], nearest[i] = distance, j


@kernel
def _update_neighbours(columns: Floats, nearest: Ints, places: tuple[int, int], n: int) -> None:
    """After a recombination into place ``a``, when the last momentum has moved to place ``b``.

    Args:
        columns: of the ``n`` momenta that are left.
        nearest: their neighbours before it, of which the last had place ``n``.
        places: ``a`` and ``b``.
        n: momenta that are left.
    """
    a, b = places
    columns[3, a], nearest[a] = math.inf, -1
    for i in range(n):
        if i == a:
            continue
        if nearest[i] == a or nearest[i] == b:
            _find_nearest(columns, nearest, i, n)
        elif nearest[i] == n:
            nearest[i] = b
        distance = _distance2(columns, i, a)
        if distance < columns[3, i]:
            columns[3, i], nearest[i] = distance, a
        if distance < columns[3, a]:
            columns[3, a], nearest[a] = distance, i
