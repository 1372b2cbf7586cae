"""Heavy hadrons and partons that tell the flavour of jets.

CMSSW: ``HadronAndPartonSelector`` and ``JetFlavourClustering``.
"""

from dataclasses import dataclass
from typing import NamedTuple

import awkward as ak
import numpy as np

from sonicmini.module import Producer
from sonicmini.modules.columns import Bools, Columns, Floats, Ints, flat, offsets_of
from sonicmini.modules.gen.flags import FROM_HARD_PROCESS
from sonicmini.modules.gen.packed import rapidity
from sonicmini.modules.gen.pruned import mothers_of

PHYSICS, ALGORITHMIC = "physics", "algorithmic"
"""Definitions of the partons that count."""


class Ghosts(NamedTuple):
    """Particles that become ghosts, those of one event after the other.

    Attributes:
        pt: transverse momentum (GeV) as a particle.
        y: rapidity.
        phi: azimuth.
        pdg_id: identity.
        is_b: a b hadron; ``is_c`` a c hadron, ``is_parton`` a quark or gluon.
        offsets: of the events.
    """

    pt: Floats
    y: Floats
    phi: Floats
    pdg_id: Ints
    is_b: Bools
    is_c: Bools
    is_parton: Bools
    offsets: Ints


@dataclass(frozen=True, kw_only=True)
class FlavourProducer(Producer):
    """Base of the modules that look for ghosts.

    Attributes:
        partons: ``physics``, those of the hard process, or ``algorithmic``, the last of the shower.
    """

    partons: str = PHYSICS

    def __post_init__(self) -> None:
        """Refuses another definition of partons."""
        if self.partons not in (PHYSICS, ALGORITHMIC):
            raise ValueError(f"partons is {self.partons!r}; it must be {PHYSICS} or {ALGORITHMIC}")


def ghosts_of(particles: ak.Array, partons: str = PHYSICS) -> Ghosts:
    """Selects b and c hadrons without another one among their daughters, and partons.

    Partons are quarks but the top, and gluons. Those of CMS's physics definition, for the full
    chain as far as it is known, are copies of a particle of the hard process or have Pythia's
    status 23; those of its algorithmic definition are not stable and have no parton among their
    daughters. A hadron with b and c quarks is both.

    Args:
        particles: ``PrunedGenPart``.
        partons: ``physics`` or ``algorithmic``.
    """
    pdg_id = flat(particles, "pdgId", np.int64)
    kind, mother = np.abs(pdg_id), mothers_of(particles)
    is_b, is_c = (_is_last(_has_quark(kind, quark), mother) for quark in (5, 4))
    is_parton = (kind == 21) | ((kind >= 1) & (kind <= 5))
    if partons == PHYSICS:
        is_parton &= _is_hard(particles)
    else:
        is_parton = _is_last(is_parton, mother) & (flat(particles, "status", np.int64) > 2)
    pt = flat(particles, "pt")
    chosen = np.flatnonzero((is_b | is_c | is_parton) & (pt > 0))
    offsets = offsets_of(particles)
    eta, mass = (flat(particles, name)[chosen] for name in ("eta", "mass"))
    return Ghosts(
        pt=pt[chosen],
        y=rapidity(pt[chosen], eta, mass),
        phi=flat(particles, "phi")[chosen],
        pdg_id=pdg_id[chosen],
        is_b=is_b[chosen],
        is_c=is_c[chosen],
        is_parton=is_parton[chosen],
        offsets=np.searchsorted(chosen, offsets),
    )


def _is_hard(particles: ak.Array) -> Bools:
    copies = flat(particles, "statusFlags", np.int64) & FROM_HARD_PROCESS != 0
    return np.asarray(copies | (flat(particles, "status", np.int64) == 23))


def _has_quark(kind: Ints, quark: int) -> Bools:
    """Hadrons, by the digits of their code (CMSSW: ``CandMCTagUtils::hasBottom``)."""
    return np.asarray((kind // 100 % 10 == quark) | (kind // 1000 % 10 == quark))


def _is_last(chosen: Bools, mother: Ints) -> Bools:
    """Those of a kind that have no daughter of this kind."""
    last = chosen.copy()
    last[mother[chosen & (mother >= 0)]] = False
    return last


def flavours(ghosts: Ghosts, jet: Ints, n_jets: int) -> Columns:
    """Flavours of jets by the ghosts in them (CMSSW: ``JetFlavourClustering::setFlavours``).

    The hadron flavour is 5 with a b hadron, else 4 with a c hadron, else 0. The parton flavour is
    the identity of the hardest b quark, else of the hardest c quark, else of the hardest parton,
    else 0; it need not agree with the hadron flavour.

    Args:
        ghosts: of all events.
        jet: that each of them is clustered into, -1 for none.
        n_jets: number of jets of all events.
    """
    inside = jet >= 0
    n_b, n_c = (
        np.bincount(jet[inside & of], minlength=n_jets) for of in (ghosts.is_b, ghosts.is_c)
    )
    partons = np.flatnonzero(inside & ghosts.is_parton)
    kind = np.abs(ghosts.pdg_id[partons])
    rank = np.where((kind == 4) | (kind == 5), kind, 0)
    partons = partons[np.lexsort((ghosts.pt[partons], rank))]  # the most important is written last
    parton_flavour = np.zeros(n_jets, dtype=np.int16)
    parton_flavour[jet[partons]] = ghosts.pdg_id[partons]
    return {
        "partonFlavour": parton_flavour,
        "hadronFlavour": np.where(n_b > 0, 5, np.where(n_c > 0, 4, 0)).astype(np.uint8),
        "nBHadrons": n_b.astype(np.uint8),
        "nCHadrons": n_c.astype(np.uint8),
    }
