"""Which generated particles muons, electrons, photons and taus are (NanoAOD: ``genPartIdx``).

CMSSW: ``MCMatcher`` as NanoAOD configures it and ``CandMCMatchTableProducer``. The products are
parallel to the reconstructed objects and stored as columns beside theirs.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import awkward as ak
import numpy as np

from sonicmini.event import Products
from sonicmini.module import Producer
from sonicmini.modules.columns import (
    Bools,
    Columns,
    Ints,
    events_of,
    flat,
    jagged,
    kernel,
    offsets_of,
)
from sonicmini.modules.gen.flags import IS_DIRECT_PROMPT_TAU_DECAY_PRODUCT, IS_PROMPT
from sonicmini.modules.gen.matching import Objects, match_nearest_first
from sonicmini.modules.gen.pruned import mothers_of

UNMATCHED, PROMPT, LIGHT, CHARM, BOTTOM, ELECTRON, TAU, PHOTON = 0, 1, 3, 4, 5, 11, 15, 22
"""Values of ``genPartFlav`` of muons, electrons and photons."""


class Found(NamedTuple):
    """What is known of the particle that each object is matched to.

    Attributes:
        matched: whether it is.
        kind: absolute identity of the particle.
        prompt: not from a decayed hadron, muon or tau.
        from_tau: direct decay product of a prompt tau.
        origin: 5 or 4 if a b or c quark or hadron is among the ancestors, else 3.
    """

    matched: Bools
    kind: Ints
    prompt: Bools
    from_tau: Bools
    origin: Ints


@dataclass(frozen=True, kw_only=True)
class LeptonMatch(Producer):
    """Base of the modules that match objects with stable particles.

    The nearest pair is joined first; no particle is matched twice.

    Attributes:
        max_dr: distance in pseudorapidity and azimuth.
        max_dpt: difference of pT over that of the particle.
        name: product that is matched.
        kinds: absolute identities of the particles it may be matched to.
    """

    max_dr: float = 0.3
    max_dpt: float = 0.5
    name: ClassVar[str]
    kinds: ClassVar[tuple[int, ...]]

    @abstractmethod
    def flavour(self, found: Found) -> Ints:
        """NanoAOD's ``genPartFlav`` of each object."""

    def produce(self, inputs: Products) -> Products:
        """Returns the place in ``PrunedGenPart``, -1 for none, and where it comes from."""
        objects, particles = inputs[self.name], inputs["PrunedGenPart"]
        index = self.match(objects, particles)
        flavour = self.flavour(what_is_found(index, offsets_of(objects), particles))
        columns: Columns = {
            "genPartIdx": index.astype(np.int16),
            "genPartFlav": flavour.astype(np.uint8),
        }
        (product,) = self.produces
        return {product: jagged(offsets_of(objects), columns)}

    def match(self, objects: ak.Array, particles: ak.Array) -> Ints:
        """The particle of each object within the event, -1 for none."""
        kind = np.abs(flat(particles, "pdgId", np.int64))
        wanted = np.isin(kind, self.kinds) & (flat(particles, "status", np.int64) == 1)
        first, second = objects_of(objects), objects_of(particles)
        return match_nearest_first(first, second, wanted, self.max_dr, self.max_dpt)


@dataclass(frozen=True, kw_only=True)
class MuonGenMatch(LeptonMatch):
    """Matches muons: 1 prompt, 15 from a tau, 5 from b, 4 from c, 3 from others, 0 unmatched."""

    consumes = ("SlimmedMuon", "PrunedGenPart")
    produces = ("MuonGenMatch",)
    name = "SlimmedMuon"
    kinds = (13,)

    def flavour(self, found: Found) -> Ints:
        """By origin."""
        known = [~found.matched, found.prompt, found.from_tau]
        return np.select(known, (UNMATCHED, PROMPT, TAU), found.origin)


@dataclass(frozen=True, kw_only=True)
class ElectronGenMatch(LeptonMatch):
    """Matches electrons with electrons and photons: as muons, and 22 if it is a prompt photon.

    Later NanoAOD matches with electrons plus their radiation first.
    """

    consumes = ("SlimmedElectron", "PrunedGenPart")
    produces = ("ElectronGenMatch",)
    name = "SlimmedElectron"
    kinds = (11, 22)

    def flavour(self, found: Found) -> Ints:
        """By origin."""
        photon = found.prompt & (found.kind == 22)
        known = [~found.matched, photon, found.prompt, found.from_tau]
        return np.select(known, (UNMATCHED, PHOTON, PROMPT, TAU), found.origin)


