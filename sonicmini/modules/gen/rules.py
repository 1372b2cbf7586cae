"""Which generated particles Mini-AOD keeps: CMS's sequence of rules to keep or drop.

CMSSW: ``prunedGenParticles_cfi``. Each rule changes the verdict of the rules before it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from sonicmini.modules.columns import Bools, Floats, Ints
from sonicmini.modules.gen.flags import (
    FROM_HARD_PROCESS,
    FROM_HARD_PROCESS_BEFORE_FSR,
    IS_DECAYED_LEPTON_HADRON,
    IS_HARD_PROCESS,
    IS_LAST_COPY,
    IS_PROMPT,
)


class Particles(NamedTuple):
    """What rules look at, each column of shape ``(particles,)``; ``kind`` is ``abs(pdgId)``."""

    pt: Floats
    eta: Floats
    kind: Ints
    pdg_id: Ints
    status: Ints
    flags: Ints


Selection: TypeAlias = Callable[[Particles], Bools]
Relatives: TypeAlias = Literal["none", "first", "all"]


@dataclass(frozen=True)
class Rule:
    """What happens to the particles of a selection, and to their relatives.

    Attributes:
        action: CMS's notation: ``keep`` or ``drop``; a ``+`` before it includes the mothers of the
            selected particles, ``++`` all their ancestors; behind it the daughters, or all
            descendants.
        selection: the particles to which it applies.
    """

    action: str
    selection: Selection

    def __post_init__(self) -> None:
        """Refuses another notation."""
        if re.fullmatch(r"\+{0,2}(keep|drop)\+{0,2}", self.action) is None:
            raise ValueError(f"{self.action!r} is no action: e.g. keep, drop, ++keep, keep+")

    @property
    def keeps(self) -> bool:
        """Whether it keeps or drops."""
        return self.action.strip("+") == "keep"

    @property
    def ancestors(self) -> Relatives:
        """Which ancestors are included."""
        return _relatives(len(self.action) - len(self.action.lstrip("+")))

    @property
    def descendants(self) -> Relatives:
        """Which descendants are included."""
        return _relatives(len(self.action) - len(self.action.rstrip("+")))


def _relatives(marks: int) -> Relatives:
    names: tuple[Relatives, ...] = ("none", "first", "all")
    return names[marks]


def _any_of(column: Ints, *values: int) -> Bools:
    return np.asarray(reduce(np.logical_or, (column == value for value in values)))


def _between(column: Ints, first: int, last: int) -> Bools:
    """Both ends included."""
    return np.asarray((column >= first) & (column <= last))


def _has(p: Particles, flag: int) -> Bools:
    return np.asarray(p.flags & flag != 0)


def _heavy_hadrons(p: Particles) -> Bools:
    """Ground and first excited states of b and c hadrons."""
    return _between(p.kind, 401, 599) | _between(p.kind, 4001, 5999)


def _energetic_or_prompt(p: Particles, kind: int, pt_min: float) -> Bools:
    wanted = (p.pt > pt_min) | _has(p, IS_PROMPT)
    return np.asarray(wanted & (p.kind == kind) & (p.status == 1))


def _light_partons(p: Particles) -> Bools:
    parton = _between(p.kind, 1, 3) | (p.pdg_id == 21)
    return np.asarray(parton & _any_of(p.status, 2, 11, 71, 72) & (p.pt > 5))


def _of_hard_process(p: Particles) -> Bools:
    """isHardProcess, fromHardProcessFinalState, -Decayed, -BeforeFSR, or its last copy."""
    last = (p.status == 1) | _has(p, IS_DECAYED_LEPTON_HADRON) | _has(p, IS_LAST_COPY)
    hard = _has(p, IS_HARD_PROCESS) | _has(p, FROM_HARD_PROCESS_BEFORE_FSR)
    return np.asarray(hard | (_has(p, FROM_HARD_PROCESS) & last))


_QUARKONIA = (
    *(443, 100443, 10441, 20443, 445, 30443, 9920443, 9042413, 9000443),
    *(553, 100553, 200553, 10551, 20553, 555),
)
_EXCITED_CHARM = (10411, 10421, 10413, 10423, 20413, 20423, 10431, 10433, 20433)
_EXCITED_BOTTOM = (
    *(10511, 10521, 10513, 10523, 20513, 20523, 10531, 10533, 20533),
    *(10541, 10543, 20543),
)

RULES: tuple[Rule, ...] = (
    Rule("drop", lambda p: np.ones(len(p.pt), dtype=np.bool_)),
    # Charged leptons with their history, without the decayed hadrons and shower in it.
    Rule("++keep", lambda p: _any_of(p.kind, 11, 13, 15)),
    Rule("drop", lambda p: p.status == 2),
    # Decay chains of heavy hadrons; of what is stable only their direct daughters.
    Rule("keep++", _heavy_hadrons),
    Rule("drop", lambda p: p.status == 1),
    Rule("keep+", _heavy_hadrons),
    Rule("keep", lambda p: _any_of(p.kind, 11, 13, 15)),
    Rule("keep", lambda p: _any_of(p.kind, 12, 14, 16)),
    Rule("+keep", lambda p: _energetic_or_prompt(p, 22, 10.0) & (p.pdg_id == 22)),
    Rule("+keep", lambda p: _energetic_or_prompt(p, 11, 3.0)),
    Rule("keep++", lambda p: p.kind == 15),
    # The shower.
    Rule("drop", lambda p: _between(p.status, 31, 69)),
    Rule("drop", lambda p: (p.pdg_id == 21) & (p.pt < 5)),
    Rule("drop", lambda p: (p.kind == 21) & (p.status == 2)),
    # Top quarks and bosons, K0s, mothers of muons, quarks and gluons for the flavour of jets.
    Rule("keep", lambda p: _any_of(p.kind, 6, 23, 24, 25, 37)),
    Rule("keep", lambda p: (p.kind == 310) & (np.abs(p.eta) < 2.5) & (p.pt > 1)),
    Rule("+keep", lambda p: (p.kind == 13) & (p.status == 1)),
    Rule("keep", lambda p: _any_of(p.kind, 4, 5)),
    Rule("keep", _light_partons),
    # Other hadrons of interest.
    Rule("keep+", lambda p: _any_of(p.kind, 333, *_QUARKONIA)),
    Rule("keep", lambda p: _any_of(p.kind, *_EXCITED_CHARM, *_EXCITED_BOTTOM)),
    # Supersymmetry, protons.
    Rule(
        "keep",
        lambda p: _between(p.kind, 1000001, 1000039) | _between(p.kind, 2000001, 2000015),
    ),
    Rule("keep", lambda p: p.pdg_id == 2212),
    # The hard process, by status and by flags.
    Rule(
        "keep",
        lambda p: (p.status == 3) | _between(p.status, 21, 29) | _between(p.status, 11, 19),
    ),
    Rule("keep", _of_hard_process),
)
"""CMS's rules of the Run 2 legacy and early Run 3 samples, in their order."""
