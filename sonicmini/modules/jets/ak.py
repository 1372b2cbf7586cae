"""Jets of particle-flow candidates weighted by PUPPI, without corrections."""

from dataclasses import dataclass

import awkward as ak

from sonicmini.event import Products
from sonicmini.module import Producer
from sonicmini.modules.jets.raw import AK4PuppiJets
from sonicmini.modules.jets.slimmed import SlimmedJetsPuppi


@dataclass(frozen=True, kw_only=True)
class AntiKtJets(Producer):
    """The jets of AK4PuppiJets as SlimmedJetsPuppi makes them, but not corrected.

    Attributes:
        radius: of the jets.
        pt_min: least pT (GeV).
    """

    consumes = ("PFCand", "PuppiWeight", "PackedPFCand")
    produces = ("Jet", "JetPFCand")
    radius: float = 0.4
    pt_min: float = 10.0

    def __post_init__(self) -> None:
        """Refuses a radius that is none."""
        if self.radius <= 0:
            raise ValueError(f"radius is {self.radius}; it must be above 0")

    def produce(self, inputs: Products) -> Products:
        """Returns the jets, and for each constituent the jet and the packed candidate."""
        made = AK4PuppiJets(radius=self.radius, pt_min=self.pt_min).produce(inputs)
        ones = ak.zip({"factor": ak.ones_like(made["AK4PuppiJet"].pt)})
        products = {**inputs, **made, "AK4PuppiJetCorrection": ones}
        return SlimmedJetsPuppi(pt_min=0.0).produce(products)
