"""Energy corrections of the subjets of large jets.

CMSSW: ``applySubstructure`` corrects soft-drop subjets as AK4 PUPPI jets, L2 and L3.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from sonicmini.event import Products
from sonicmini.module import Producer
from sonicmini.modules.columns import flat, jagged, offsets_of
from sonicmini.modules.jets.corrections import AK4_FILE, JetEnergyCorrections, RawJets
from sonicmini.resources import bundled

_JETS = "AK4PFPuppi"


@lru_cache(maxsize=4)
def _loaded(file: str) -> JetEnergyCorrections:
    # One for all instances of the module and all threads: evaluation changes nothing.
    return JetEnergyCorrections(file, _JETS)


@dataclass(frozen=True, kw_only=True)
class AK8PuppiSubJetCorrections(Producer):
    """Looks up the corrections of AK4 PUPPI jets for the subjets of AK8 PUPPI jets.

    Nothing is subtracted for pileup: PUPPI has done it.

    Attributes:
        file: with the corrections; the one that comes with the package if empty.
    """

    consumes = ("AK8PuppiSubJet",)
    produces = ("AK8PuppiSubJetCorrection",)
    file: str = ""

    def __post_init__(self) -> None:
        """Refuses a file without the corrections before the first event."""
        _ = self.corrections

    @property
    def corrections(self) -> JetEnergyCorrections:
        """The corrections of the file."""
        return _loaded(self.file or str(bundled(AK4_FILE)))

    def produce(self, inputs: Products) -> Products:
        """Returns ``factor``, to the momentum, parallel to the subjets."""
        subjets = inputs["AK8PuppiSubJet"]
        pt = flat(subjets, "pt")
        nothing = np.zeros_like(pt)
        made = self.corrections(RawJets(pt, flat(subjets, "eta"), nothing, nothing))
        factor = {"factor": made["factor"]}
        return {"AK8PuppiSubJetCorrection": jagged(offsets_of(subjets), factor)}
