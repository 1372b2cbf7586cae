"""Jets as Mini-AOD keeps them: corrected, selected, described, linked to packed candidates.

CMSSW: ``PATJetProducer`` and ``PATJetSlimmer``.
"""

from dataclasses import dataclass

import numpy as np

from sonicmini.event import Products
from sonicmini.module import Producer
from sonicmini.modules.columns import (
    Columns,
    Floats,
    Ints,
    events_of,
    flat,
    jagged,
    offsets_from,
    offsets_of,
)
from sonicmini.modules.jets.constituents import (
    Constituents,
    composition,
    constituents_of,
    jet_charge,
    packed_links,
)
from sonicmini.modules.jets.identification import jet_id
from sonicmini.modules.jets.pileup_id import Axes, Candidates, pileup_id_variables


@dataclass(frozen=True, kw_only=True)
class SlimmedJets(Producer):
    """Base of the modules that make jets for the output.

    Attributes:
        pt_min: jets whose corrected pT (GeV) is above it are kept.
        leading: as many of the first are kept as well,
        leading_pt_min: if their corrected pT (GeV) is above it.
    """

    pt_min: float = 10.0
    leading: int = 0
    leading_pt_min: float = 30.0

    def produce(self, inputs: Products) -> Products:
        """Returns the jets by falling corrected pT, and pairs of jet and packed candidate.

        ``rawJetIdx`` is the place among the uncorrected jets. Fractions and numbers of constituents
        are those of the uncorrected jet.
        """
        raw, links, correction = (inputs[name] for name in [*self.consumes][:3])
        candidates = inputs["PFCand"]
        jet_offsets, offsets = offsets_of(raw), offsets_of(candidates)
        factor = flat(correction, "factor")
        pt = flat(raw, "pt") * factor
        kept, kept_offsets = self.keep(pt, jet_offsets)
        members = constituents_of(links, kept, jet_offsets, offsets)
        columns = {
            name: flat(raw, name)[kept].astype(np.float32) for name in ("eta", "phi", "area")
        }
        columns["pt"] = pt[kept].astype(np.float32)
        columns["mass"] = (flat(raw, "mass") * factor)[kept].astype(np.float32)
        columns["rawFactor"] = (1.0 - 1.0 / factor[kept]).astype(np.float32)
        columns["rawJetIdx"] = (kept - jet_offsets[events_of(kept_offsets)]).astype(np.int16)
        axes = Axes(*(flat(raw, name)[kept] for name in ("pt", "eta", "phi")))
        columns |= self.describe(inputs, axes, members)
        jets, jet_links = self.produces
        return {
            jets: jagged(kept_offsets, columns),
            jet_links: packed_links(members, kept_offsets, inputs["PackedPFCand"]),
        }

    def keep(self, pt: Floats, offsets: Ints) -> tuple[Ints, Ints]:
        """Positions of the jets to keep, by event and falling pT, and the offsets of the events."""
        event = events_of(offsets)
        order = np.lexsort((-pt, event))
        rank = np.arange(len(pt)) - offsets[event]
        first = (rank < self.leading) & (pt[order] > self.leading_pt_min)
        chosen = first | (pt[order] > self.pt_min)
        counts = np.bincount(event[chosen], minlength=len(offsets) - 1)
        return order[chosen], offsets_from(counts)

    def describe(self, inputs: Products, axes: Axes, members: Constituents) -> Columns:
        """What the constituents tell: PUPPI jets, whose candidates count by weight."""
        weight = flat(inputs["PuppiWeight"], "weight")
        return _composed(inputs, axes, members, weight)


@dataclass(frozen=True, kw_only=True)
class SlimmedJetsCHS(SlimmedJets):
    """AK4 CHS jets of the output, with the variables of the pileup identification."""

    consumes = (
        *("AK4CHSJet", "AK4CHSJetCand", "AK4CHSJetCorrection"),
        *("PFCand", "PFCandVertex", "PackedPFCand"),
    )
    produces = ("JetCHS", "JetCHSPFCand")

    def describe(self, inputs: Products, axes: Axes, members: Constituents) -> Columns:
        """What the constituents tell, each with weight 1."""
        candidates = inputs["PFCand"]
        columns = _composed(inputs, axes, members, None)
        of_candidates = Candidates(
            pt=flat(candidates, "pt"),
            eta=flat(candidates, "eta"),
            phi=flat(candidates, "phi"),
            charged=flat(candidates, "charge", np.int64) != 0,
            dz=flat(inputs["PFCandVertex"], "dzPV0"),
        )
        return columns | pileup_id_variables(axes, members, of_candidates)


@dataclass(frozen=True, kw_only=True)
class SlimmedJetsPuppi(SlimmedJets):
    """AK4 PUPPI jets of the output."""

    consumes = (
        *("AK4PuppiJet", "AK4PuppiJetCand", "AK4PuppiJetCorrection"),
        *("PFCand", "PuppiWeight", "PackedPFCand"),
    )
    produces = ("Jet", "JetPFCand")


@dataclass(frozen=True, kw_only=True)
class SlimmedFatJets(SlimmedJets):
    """AK8 PUPPI jets of the output."""

    consumes = (
        *("AK8PuppiJet", "AK8PuppiJetCand", "AK8PuppiJetCorrection"),
        *("PFCand", "PuppiWeight", "PackedPFCand"),
    )
    produces = ("FatJet", "FatJetPFCand")
    pt_min: float = 100.0
    leading: int = 3


def _composed(
    inputs: Products, axes: Axes, members: Constituents, weight: Floats | None
) -> Columns:
    """Fractions, numbers, identification and charge; ``weight`` None stands for ones."""
    candidates = inputs["PFCand"]
    pt, eta, mass = (flat(candidates, name) for name in ("pt", "eta", "mass"))
    ones = np.ones(len(pt)) if weight is None else weight
    energy = np.hypot(pt * np.cosh(eta), mass) * ones
    pdg_id = np.abs(flat(candidates, "pdgId", np.int64))
    columns = composition(members, energy, ones, pdg_id)
    columns["jetId"] = jet_id(axes.eta, columns, puppi=weight is not None).astype(np.uint8)
    charge = flat(candidates, "charge")
    columns["jetCharge"] = jet_charge(members, pt * ones, charge).astype(np.float32)
    if weight is None:
        del columns["puppiMultiplicity"], columns["neutralPuppiMultiplicity"]
    return columns
