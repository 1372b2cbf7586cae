"""Jets of particle-flow candidates weighted by PUPPI."""

from dataclasses import dataclass

import awkward as ak
import numpy as np

from sonicmini.event import Products
from sonicmini.module import Producer
from sonicmini.modules.clustering import Clusters, anti_kt_jets, polar
from sonicmini.modules.columns import (
    Columns,
    Floats,
    Ints,
    events_of,
    flat,
    jagged,
    momenta,
    offsets_from,
    offsets_of,
)

_FRACTIONS = {
    "chHEF": (211,),
    "neHEF": (130, 1),
    "chEmEF": (11,),
    "neEmEF": (22, 2),
    "muEF": (13,),
    "hfHEF": (1,),
    "hfEmEF": (2,),
}
"""NanoAOD's energy fractions and the absolute identities that count (CMSSW: ``JetSpecific``)."""


@dataclass(frozen=True, kw_only=True)
class AntiKtJets(Producer):
    """Clusters particle-flow candidates, times their PUPPI weight, into anti-kT jets.

    Momenta are not calibrated. Jets are sorted by pT.

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
        candidates = inputs["PFCand"]
        offsets = offsets_of(candidates)
        weight = flat(inputs["PuppiWeight"], "weight")
        p4 = momenta(candidates) * weight[:, np.newaxis]
        clusters = anti_kt_jets(
            p4, offsets, used=weight > 0, radius=self.radius, pt_min=self.pt_min
        )
        columns = polar(clusters.p4)
        pdg_id = np.abs(flat(candidates, "pdgId", np.int64))
        columns |= energy_fractions(clusters, p4[:, 3], pdg_id)
        columns |= multiplicities(clusters, pdg_id)
        packed = _packed_index(flat(inputs["PackedPFCand"], "pfCandIdx", np.int64), offsets)
        return {
            "Jet": jagged(clusters.offsets, columns),
            "JetPFCand": _links(clusters, packed),
        }


def energy_fractions(clusters: Clusters, energy: Floats, pdg_id: Ints) -> Columns:
    """The share of each kind of candidates in the energy of the jets.

    Args:
        clusters: the jets.
        energy: of all candidates, weighted.
        pdg_id: absolute identities of all candidates.
    """
    n = len(clusters.p4)
    of_constituent, kind = energy[clusters.constituent], pdg_id[clusters.constituent]
    columns: Columns = {}
    for name, ids in _FRACTIONS.items():
        part = np.bincount(clusters.jet, np.isin(kind, ids) * of_constituent, minlength=n)
        columns[name] = (part / clusters.p4[:, 3]).astype(np.float32)
    return columns


def multiplicities(clusters: Clusters, pdg_id: Ints) -> Columns:
    """Numbers of constituents of the jets, all and by kind."""
    kind = pdg_id[clusters.constituent]
    charged = np.isin(kind, (211, 11, 13))
    counted = {
        "nConstituents": (np.ones_like(charged), np.int16),
        "chMultiplicity": (charged, np.int16),
        "neMultiplicity": (~charged, np.int16),
        "nElectrons": (kind == 11, np.uint8),
        "nMuons": (kind == 13, np.uint8),
    }
    n = len(clusters.p4)
    return {
        name: np.bincount(clusters.jet[chosen], minlength=n).astype(dtype)
        for name, (chosen, dtype) in counted.items()
    }


def _packed_index(order: Ints, offsets: Ints) -> Ints:
    """The place of each candidate within its event among the packed ones.

    Args:
        order: the candidate, within its event, of each packed one.
        offsets: of the events.
    """
    first = offsets[events_of(offsets)]
    packed = np.empty_like(order)
    packed[first + order] = np.arange(len(order)) - first
    return packed


def _links(clusters: Clusters, packed: Ints) -> ak.Array:
    """Pairs of jet and packed candidate, by jet and candidate."""
    event = events_of(clusters.offsets)[clusters.jet]
    candidate = packed[clusters.constituent]
    order = np.lexsort((candidate, clusters.jet))
    columns = {
        "jetIdx": (clusters.jet - clusters.offsets[event])[order].astype(np.int16),
        "pfCandIdx": candidate[order].astype(np.int16),
    }
    counts = np.bincount(event, minlength=len(clusters.offsets) - 1)
    return jagged(offsets_from(counts), columns)