@dataclass(frozen=True, kw_only=True)
class PhotonGenMatch(LeptonMatch):
    """Matches photons with photons and electrons: 1 prompt photon, 11 prompt electron, else 0."""

    consumes = ("SlimmedPhoton", "PrunedGenPart")
    produces = ("PhotonGenMatch",)
    name = "SlimmedPhoton"
    kinds = (11, 22)

    def flavour(self, found: Found) -> Ints:
        """By identity, of prompt ones only."""
        photon = found.prompt & (found.kind == 22)
        electron = (found.prompt | found.from_tau) & (found.kind == 11)
        return np.select([~found.matched, photon, electron], (UNMATCHED, PROMPT, ELECTRON), 0)


@dataclass(frozen=True, kw_only=True)
class TauGenMatch(LeptonMatch):
    """Matches hadronic taus with leptons, or else with visible taus.

    1 prompt electron, 2 prompt muon, 3 electron and 4 muon from a prompt tau, 5 hadronic tau, else
    0. ``genPartIdx`` of the last is the tau's; NanoAOD's points into ``GenVisTau``, to which here
    ``genVisTauIdx`` points.

    Attributes:
        max_dpt_hadronic: difference of pT from that of the visible tau, over the latter.
    """

    consumes = ("SlimmedTau", "PrunedGenPart", "GenVisTau")
    produces = ("TauGenMatch",)
    name = "SlimmedTau"
    kinds = (11, 13)
    max_dpt_hadronic: float = 1.0

    def produce(self, inputs: Products) -> Products:
        """Returns the places in ``PrunedGenPart`` and ``GenVisTau``, and what it is."""
        taus, particles, visible = (inputs[name] for name in self.consumes)
        offsets = offsets_of(taus)
        index = self.match(taus, particles)
        targets = objects_of(visible)
        every = np.ones(len(targets.pt), dtype=np.bool_)
        hadronic = match_nearest_first(
            objects_of(taus), targets, every, self.max_dr, self.max_dpt_hadronic
        )
        flavour = self.flavour(what_is_found(index, offsets, particles))
        flavour[(flavour == 0) & (hadronic >= 0)] = 5
        mother = np.append(flat(visible, "genPartIdxMother", np.int64), -1)
        of_hadronic = mother[np.where(hadronic < 0, -1, hadronic + _first(offsets, targets))]
        columns: Columns = {
            "genPartIdx": np.where(index < 0, of_hadronic, index).astype(np.int16),
            "genPartFlav": flavour.astype(np.uint8),
            "genVisTauIdx": hadronic.astype(np.int16),
        }
        return {"TauGenMatch": jagged(offsets, columns)}

    def flavour(self, found: Found) -> Ints:
        """Of those that are leptons."""
        muon = (found.kind == 13).astype(np.int64)
        known = [~found.matched, found.prompt, found.from_tau]
        return np.select(known, (0, 1 + muon, 3 + muon), 0)


def objects_of(collection: ak.Array) -> Objects:
    """What matching looks at."""
    eta, phi, pt = (flat(collection, name) for name in ("eta", "phi", "pt"))
    return Objects(eta, phi, offsets_of(collection), pt)


def what_is_found(index: Ints, offsets: Ints, particles: ak.Array) -> Found:
    """What the matched particles are.

    Args:
        index: particle of each object within the event, -1 for none.
        offsets: of the events in the objects.
        particles: ``PrunedGenPart``.
    """
    matched = index >= 0
    place = (index + offsets_of(particles)[events_of(offsets)])[matched]
    kind, flags, status = (
        flat(particles, name, np.int64) for name in ("pdgId", "statusFlags", "status")
    )
    kind = np.abs(kind)
    origin = origins(place, kind, status, mothers_of(particles))

    def spread(values: Ints) -> Ints:
        result = np.zeros(len(index), dtype=np.int64)
        result[matched] = values
        return result

    return Found(
        matched,
        spread(kind[place]),
        spread(flags[place] & IS_PROMPT) != 0,
        spread(flags[place] & IS_DIRECT_PROMPT_TAU_DECAY_PRODUCT) != 0,
        spread(origin),
    )


@kernel
def origins(place: Ints, kind: Ints, status: Ints, mother: Ints) -> Ints:
    """5 or 4 for b or c quarks and hadrons among the ancestors, else 3.

    Ancestors are followed as long as they are decayed hadrons or leptons
    (``CandMCMatchTableProducer::getParentHadronFlag``).

    Args:
        place: particles that are asked about.
        kind: absolute identities of all particles.
        status: of all particles.
        mother: of all particles, -1 for none.
    """
    result = np.full(len(place), LIGHT)
    for i in range(len(place)):
        ancestor = mother[place[i]]
        while ancestor >= 0 and result[i] != BOTTOM:
            for quark in (CHARM, BOTTOM):
                code = kind[ancestor]
                if code // 1000 == quark or code // 100 == quark or code == quark:
                    result[i] = quark
            ancestor = mother[ancestor] if status[ancestor] == 2 else -1
    return result


def _first(offsets: Ints, targets: Objects) -> Ints:
    """The first target of the event of each object."""
    return targets.offsets[events_of(offsets)]
