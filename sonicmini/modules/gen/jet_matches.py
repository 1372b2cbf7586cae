"""What reconstructed jets are at generator level: the generated jet, and flavours.

The products are parallel to the calibrated jets and stored as columns beside theirs.
"""

from dataclasses import dataclass
from typing import ClassVar

import awkward as ak
import numpy as np

from sonicmini.event import Products
from sonicmini.modules.columns import Columns, Floats, Ints, events_of, flat, jagged, offsets_of
from sonicmini.modules.gen.association import associate
from sonicmini.modules.gen.flavour import jets_with
from sonicmini.modules.gen.ghosts import FlavourProducer, flavours, ghosts_of
from sonicmini.modules.gen.matching import Directions, match_in_order


@dataclass(frozen=True, kw_only=True)
class JetMatch(FlavourProducer):
    """Base of the modules that match jets.

    Flavours are those of the jets before calibration, as CMS clusters ghosts with their
    constituents (``JetFlavourClustering``). Generated jets are given to the jets in the order of
    uncalibrated pT, each the nearest that is left (CMSSW: ``GenJetMatcher``).

    Attributes:
        radius: of the jets.
        max_dr: distance of the generated jet in pseudorapidity and azimuth.
        names: products: uncalibrated jets, calibrated ones, generated ones.
        index: column of the generated jet.
    """

    radius: float = 0.4
    max_dr: float = 0.4
    names: ClassVar[tuple[str, str, str]]
    index: ClassVar[str] = "genJetIdx"

    def produce(self, inputs: Products) -> Products:
        """Returns the place of the generated jet, -1 for none, and the flavours."""
        raw_name, name, gen_name = self.names
        raw, jets, candidates = inputs[raw_name], inputs[name], inputs["PFCand"]
        weight = self.weights(inputs)
        made = jets_with(raw, inputs[f"{raw_name}Cand"], candidates, "candIdx", weight=weight)
        ghosts = ghosts_of(inputs["PrunedGenPart"], self.partons)
        columns: Columns = {self.index: self._gen_jets(raw, inputs[gen_name]).astype(np.int16)}
        columns |= flavours(ghosts, associate(ghosts, made, radius=self.radius), len(made.y))
        offsets = offsets_of(jets)
        place = flat(jets, "rawJetIdx", np.int64) + made.offsets[events_of(offsets)]
        (product,) = self.produces
        return {product: jagged(offsets, {key: values[place] for key, values in columns.items()})}

    def weights(self, inputs: Products) -> Floats | None:
        """Weights of the candidates in the jets."""
        return flat(inputs["PuppiWeight"], "weight")

    def _gen_jets(self, jets: ak.Array, generated: ak.Array) -> Ints:
        return match_in_order(directions_of(jets), directions_of(generated), self.max_dr)


@dataclass(frozen=True, kw_only=True)
class JetGenMatch(JetMatch):
    """Generator level of AK4 PUPPI jets."""

    consumes = (
        *("AK4PuppiJet", "AK4PuppiJetCand", "Jet", "PFCand", "PuppiWeight"),
        *("GenJet", "PrunedGenPart"),
    )
    produces = ("JetGenMatch",)
    names = ("AK4PuppiJet", "Jet", "GenJet")


@dataclass(frozen=True, kw_only=True)
class JetCHSGenMatch(JetMatch):
    """Generator level of AK4 CHS jets."""

    consumes = ("AK4CHSJet", "AK4CHSJetCand", "JetCHS", "PFCand", "GenJet", "PrunedGenPart")
    produces = ("JetCHSGenMatch",)
    names = ("AK4CHSJet", "JetCHS", "GenJet")

    def weights(self, inputs: Products) -> Floats | None:  # noqa: ARG002 (there are none)
        """Candidates count in full."""
        return None


@dataclass(frozen=True, kw_only=True)
class FatJetGenMatch(JetMatch):
    """Generator level of AK8 PUPPI jets."""

    consumes = (
        *("AK8PuppiJet", "AK8PuppiJetCand", "FatJet", "PFCand", "PuppiWeight"),
        *("GenJetAK8", "PrunedGenPart"),
    )
    produces = ("FatJetGenMatch",)
    names = ("AK8PuppiJet", "FatJet", "GenJetAK8")
    index = "genJetAK8Idx"
    radius: float = 0.8
    max_dr: float = 0.8


def directions_of(collection: ak.Array) -> Directions:
    """Where objects fly."""
    eta, phi = flat(collection, "eta"), flat(collection, "phi")
    return Directions(eta, phi, offsets_of(collection))
