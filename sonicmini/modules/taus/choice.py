"""One tau for each jet: the best of all combinations.

CMSSW: ``RecoTauCleaner`` with the order of ``RecoTauCleaner_cfi``: charge 1 for one and three
hadrons, the selection, no soft track for two hadrons, more hadrons, higher pT, more strips, less
isolation.
"""

from typing import NamedTuple

import numpy as np

from sonicmini.modules.columns import Bools, Floats, Ints
from sonicmini.modules.taus.combinations import Trials
from sonicmini.modules.taus.inputs import Candidates
from sonicmini.modules.taus.selection import Verdicts

_SOFT_TRACK_PT = 5.0  # two hadrons with a track not above it (GeV) are the last choice
_PT_TOLERANCE = 0.01  # differences in pT (GeV) below it do not count


class Taus(NamedTuple):
    """Chosen combinations, by seed; GeV.

    Attributes:
        seed: of each.
        hadron: candidates by falling pT, -1 for none, shape ``(taus, 3)``.
        strip: among those of all seeds, -1 for none, shape ``(taus, 2)``.
        p4: px, py, pz, E, shape ``(taus, 4)``.
        mode: decay mode.
        charge: that of the hardest hadron unless there are three.
        passes: within the mass window, the signal cone and the matching cone.
    """

    seed: Ints
    hadron: Ints
    strip: Ints
    p4: Floats
    mode: Ints
    charge: Ints
    passes: Bools


def best_but_for_isolation(trials: Trials, verdicts: Verdicts, candidates: Candidates) -> Taus:
    """The best combinations of each seed by all criteria before the isolation.

    Equal within the tolerance in pT are those near the highest, so that the order in which
    combinations are tried does not matter.

    Args:
        trials: by seed.
        verdicts: on them.
        candidates: of all events.
    """
    hadron = trials.hadron
    number = (hadron >= 0).sum(axis=1)
    charge = np.append(candidates.charge, 0)[hadron]
    charge = np.where(number == 3, charge.sum(axis=1), charge[:, 0])
    soft = (np.append(candidates.track_pt, np.inf)[hadron] <= _SOFT_TRACK_PT).sum(axis=1)
    soft = np.where(number == 2, soft, 0)
    odd = np.abs(charge) != 1
    rank = ((2 * odd + ~verdicts.passes) * 4 + soft) * 4 + 3 - number
    pt = np.hypot(trials.p4[:, 0], trials.p4[:, 1])
    kept = np.arange(len(rank))
    kept = kept[_least(rank[kept], trials.seed[kept], 1)]
    kept = kept[_least(-pt[kept], trials.seed[kept], _PT_TOLERANCE)]
    kept = kept[_least(-(trials.strip[kept] >= 0).sum(axis=1), trials.seed[kept], 1)]
    p4 = trials.p4[kept]
    p4[:, 3] = verdicts.energy[kept]
    return Taus(
        trials.seed[kept],
        hadron[kept],
        trials.strip[kept],
        p4,
        verdicts.mode[kept],
        charge[kept],
        verdicts.passes[kept],
    )


def least_isolation(taus: Taus, isolation: Floats) -> Ints:
    """The place of each seed's tau with the least isolation, the first of equal ones.

    Args:
        taus: by seed.
        isolation: sum of pT (GeV) around each.
    """
    kept = np.flatnonzero(_least(isolation, taus.seed, 0.0))
    return kept[np.unique(taus.seed[kept], return_index=True)[1]]


def _least(values: Floats | Ints, group: Ints, tolerance: float) -> Bools:
    """Values less than ``tolerance`` above the least of their group; at 0, those equal to it."""
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    least = np.minimum.reduceat(values, starts) if len(starts) else values
    least = np.repeat(least, np.diff(np.append(starts, len(group))))
    return np.asarray(values - least < tolerance if tolerance else values == least)
