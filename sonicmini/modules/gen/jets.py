"""Jets and missing transverse momentum of generated particles.

Both are made of the stable particles (status 1) of the hard collision in ``GenPart``, without
pileup and without any acceptance.
"""

from dataclasses import dataclass

import awkward as ak
import numpy as np

from sonicmini.event import Products
from sonicmini.module import Producer
from sonicmini.modules.clustering import anti_kt_jets, polar
from sonicmini.modules.columns import Bools, flat, jagged, momenta, offsets_of
from sonicmini.modules.met.raw import missing_momentum

_NEUTRINOS = (12, 14, 16)


@dataclass(frozen=True, kw_only=True)
class GenJets(Producer):
    """Clusters stable generated particles other than neutrinos into anti-kT jets.

    CMS: ``slimmedGenJets``. Muons are clustered as in CMS.

    Attributes:
        radius: of the jets.
        pt_min: least pT (GeV).
    """

    consumes = ("GenPart",)
    produces = ("GenJet",)
    radius: float = 0.4
    pt_min: float = 8.0

    def __post_init__(self) -> None:
        """Refuses a radius that is none."""
        if self.radius <= 0:
            raise ValueError(f"radius is {self.radius}; it must be above 0")

    def produce(self, inputs: Products) -> Products:
        """Returns the jets, sorted by pT."""
        particles = inputs["GenPart"]
        visible = _is_stable(particles) & ~_is_neutrino(particles)
        jets = anti_kt_jets(
            momenta(particles),
            offsets_of(particles),
            used=visible,
            radius=self.radius,
            pt_min=self.pt_min,
        )
        return {"GenJet": jagged(jets.offsets, polar(jets.p4))}


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
        p4 = momenta(particles)
        p4[~(_is_stable(particles) & _is_neutrino(particles))] = 0.0
        missing = missing_momentum(-p4, offsets_of(particles))
        return {"GenMET": missing[["pt", "phi"]]}


def _is_stable(particles: ak.Array) -> Bools:
    return np.asarray(flat(particles, "status", np.int64) == 1)


def _is_neutrino(particles: ak.Array) -> Bools:
    return np.isin(np.abs(flat(particles, "pdgId", np.int64)), _NEUTRINOS)
