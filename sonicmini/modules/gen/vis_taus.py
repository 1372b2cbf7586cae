"""Visible decay products of generated taus (NanoAOD: ``GenVisTau``)."""

from dataclasses import dataclass
from typing import Final

import awkward as ak
import numpy as np

from sonicmini.event import Products
from sonicmini.module import Producer
from sonicmini.modules.clustering import polar
from sonicmini.modules.columns import (
    Bools,
    Columns,
    Floats,
    Ints,
    events_of,
    flat,
    jagged,
    kernel,
    momenta,
    offsets_from,
    offsets_of,
)
from sonicmini.modules.gen.pruned import mothers_of

OTHER: Final = 15
"""Decay mode of hadronic decays that are none of the usual ones."""

_CHARGED_HADRONS = (211, 321, 2212, 3112, 3222, 3312, 3334)  # those that may be stable


@dataclass(frozen=True, kw_only=True)
class GenVisTaus(Producer):
    """Sums up the stable particles, without neutrinos, of each tau that decays into hadrons.

    CMSSW: ``TauGenJetProducer`` and ``GenVisTauProducer``. The link to the tau is taken from the
    decay itself; CMSSW looks for it by direction.

    Attributes:
        pt_min: least visible pT (GeV).
    """

    consumes = ("PrunedGenPart",)
    produces = ("GenVisTau",)
    pt_min: float = 10.0

    def produce(self, inputs: Products) -> Products:
        """Returns the visible taus in the order of the taus in ``PrunedGenPart``."""
        particles = inputs["PrunedGenPart"]
        offsets = offsets_of(particles)
        kind = np.abs(flat(particles, "pdgId", np.int64))
        decayed = (kind == 15) & (flat(particles, "status", np.int64) == 2)
        tau_of, last = decays(mothers_of(particles), decayed)
        stable = flat(particles, "status", np.int64) == 1
        product = np.flatnonzero(stable & (tau_of >= 0) & ~np.isin(kind, (12, 14, 16)))
        tau, n = tau_of[product], len(kind)
        p4 = _sums(momenta(_some(particles, product)), tau, n)
        hadronic, mode = _decay_modes(kind[product], tau, n)
        kept = last & decayed & hadronic & (np.hypot(p4[:, 0], p4[:, 1]) > self.pt_min)
        index = np.flatnonzero(kept)
        columns: Columns = polar(p4[index])
        columns["charge"] = -np.sign(flat(particles, "pdgId", np.int16)[index])
        columns["status"] = mode[index].astype(np.uint8)
        event = events_of(offsets)[index]
        columns["genPartIdxMother"] = (index - offsets[event]).astype(np.int16)
        counts = np.bincount(event, minlength=len(offsets) - 1)
        return {"GenVisTau": jagged(offsets_from(counts), columns)}


@kernel
def decays(mother: Ints, decayed: Bools) -> tuple[Ints, Bools]:
    """The decayed tau that each particle comes from.

    Args:
        mother: of each particle, before its daughters; -1 for none.
        decayed: particles that are decayed taus.

    Returns:
        The nearest decayed tau among the ancestors, -1 for none; and whether a particle is not such
        an ancestor of another decayed tau: those merely radiate.
    """
    tau_of, last = np.full(len(mother), -1), np.ones(len(mother), dtype=np.bool_)
    for i in range(len(mother)):
        m = mother[i]
        if m >= 0:
            tau_of[i] = m if decayed[m] else tau_of[m]
            if decayed[i] and tau_of[i] >= 0:
                last[tau_of[i]] = False
    return tau_of, last


def _decay_modes(kind: Ints, tau: Ints, n: int) -> tuple[Bools, Ints]:
    """Whether taus decay into hadrons, and the decay mode.

    Five times the charged hadrons but one, plus pairs of photons (CMSSW:
    ``JetMCTagUtils::genTauDecayMode``).

    Args:
        kind: absolute identities of visible stable particles.
        tau: that they come from.
        n: number of particles of which the taus are some.
    """

    def count(chosen: Bools) -> Ints:
        return np.bincount(tau[chosen], minlength=n)

    electrons, muons, photons = (count(kind == number) for number in (11, 13, 22))
    is_charged = np.isin(kind, _CHARGED_HADRONS)
    charged, neutral = count(is_charged), count(~is_charged & ~np.isin(kind, (11, 13, 22)))
    usual = ((charged == 1) & (photons <= 4)) | ((charged == 3) & (photons <= 2))
    usual &= (neutral == 0) & (photons % 2 == 0)
    return (electrons != 1) & (muons != 1), np.where(usual, 5 * (charged - 1) + photons // 2, OTHER)


def _some(particles: ak.Array, index: Ints) -> ak.Array:
    names = ("pt", "eta", "phi", "mass")
    columns = {name: flat(particles, name, None)[index] for name in names}
    return jagged(np.array([0, len(index)]), columns)


def _sums(p4: Floats, tau: Ints, n: int) -> Floats:
    """Sums of momenta that belong to the same of ``n`` taus."""
    return np.stack([np.bincount(tau, p4[:, i], minlength=n) for i in range(4)], axis=1)
