"""Subjets of large generated jets after soft drop (CMS: ``slimmedGenJetsAK8SoftDropSubJets``)."""

from dataclasses import dataclass

import numpy as np

from sonicmini.event import Products
from sonicmini.module import Producer
from sonicmini.modules.clustering import polar
from sonicmini.modules.columns import Columns, events_of, jagged, offsets_from
from sonicmini.modules.gen.flavour import jets_with
from sonicmini.modules.jets.soft_drop import SoftDropCut, soft_drop


@dataclass(frozen=True, kw_only=True)
class SubGenJetsAK8(Producer):
    """Grooms the jets with R = 0.8 by soft drop and returns the two subjets of each.

    Attributes:
        z_cut: of soft drop.
        beta: of soft drop.
        radius: of soft drop, that of the jets.
    """

    consumes = ("GenPart", "GenJetAK8", "GenJetAK8Cand")
    produces = ("SubGenJetAK8",)
    z_cut: float = 0.1
    beta: float = 0.0
    radius: float = 0.8

    def produce(self, inputs: Products) -> Products:
        """Returns the subjets by jet and falling pT; none of jets of which one particle is left."""
        particles, jets, links = (inputs[name] for name in self.consumes)
        made = jets_with(jets, links, particles, "genPartIdx")
        p4 = made.p4(np.arange(made.members[-1]))
        cut = SoftDropCut(z_cut=self.z_cut, beta=self.beta, r0=self.radius)
        subjets = soft_drop(p4, made.members, cut).subjets
        jet = np.flatnonzero(subjets[:, 0, 3] > 0)
        event = events_of(made.offsets)
        columns: Columns = polar(subjets[jet].reshape(-1, 4))
        local = (jet - made.offsets[event[jet]]).astype(np.int16)
        columns["genJetAK8Idx"] = np.repeat(local, 2)
        counts = 2 * np.bincount(event[jet], minlength=len(made.offsets) - 1)
        return {"SubGenJetAK8": jagged(offsets_from(counts), columns)}
