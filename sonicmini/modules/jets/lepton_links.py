"""Which muons and electrons are part of which jet, both ways, as in NanoAOD.

CMSSW: ``linkedObjects`` (``PhysicsTools/NanoAOD``): a lepton belongs to the jet that has its
candidate as a constituent.
"""

from dataclasses import dataclass

import awkward as ak
import numpy as np

from sonicmini.event import Products
from sonicmini.module import Producer
from sonicmini.modules.columns import (
    Columns,
    Ints,
    events_of,
    flat,
    jagged,
    offsets_from,
    offsets_of,
)


@dataclass(frozen=True, kw_only=True)
class JetLeptonLinks(Producer):
    """Links AK4 PUPPI jets with the leptons among their constituents."""

    consumes = ("Jet", "JetPFCand", "SlimmedMuon", "SlimmedElectron", "PackedPFCand")
    produces = ("JetLeptons", "MuonJet", "ElectronJet")

    def produce(self, inputs: Products) -> Products:
        """Returns columns parallel to the jets, the muons and the electrons, -1 for none.

        ``muonIdx1``, ``muonIdx2``, ``electronIdx1``, ``electronIdx2``: the first two of a jet;
        ``jetIdx``: the jet of a lepton.
        """
        jet_offsets, packed_offsets = offsets_of(inputs["Jet"]), offsets_of(inputs["PackedPFCand"])
        owner = owners(inputs["JetPFCand"], packed_offsets)
        products: dict[str, ak.Array] = {}
        of_jets: Columns = {}
        for name, product in (("muon", "MuonJet"), ("electron", "ElectronJet")):
            leptons = inputs[f"Slimmed{name.capitalize()}"]
            offsets = offsets_of(leptons)
            candidate = flat(leptons, "pfCandIdx", np.int64)
            first = packed_offsets[events_of(offsets)]
            jet = owner[np.where(candidate >= 0, first + candidate, -1)]
            products[product] = jagged(offsets, {"jetIdx": jet.astype(np.int16)})
            of_jets |= first_two(name, jet, offsets, jet_offsets)
        return products | {"JetLeptons": jagged(jet_offsets, of_jets)}


def owners(links: ak.Array, offsets: Ints) -> Ints:
    """The jet of each packed candidate within its event, -1 for none, and one -1 more at the end.

    Args:
        links: pairs ``jetIdx`` and ``pfCandIdx``.
        offsets: of the events in the packed candidates.
    """
    owner = np.full(offsets[-1] + 1, -1)
    place = offsets[events_of(offsets_of(links))] + flat(links, "pfCandIdx", np.int64)
    owner[place] = flat(links, "jetIdx", np.int64)
    return owner


def first_two(name: str, jet: Ints, offsets: Ints, jet_offsets: Ints) -> Columns:
    """Columns ``nameIdx1`` and ``nameIdx2`` of the jets: their first two leptons in the event.

    Args:
        name: of the kind of leptons.
        jet: of each lepton within its event, -1 for none.
        offsets: of the events in the leptons.
        jet_offsets: of the events in the jets.
    """
    event = events_of(offsets)
    lepton = np.flatnonzero(jet >= 0)
    of_all = (jet_offsets[event] + jet)[lepton]
    order = np.argsort(of_all, kind="stable")
    lepton, of_all = lepton[order], of_all[order]
    first = offsets_from(np.bincount(of_all, minlength=jet_offsets[-1]))
    rank = np.arange(len(of_all)) - first[of_all]
    columns: Columns = {}
    for k in (1, 2):
        column = np.full(jet_offsets[-1], -1, dtype=np.int16)
        chosen = rank == k - 1
        column[of_all[chosen]] = (lepton - offsets[event[lepton]])[chosen]
        columns[f"{name}Idx{k}"] = column
    return columns
