"""All ways to make a tau of a jet's charged hadrons and strips.

CMSSW: ``RecoTauBuilderCombinatoricPlugin``, with ``RecoTauCrossCleaning``: an electron may be a
charged hadron or part of a strip, not both.
"""

from typing import NamedTuple

import numpy as np

from sonicmini.modules.columns import Floats, Ints, kernel
from sonicmini.modules.taus.inputs import Candidates
from sonicmini.modules.taus.modes import HADRON_SETS, MAX_HADRONS, STRIP_LIMITS, STRIP_SETS
from sonicmini.modules.taus.strips import Strips


class Hadrons(NamedTuple):
    """Charged hadrons of all seeds, by falling pT: candidates, and the offsets of the seeds."""

    candidate: Ints
    starts: Ints


class Trials(NamedTuple):
    """Combinations of hadrons and strips, by seed; GeV.

    Attributes:
        seed: of each.
        hadron: candidates by falling pT, -1 for none, shape ``(n, 3)``.
        strip: among those of all seeds by falling pT, -1 for none, shape ``(n, 2)``.
        p4: px, py, pz, E of all, shape ``(n, 4)``.
        pi0: the same of each strip less the hadrons, shape ``(n, 2, 4)``, 0 for none.
    """

    seed: Ints
    hadron: Ints
    strip: Ints
    p4: Floats
    pi0: Floats


def all_combinations(hadrons: Hadrons, strips: Strips, candidates: Candidates) -> Trials:
    """All combinations of one to three of the hardest hadrons with none to two strips.

    Args:
        hadrons: of each seed.
        strips: of each seed; a hadron of the combination is taken out of its strip.
        candidates: of all events.
    """
    limit = _most(np.diff(hadrons.starts), np.diff(strips.starts))
    return _combine(hadrons, strips, candidates, int(limit.sum()))


def _most(n_hadrons: Ints, n_strips: Ints) -> Ints:
    """How many combinations a seed has if no strip vanishes without its hadrons."""
    sizes, first = (HADRON_SETS >= 0).sum(axis=1), HADRON_SETS.max(axis=1)
    strip_sizes, last = (STRIP_SETS >= 0).sum(axis=1), STRIP_SETS.max(axis=1)
    allowed = last < STRIP_LIMITS[sizes][:, strip_sizes]
    allowed &= STRIP_LIMITS[sizes][:, strip_sizes] >= 0
    table = np.zeros((MAX_HADRONS + 1, last.max() + 2), dtype=np.int64)
    for h, s in np.ndindex(table.shape):
        table[h, s] = (allowed & (first < h)[:, np.newaxis] & (last < s)).sum()
    limit: Ints = table[
        np.minimum(n_hadrons, MAX_HADRONS), np.minimum(n_strips, table.shape[1] - 1)
    ]
    return limit


@kernel
def _combine(hadrons: Hadrons, strips: Strips, candidates: Candidates, limit: int) -> Trials:
    seeds, hadron = np.empty(limit, np.int64), np.empty((limit, 3), np.int64)
    strip, p4, pi0 = np.empty((limit, 2), np.int64), np.empty((limit, 4)), np.empty((limit, 2, 4))
    chosen, charged = np.empty(3, np.int64), np.empty(4)
    n = 0
    for seed in range(len(hadrons.starts) - 1):
        begin, end = strips.starts[seed], strips.starts[seed + 1]
        clean, place = np.empty((end - begin, 4)), np.empty(end - begin, np.int64)
        of_seed = hadrons.candidate[hadrons.starts[seed] : hadrons.starts[seed + 1]]
        for row in range(len(HADRON_SETS)):
            number = _take(HADRON_SETS[row], of_seed, candidates, chosen, charged)
            if number == 0:
                continue
            n_clean = _clean((begin, chosen), strips, candidates, clean, place)
            for pair in range(len(STRIP_SETS)):
                first, second = STRIP_SETS[pair]
                last, size = max(first, second), (first >= 0) + (second >= 0)
                if last < n_clean and last < STRIP_LIMITS[number, size]:
                    seeds[n], hadron[n], p4[n] = seed, chosen, charged
                    for k in range(2):
                        rank = STRIP_SETS[pair, k]
                        strip[n, k] = place[rank] if rank >= 0 else -1
                        for x in range(4):
                            pi0[n, k, x] = clean[rank, x] if rank >= 0 else 0.0
                            p4[n, x] += pi0[n, k, x]
                    n += 1
    return Trials(seeds[:n], hadron[:n], strip[:n], p4[:n], pi0[:n])


@kernel
def _take(ranks: Ints, of_seed: Ints, candidates: Candidates, chosen: Ints, charged: Floats) -> int:
    """Writes the hadrons of these ranks and their momentum; 0 if the seed has not so many."""
    chosen[:], charged[:] = -1, 0.0
    number = 0
    for k in range(3):
        if ranks[k] >= len(of_seed):
            return 0
        if ranks[k] >= 0:
            h = of_seed[ranks[k]]
            chosen[k] = h
            charged[0] += candidates.px[h]
            charged[1] += candidates.py[h]
            charged[2] += candidates.pz[h]
            charged[3] += candidates.energy[h]
            number += 1
    return number


@kernel
def _clean(
    of: tuple[int, Ints], strips: Strips, candidates: Candidates, clean: Floats, place: Ints
) -> int:
    """Writes a seed's strips less some hadrons by falling pT; returns how many are not empty.

    Args:
        of: the seed's first strip, and the hadrons.
        strips: of all seeds.
        candidates: of all events.
        clean: momenta, filled.
        place: among the strips of all seeds, filled.
    """
    begin, chosen = of
    n = 0
    for strip in range(begin, begin + len(place)):
        clean[n], place[n] = strips.p4[strip], strip
        left = 0
        for d in strips.daughter[strips.daughter_starts[strip] : strips.daughter_starts[strip + 1]]:
            if d == chosen[0] or d == chosen[1] or d == chosen[2]:
                clean[n, 0] -= candidates.px[d]
                clean[n, 1] -= candidates.py[d]
                clean[n, 2] -= candidates.pz[d]
                clean[n, 3] -= candidates.energy[d]
            else:
                left += 1
        if left > 0:
            _sink(clean, place, n)
            n += 1
    return n


@kernel
def _sink(clean: Floats, place: Ints, last: int) -> None:
    """Moves the last of these strips to where falling pT puts it."""
    for m in range(last, 0, -1):
        one, other = clean[m - 1], clean[m]
        if one[0] ** 2 + one[1] ** 2 >= other[0] ** 2 + other[1] ** 2:
            break
        for x in range(4):
            clean[m - 1, x], clean[m, x] = clean[m, x], clean[m - 1, x]
        place[m - 1], place[m] = place[m], place[m - 1]
