"""Jets and missing transverse momentum of generated particles.

They are made of the stable particles (status 1) of the hard collision in ``GenPart``, without
pileup and without any acceptance.
"""

from abc import abstractmethod
from dataclasses import dataclass

import awkward as ak
import numpy as np

from sonicmini.event import Products
from sonicmini.module import Producer
from sonicmini.modules.clustering import Clusters, anti_kt_jets, polar
from sonicmini.modules.columns import (
    Bools,
    Floats,
    Ints,
    events_of,
    flat,
    jagged,
    momenta,
    offsets_from,
    offsets_of,
)
from sonicmini.modules.met.raw import missing_momentum


@dataclass(frozen=True, kw_only=True)
class AntiKtGenJets(Producer):
    """Base of the modules that cluster stable particles other than neutrinos.

    Muons are clustered as in CMS.

    Attributes:
        radius: of the jets.
        pt_min: least pT (GeV).
    """

    consumes = ("GenPart",)
    radius: float = 0.4
    pt_min: float = 8.0

    def __post_init__(self) -> None:
        """Refuses a radius that is none."""
        if self.radius <= 0:
            raise ValueError(f"radius is {self.radius}; it must be above 0")

    @abstractmethod
    def select(self, pt: Floats, rank: Ints) -> Bools:
        """Which jets are kept, by pT (GeV) and by their place in the event's order of pT."""

    def produce(self, inputs: Products) -> Products:
        """Returns the jets, sorted by pT, and pairs of jet and constituent in ``GenPart``."""
        particles = inputs["GenPart"]
        offsets = offsets_of(particles)
        visible = np.flatnonzero(_is_stable(particles) & ~_is_neutrino(particles))
        counts = np.bincount(events_of(offsets)[visible], minlength=len(offsets) - 1)
        clusters = anti_kt_jets(
            _momenta(particles, visible),
            offsets_from(counts),
            used=np.ones(len(visible), dtype=np.bool_),
            radius=self.radius,
            pt_min=self.pt_min,
        )
        event = events_of(clusters.offsets)
        rank = np.arange(len(event)) - clusters.offsets[event]
        kept = self.select(np.hypot(clusters.p4[:, 0], clusters.p4[:, 1]), rank)
        clusters = _only(clusters._replace(constituent=visible[clusters.constituent]), kept)
        jets, links = self.produces
        return {
            jets: jagged(clusters.offsets, polar(clusters.p4)),
            links: _links(clusters, offsets),
        }


@dataclass(frozen=True, kw_only=True)
class GenJets(AntiKtGenJets):
    """Jets with R = 0.4 (CMS: ``slimmedGenJets``)."""

    produces = ("GenJet", "GenJetCand")

    def select(self, pt: Floats, rank: Ints) -> Bools:  # noqa: ARG002 (all of them)
        """All that were clustered."""
        return np.ones(len(pt), dtype=np.bool_)


@dataclass(frozen=True, kw_only=True)
class GenJetsAK8(AntiKtGenJets):
    """Jets with R = 0.8 (CMS: ``slimmedGenJetsAK8``).

    Attributes:
        pt_min_all: pT (GeV) above which all are kept.
        n_leading: so many of the leading ones are kept above ``pt_min``.
    """

    produces = ("GenJetAK8", "GenJetAK8Cand")
    radius: float = 0.8
    pt_min: float = 10.0
    pt_min_all: float = 80.0
    n_leading: int = 3

    def select(self, pt: Floats, rank: Ints) -> Bools:
        """The hard ones and the leading ones."""
        return np.asarray((pt > self.pt_min_all) | (rank < self.n_leading))


@dataclass(frozen=True, kw_only=True)
class GenMET(Producer):
    """The transverse momentum that neutrinos carry away (CMS: ``genMetTrue``).

    CMS takes the opposite of the visible momentum, which is the same up to rounding.
    """

    consumes = ("GenPart",)
    produces = ("GenMET",)

    def produce(self, inputs: Products) -> Products:
        """Returns pt and phi."""
        particles = inputs["GenPart"]
        offsets = offsets_of(particles)
        neutrinos = np.flatnonzero(_is_stable(particles) & _is_neutrino(particles))
        counts = np.bincount(events_of(offsets)[neutrinos], minlength=len(offsets) - 1)
        missing = missing_momentum(-_momenta(particles, neutrinos), offsets_from(counts))
        return {"GenMET": missing[["pt", "phi"]]}


def _is_stable(particles: ak.Array) -> Bools:
    return np.asarray(flat(particles, "status", None) == 1)


def _is_neutrino(particles: ak.Array) -> Bools:
    kind = np.abs(flat(particles, "pdgId", np.int32))
    return np.asarray((kind == 12) | (kind == 14) | (kind == 16))


def _momenta(particles: ak.Array, index: Ints) -> Floats:
    """Momenta of some of the particles of all events."""
    names = ("pt", "eta", "phi", "mass")
    columns = {name: flat(particles, name, None)[index] for name in names}
    return momenta(jagged(np.array([0, len(index)]), columns))


def _only(clusters: Clusters, kept: Bools) -> Clusters:
    """Some of the jets."""
    event = events_of(clusters.offsets)[kept]
    counts = np.bincount(event, minlength=len(clusters.offsets) - 1)
    inside = kept[clusters.jet]
    return Clusters(
        clusters.p4[kept],
        offsets_from(counts),
        clusters.constituent[inside],
        (np.cumsum(kept) - 1)[clusters.jet[inside]],
    )


def _links(clusters: Clusters, offsets: Ints) -> ak.Array:
    """Pairs of jet and particle, by jet and particle, both counted within the event."""
    event = events_of(clusters.offsets)[clusters.jet]
    columns = {
        "jetIdx": clusters.jet - clusters.offsets[event],
        "genPartIdx": clusters.constituent - offsets[event],
    }
    counts = np.bincount(event, minlength=len(offsets) - 1)
    return jagged(offsets_from(counts), columns)
