"""Flavours of generated jets by ghost association (CMS: ``slimmedGenJetsFlavourInfos``)."""

from dataclasses import dataclass

import awkward as ak
import numpy as np

from sonicmini.event import Products
from sonicmini.modules.columns import (
    Floats,
    Ints,
    events_of,
    flat,
    jagged,
    momenta,
    offsets_from,
    offsets_of,
)
from sonicmini.modules.gen.association import Jets, associate
from sonicmini.modules.gen.ghosts import FlavourProducer, Ghosts, flavours, ghosts_of
from sonicmini.modules.gen.packed import rapidity


@dataclass(frozen=True, kw_only=True)
class GenJetFlavours(FlavourProducer):
    """Finds the heavy hadrons and partons in the jets of generated particles.

    Attributes:
        radius: that ``GenJet`` was clustered with; ``radius_ak8`` that of ``GenJetAK8``.
    """

    consumes = ("GenPart", "PrunedGenPart", "GenJet", "GenJetCand", "GenJetAK8", "GenJetAK8Cand")
    produces = ("GenJetFlavour", "GenJetAK8Flavour")
    radius: float = 0.4
    radius_ak8: float = 0.8

    def produce(self, inputs: Products) -> Products:
        """Returns columns beside those of the jets."""
        particles, ghosts = inputs["GenPart"], ghosts_of(inputs["PrunedGenPart"], self.partons)
        result = {}
        for name, radius in (("GenJet", self.radius), ("GenJetAK8", self.radius_ak8)):
            jets, links = inputs[name], inputs[f"{name}Cand"]
            made = jets_with(jets, links, particles, "genPartIdx")
            result[f"{name}Flavour"] = flavoured(ghosts, made, radius)
        return result


def flavoured(ghosts: Ghosts, jets: Jets, radius: float) -> ak.Array:
    """The flavours of jets as a product parallel to them."""
    jet = associate(ghosts, jets, radius=radius)
    return jagged(jets.offsets, flavours(ghosts, jet, len(jets.y)))


def jets_with(
    jets: ak.Array,
    links: ak.Array,
    particles: ak.Array,
    name: str,
    *,
    weight: Floats | None = None,
) -> Jets:
    """Jets together with their constituents.

    Args:
        jets: pt, eta, phi and mass.
        links: pairs of ``jetIdx`` and the constituent, by jet.
        particles: of which the jets are made.
        name: of the column of links with the place in them.
        weight: by which their momenta were multiplied, if by any, of the particles of all events.
    """
    offsets, event = offsets_of(jets), events_of(offsets_of(links))
    jet = flat(links, "jetIdx", np.int64) + offsets[event]
    member = flat(links, name, np.int64) + offsets_of(particles)[event]
    counts = np.bincount(jet, minlength=offsets[-1])

    def p4(place: Ints) -> Floats:
        index = member[place]
        columns = {
            field: flat(particles, field, None)[index] for field in ("pt", "eta", "phi", "mass")
        }
        unweighted = momenta(jagged(np.array([0, len(index)]), columns))
        return unweighted if weight is None else unweighted * weight[index, np.newaxis]

    y = rapidity(*(flat(jets, field) for field in ("pt", "eta", "mass")))
    return Jets(y, flat(jets, "phi"), offsets, p4, offsets_from(counts))
