"""Generalised energy correlation functions of jets, and the ratios N2 and N3.

I. Moult, L. Necib, J. Thaler, JHEP 12 (2016) 153. CMSSW: ``ECFAdder`` with FastJet's
``contrib::EnergyCorrelatorNseries`` and its measure ``pt_R``.
"""

from typing import NamedTuple

import numpy as np

from sonicmini.modules.columns import Bools, Floats, Ints, kernel
from sonicmini.modules.jets.substructure_clustering import Points

_VECTOR = 16  # numbers that the loop over quadruples does at once

UNDEFINED = -1.0
"""The value of a ratio without denominator, or one that was not asked for."""


class Correlators(NamedTuple):
    """Sums over constituents of momentum fractions times angles, each of shape ``(jets, 2)``.

    Columns are beta 1 and 2. The sums go over all sets of ``n`` constituents; of the angles
    between them the product of the ``v`` smallest counts, to the power beta (``v``e``n`` in the
    paper).

    Attributes:
        v1e2: of pairs.
        v1e3: of triples, the smallest angle.
        v2e3: of triples, the two smallest.
        v2e4: of quadruples, the two smallest; 0 where they were not asked for.
    """

    v1e2: Floats
    v1e3: Floats
    v2e3: Floats
    v2e4: Floats


class Ratios(NamedTuple):
    """N2 = v2e3 / v1e2^2 and N3 = v2e4 / v1e3^2, each of shape ``(jets, 2)``: beta 1 and 2."""

    n2: Floats
    n3: Floats


def n_ratios(points: Points, offsets: Ints, with_n3: Bools) -> Ratios:
    """N2 and N3 of jets; ``UNDEFINED`` where the denominator is 0.

    Args:
        points: the constituents, one jet after the other; angles are distances in rapidity and
            azimuth.
        offsets: of the jets in them.
        with_n3: which jets get N3, the dearest of all; shape ``(jets,)``.
    """
    sums = energy_correlators(points, offsets, with_n3)
    n3 = _ratio(sums.v2e4, sums.v1e3)
    n3[~with_n3] = UNDEFINED
    return Ratios(_ratio(sums.v2e3, sums.v1e2), n3)


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    square = denominator**2
    result = np.full_like(square, UNDEFINED)
    np.divide(numerator, square, out=result, where=square > 0)
    return result


def energy_correlators(points: Points, offsets: Ints, with_quadruples: Bools) -> Correlators:
    """The sums themselves. The time grows with the third, with quadruples the fourth power.

    Args:
        points: the constituents, one jet after the other.
        offsets: of the jets in them.
        with_quadruples: which jets get ``v2e4``, shape ``(jets,)``.
    """
    shape = (len(offsets) - 1, 2)
    sums = Correlators(np.zeros(shape), np.zeros(shape), np.zeros(shape), np.zeros(shape))
    _all_jets(points, offsets, with_quadruples, sums)
    return sums


@kernel
def _all_jets(points: Points, offsets: Ints, with_quadruples: Bools, sums: Correlators) -> None:
    for jet in range(len(offsets) - 1):
        span = slice(offsets[jet], offsets[jet + 1])
        z = points.pt[span] / np.sum(points.pt[span])
        angles = _angles(points.rapidity[span], points.phi[span])
        _sum_triples(z, angles, sums, jet)
        if with_quadruples[jet]:
            _sum_quadruples(z, angles, sums.v2e4[jet])


@kernel
def _angles(rapidity: Floats, phi: Floats) -> Floats:
    n = len(phi)
    result = np.zeros((n, n))
    for i in range(n):
        for j in range(i):
            d_phi = abs(phi[i] - phi[j])
            d_phi = min(d_phi, 2.0 * np.pi - d_phi)
            away = rapidity[i] - rapidity[j]
            result[i, j] = result[j, i] = np.sqrt(away * away + d_phi * d_phi)
    return result


@kernel
def _sum_triples(z: Floats, angles: Floats, sums: Correlators, jet: int) -> None:
    """Pairs and triples of one jet."""
    n = len(z)
    for i in range(n):
        for j in range(i + 1, n):
            between, zij = angles[i, j], z[i] * z[j]
            sums.v1e2[jet, 0] += zij * between
            sums.v1e2[jet, 1] += zij * between * between
            for k in range(j + 1, n):
                a, b = angles[i, k], angles[j, k]
                low, high = (a, b) if a < b else (b, a)
                one, two = (between, low) if between < low else (low, min(between, high))
                zijk = zij * z[k]
                sums.v1e3[jet, 0] += zijk * one
                sums.v1e3[jet, 1] += zijk * one * one
                sums.v2e3[jet, 0] += zijk * one * two
                sums.v2e3[jet, 1] += zijk * (one * two) ** 2


@kernel
def _sum_quadruples(z: Floats, angles: Floats, sums: Floats) -> None:
    """Quadruples ``i > j > k > m`` of one jet into ``sums``, for beta 1 and 2.

    For each pair its angles to all others are sorted once, so that a quadruple costs seven
    comparisons, in a loop without branches that the compiler makes into vector instructions.
    That loop goes over whole vectors, beyond ``k``, where the angle to it is put to 0.
    """
    n = len(z)
    size = n + _VECTOR
    scratch = np.zeros((2, size)), np.zeros((2, size))
    below = np.zeros((n, size))
    for k in range(n):
        below[k, :k] = angles[k, :k]
    pairs, results = scratch
    for i in range(n):
        for j in range(i):
            for k in range(j):
                a, b = angles[i, k], angles[j, k]
                pairs[0, k], pairs[1, k] = min(a, b), max(a, b)
            _add_pair(z, (z[i] * z[j], angles[i, j], j), below, scratch)
    sums[0] = np.sum(results[0, :n] * z)
    sums[1] = np.sum(results[1, :n] * z)


@kernel
def _add_pair(
    z: Floats, pair: tuple[float, float, int], below: Floats, scratch: tuple[Floats, Floats]
) -> None:
    """Adds the quadruples of a pair and two constituents before ``j``.

    Args:
        z: momentum fractions.
        pair: the product of its fractions, its angle, and ``j``.
        below: angles of all constituents to earlier ones, 0 to others.
        scratch: the lower and the higher angle of each constituent to the pair; and the sums of
            each last constituent for beta 1 and 2, before they are multiplied by its fraction.
    """
    zij, between, j = pair
    pairs, results = scratch
    for k in range(1, j):
        weight = zij * z[k]
        one = min(between, pairs[0, k])
        two = min(max(between, pairs[0, k]), pairs[1, k])
        for m in range((k + _VECTOR - 1) // _VECTOR * _VECTOR):
            low, high, third = pairs[0, m], pairs[1, m], below[k, m]
            first = min(low, one)
            above = max(one, low)
            second = min(high, two)
            second = min(second, above)
            least = min(third, first)
            above = max(first, third)
            second = min(second, above)
            product = least * second
            results[0, m] += weight * product
            results[1, m] += weight * (product * product)
