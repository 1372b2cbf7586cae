"""Missing transverse momentum of particle-flow candidates, uncorrected (CMSSW: ``RecoMET``)."""

from dataclasses import dataclass

import awkward as ak
import numpy as np

from sonicmini.event import Products
from sonicmini.module import Producer
from sonicmini.modules.columns import Floats, Ints, events_of, flat, momenta, offsets_of, single


@dataclass(frozen=True, kw_only=True)
class RawMET(Producer):
    """The missing transverse momentum of all candidates."""

    consumes = ("PFCand",)
    produces = ("RawMET",)

    def produce(self, inputs: Products) -> Products:
        """Returns pt, phi and sumEt."""
        p4 = momenta(inputs["PFCand"])
        return {"RawMET": missing_momentum(p4, offsets_of(inputs["PFCand"]))}


@dataclass(frozen=True, kw_only=True)
class RawPuppiMET(Producer):
    """The missing transverse momentum of candidates times their PUPPI weight without leptons.

    Electrons and muons have weight 1.
    """

    consumes = ("PFCand", "PuppiWeight")
    produces = ("RawPuppiMET",)

    def produce(self, inputs: Products) -> Products:
        """Returns pt, phi and sumEt."""
        weight = flat(inputs["PuppiWeight"], "weightNoLep")
        p4 = momenta(inputs["PFCand"]) * weight[:, np.newaxis]
        return {"RawPuppiMET": missing_momentum(p4, offsets_of(inputs["PFCand"]))}


def missing_momentum(p4: Floats, offsets: Ints) -> ak.Array:
    """The opposite of the summed momentum: pt, phi, and the scalar sum of transverse energies.

    Args:
        p4: px, py, pz, E of the candidates of all events (GeV), shape ``(candidates, 4)``.
        offsets: of the events.
    """
    event, n = events_of(offsets), len(offsets) - 1
    px, py, pz, energy = p4.T
    pt2 = px**2 + py**2
    with np.errstate(invalid="ignore"):  # 0/0 of candidates without momentum
        et = np.nan_to_num(energy * np.sqrt(pt2 / (pt2 + pz**2)))
    x, y, sum_et = (np.bincount(event, values, minlength=n) for values in (px, py, et))
    columns = {"pt": np.hypot(x, y), "phi": np.arctan2(0.0 - y, 0.0 - x), "sumEt": sum_et}
    return single({name: values.astype(np.float32) for name, values in columns.items()})
