"""Decay modes of taus: which are tried, and the masses that each may have.

CMSSW: ``RecoTauCombinatoricProducer_cfi`` and ``PFRecoTauDiscriminationByHPSSelection_cfi``. A mode
is ``5 * (charged hadrons - 1) + neutral pions``.
"""

from itertools import combinations
from typing import NamedTuple

import numpy as np

from sonicmini.modules.columns import Floats, Ints

MAX_HADRONS = 6
"""The hardest charged hadrons of a jet, of which combinations are made."""
STRIPS = {(1, 0): 0, (1, 1): 6, (1, 2): 5, (2, 0): 0, (2, 1): 3, (3, 0): 0, (3, 1): 3}
"""The hardest strips of a jet, of which combinations are made, by hadrons and strips of a mode."""
OLD_MODES = (0, 1, 2, 10)
"""Modes of ``decayModeFinding``; ``decayModeFindingNewDMs`` has those with two hadrons and 11."""

PION_MASS = 0.13957
PI0_MASS = 0.1349


class Window(NamedTuple):
    """The mass window of a mode; GeV.

    Attributes:
        low: least mass.
        high: largest mass; times sqrt(pT / 100) if that is larger, but at most ``cap``.
        cap: 0 for a fixed ``high``.
        strip_mass: strips get this mass before the cuts, below 0: they keep theirs.
        low_pi0: least mass of all strips; ``high_pi0`` largest.
        bends: 1 if the strips' bends widen the window and the signal cone, else 0.
    """

    low: float
    high: float
    cap: float = 0.0
    strip_mass: float = -1.0
    low_pi0: float = -1e3
    high_pi0: float = 1e9
    bends: float = 0.0


WINDOWS = {
    (1, 0): Window(-1e3, 1.0, bends=1.0),
    (1, 1): Window(0.3, 1.3, 4.2, PI0_MASS, bends=1.0),
    (1, 2): Window(0.4, 1.2, 4.0, 0.0, 0.05, 0.2, bends=1.0),
    (2, 0): Window(0.0, 1.2),
    (2, 1): Window(0.0, 1.2, 4.0),
    (3, 0): Window(0.8, 1.5),
    (3, 1): Window(0.9, 1.6),
}


def _window_table() -> Floats:
    """The windows by number of hadrons and strips, shape ``(4, 3, 7)``."""
    table = np.zeros((4, 3, len(Window._fields)))
    for mode, window in WINDOWS.items():
        table[mode] = window
    return table


def _hadron_sets() -> Ints:
    """Sets of one to three hadrons by their rank in pT, shape ``(sets, 3)``, filled up by -1."""
    ranks = range(MAX_HADRONS)
    sets = [(*s, -1, -1)[:3] for size in (1, 2, 3) for s in combinations(ranks, size)]
    return np.array(sets)


def _strip_sets() -> Ints:
    """Sets of none to two strips by their rank in pT, shape ``(sets, 2)``, filled up by -1."""
    ranks = range(max(STRIPS.values()))
    return np.array([(*s, -1, -1)[:2] for size in (0, 1, 2) for s in combinations(ranks, size)])


def _strip_limits() -> Ints:
    """How many strips count, by number of hadrons and strips, shape ``(4, 3)``; -1: no mode."""
    table = np.full((4, 3), -1)
    for mode, limit in STRIPS.items():
        table[mode] = limit
    return table


WINDOW_TABLE = _window_table()
HADRON_SETS = _hadron_sets()
STRIP_SETS = _strip_sets()
STRIP_LIMITS = _strip_limits()
