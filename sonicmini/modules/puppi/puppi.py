"""Pileup per particle identification (PUPPI): the chance of each candidate to be of PV 0.

D. Bertolini et al., JHEP 10 (2014) 059, as coded in CMSSW 12 (``CommonTools/PileupAlgos``), with
the tune of the Run 2 legacy and early Run 3 samples.
"""

from dataclasses import dataclass

import awkward as ak
import numpy as np

from sonicmini.event import Products
from sonicmini.module import Producer
from sonicmini.modules.columns import Ints, flat, jagged, offsets_of
from sonicmini.modules.puppi.inputs import DEFAULT_TUNE, PuppiInputs, PuppiTune, puppi_labels
from sonicmini.modules.puppi.weights import puppi_alpha, puppi_weights


def good_vertices(vertices: ak.Array, ndof_min: float = 4.0, z_max: float = 24.0) -> Ints:
    """Number of vertices of each event that are not fake and pass both cuts (``z_max`` in cm)."""
    good = ~vertices.isFake & (vertices.ndof >= ndof_min) & (abs(vertices.z) <= z_max)
    return np.asarray(ak.sum(good, axis=1), dtype=np.int64)


@dataclass(frozen=True, kw_only=True)
class Puppi(Producer):
    """Weighs candidates by PUPPI, with and without leptons.

    ``weightNoLep`` treats electrons and muons apart and protects photons; it is for the missing
    transverse momentum and the isolation of leptons.

    Attributes:
        tune: parameters of ``weight``.
        photon_protection_no_lep: that of ``weightNoLep`` (GeV).
    """

    consumes = ("PFCand", "PFCandVertex", "SlimmedPV")
    produces = ("PuppiWeight",)
    tune: PuppiTune = DEFAULT_TUNE
    photon_protection_no_lep: float = 20.0

    def __post_init__(self) -> None:
        """Refuses a cone that the grid of neighbours cannot hold."""
        if not 0 < self.tune.cone <= 1:
            raise ValueError(f"tune.cone is {self.tune.cone}; it must be above 0 and at most 1")

    def produce(self, inputs: Products) -> Products:
        """Returns the weights, parallel to the candidates."""
        candidates, vertices = inputs["PFCand"], inputs["PFCandVertex"]
        columns = PuppiInputs(
            pt=flat(candidates, "pt"),
            eta=flat(candidates, "eta"),
            phi=flat(candidates, "phi"),
            mass=flat(candidates, "mass"),
            pdg_id=flat(candidates, "pdgId", np.int64),
            charge=flat(candidates, "charge", np.int64),
            from_pv=flat(vertices, "puppiFromPV", np.int64),
            dz=flat(vertices, "dzPV0"),
            offsets=offsets_of(candidates),
            n_vertices=good_vertices(inputs["SlimmedPV"]),
        )
        labels = puppi_labels(columns)
        forward = puppi_alpha(columns, labels, self.tune, forward=True)
        no_lep = self.tune._replace(photon_protection=self.photon_protection_no_lep)
        weights = {}
        for name, tune in (("weight", self.tune), ("weightNoLep", no_lep)):
            labels = puppi_labels(columns, no_lep=tune is no_lep)
            central = puppi_alpha(columns, labels, tune, forward=False)
            values = puppi_weights(columns, labels, (central, forward), tune)
            weights[name] = values.astype(np.float32)
        return {"PuppiWeight": jagged(columns.offsets, weights)}
