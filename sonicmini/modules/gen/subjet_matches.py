"""Flavours of the subjets of large jets (CMSSW: ``JetFlavourClustering`` with subjets)."""

from dataclasses import dataclass

import awkward as ak
import numpy as np

from sonicmini.event import Products
from sonicmini.modules.columns import Floats, Ints, events_of, flat, jagged, kernel, offsets_of
from sonicmini.modules.gen.association import associate
from sonicmini.modules.gen.flavour import jets_with
from sonicmini.modules.gen.ghosts import FlavourProducer, flavours, ghosts_of
from sonicmini.modules.gen.packed import rapidity


@dataclass(frozen=True, kw_only=True)
class SubJetGenMatch(FlavourProducer):
    """Gives the ghosts in a large jet to the nearest of its subjets in rapidity and azimuth.

    Grooming would take ghosts away, so that CMS does not cluster them into subjets.

    Attributes:
        radius: of the large jets.
    """

    consumes = (
        *("AK8PuppiJet", "AK8PuppiJetCand", "FatJet", "SubJet"),
        *("PFCand", "PuppiWeight", "PrunedGenPart"),
    )
    produces = ("SubJetGenMatch",)
    radius: float = 0.8

    def produce(self, inputs: Products) -> Products:
        """Returns the flavours of the subjets."""
        raw, links, jets, subjets, candidates = (inputs[name] for name in self.consumes[:5])
        weight = flat(inputs["PuppiWeight"], "weight")
        made = jets_with(raw, links, candidates, "candIdx", weight=weight)
        ghosts = ghosts_of(inputs["PrunedGenPart"], self.partons)
        jet = associate(ghosts, made, radius=self.radius)
        subjet = nearest_subjet(
            (ghosts.y, ghosts.phi, jet),
            (*_places(subjets), _raw_jets(jets, subjets, made.offsets)),
        )
        offsets = offsets_of(subjets)
        return {"SubJetGenMatch": jagged(offsets, flavours(ghosts, subjet, int(offsets[-1])))}


@kernel
def nearest_subjet(
    ghosts: tuple[Floats, Floats, Ints], subjets: tuple[Floats, Floats, Ints]
) -> Ints:
    """The nearest subjet of the jet that each ghost belongs to, -1 for none.

    Args:
        ghosts: rapidity, azimuth, jet or -1.
        subjets: the same; those of one event after the other, as are the jets.
    """
    (y, phi, jet), (sub_y, sub_phi, sub_jet) = ghosts, subjets
    result = np.full(len(y), -1)
    for i in range(len(y)):
        least = np.inf
        for k in range(len(sub_y)):
            if jet[i] >= 0 and sub_jet[k] == jet[i]:
                d_phi = abs(phi[i] - sub_phi[k]) % (2 * np.pi)
                d_phi = min(d_phi, 2 * np.pi - d_phi)
                distance2 = (y[i] - sub_y[k]) ** 2 + d_phi**2
                if distance2 < least:
                    least, result[i] = distance2, k
    return result


def _places(subjets: ak.Array) -> tuple[Floats, Floats]:
    y = rapidity(*(flat(subjets, name) for name in ("pt", "eta", "mass")))
    return y, flat(subjets, "phi")


def _raw_jets(jets: ak.Array, subjets: ak.Array, raw_offsets: Ints) -> Ints:
    """The uncorrected jet of each subjet, among those of all events."""
    event = events_of(offsets_of(subjets))
    place = flat(subjets, "fatJetIdx", np.int64) + offsets_of(jets)[event]
    return np.asarray(flat(jets, "rawJetIdx", np.int64)[place] + raw_offsets[event])
