"""Jets as missing momentum sees them: without muons, with their electromagnetic fraction.

CMSSW: ``PFJetMETcorrInputProducerT`` of ``JetMETCorrections/Type1MET``.
"""

from collections.abc import Sequence
from typing import NamedTuple

import awkward as ak
import numpy as np

from sonicmini.event import Products
from sonicmini.modules.columns import Bools, Floats, Ints, events_of, flat, momenta, offsets_of
from sonicmini.modules.met.raw import momenta_of, summed


class MetJets(NamedTuple):
    """Jets of all events, each column of shape ``(jets,)``; GeV.

    Attributes:
        p4: px, py, pz, E, uncorrected, shape ``(jets, 4)``.
        no_muons: the same less its global and stand-alone muons.
        em_fraction: part of electrons, photons and electromagnetic forward candidates in its
            uncorrected energy.
        has_lepton: an electron or a muon above a threshold is among its constituents.
        factor: correction to the momentum, all levels.
        l1_factor: its first level, the subtraction of pileup.
        uncertainty: relative, of the correction.
        pt_resolution: relative resolution of the corrected pT.
        phi_resolution: resolution of the azimuth (rad).
        offsets: of the events, shape ``(events + 1,)``.
        jet: the jet of each pair of jet and constituent.
        candidate: the constituent, among the candidates of all events.
    """

    p4: Floats
    no_muons: Floats
    em_fraction: Floats
    has_lepton: Bools
    factor: Floats
    l1_factor: Floats
    uncertainty: Floats
    pt_resolution: Floats
    phi_resolution: Floats
    offsets: Ints
    jet: Ints
    candidate: Ints

    @property
    def pt(self) -> Floats:
        """Transverse momentum, uncorrected."""
        return np.hypot(self.p4[:, 0], self.p4[:, 1])

    def members(self, jets: Bools) -> Bools:
        """Pairs of jet and constituent that belong to the jets of a mask."""
        return jets[self.jet]


def met_jets(
    inputs: Products, names: Sequence[str], weight: Floats, *, lepton_pt_min: float
) -> MetJets:
    """Reads jets with their constituents and corrections.

    Args:
        inputs: products, among them ``PFCand`` and ``Muon``.
        names: of the jets, of their links to the candidates and of their corrections.
        weight: that candidates have in the jets, shape ``(candidates,)``.
        lepton_pt_min: of the leptons that mark a jet (GeV).
    """
    jets, links, corrections = (inputs[name] for name in names)
    candidates = inputs["PFCand"]
    p4, event = momenta(jets), events_of(offsets_of(links))
    jet = flat(links, "jetIdx", np.int64) + offsets_of(jets)[event]
    candidate = flat(links, "candIdx", np.int64) + offsets_of(candidates)[event]

    identity = np.abs(flat(candidates, "pdgId", None))[candidate]
    electromagnetic = (identity == 22) | (identity == 11) | (identity == 2)
    energy = momenta_of(candidates, candidate[electromagnetic])[:, 3]
    energy *= weight[candidate[electromagnetic]]
    em_energy = summed(energy, jet[electromagnetic], len(p4))

    muon = good_muons(inputs["Muon"], candidates)[candidate]
    of_muons = momenta_of(candidates, candidate[muon]) * weight[candidate[muon], np.newaxis]
    no_muons = p4.copy()
    np.subtract.at(no_muons, jet[muon], of_muons)
    with_lepton = jet[leptons(candidates, lepton_pt_min)[candidate]]
    return MetJets(
        p4=p4,
        no_muons=no_muons,
        em_fraction=em_energy / p4[:, 3],
        has_lepton=np.bincount(with_lepton, minlength=len(p4)) > 0,
        factor=flat(corrections, "factor"),
        l1_factor=flat(corrections, "l1Factor"),
        uncertainty=flat(corrections, "uncertainty"),
        pt_resolution=flat(corrections, "ptResolution"),
        phi_resolution=flat(corrections, "phiResolution"),
        offsets=offsets_of(jets),
        jet=jet,
        candidate=candidate,
    )


def leptons(candidates: ak.Array, pt_min: float) -> Bools:
    """Candidates identified as electrons or muons above a pT (GeV), shape ``(candidates,)``."""
    identity = np.abs(flat(candidates, "pdgId", None))
    found: Bools = (identity == 11) | (identity == 13)
    return found & (flat(candidates, "pt", None) > pt_min)


def good_muons(muons: ak.Array, candidates: ak.Array) -> Bools:
    """Candidates that are a global or a stand-alone muon, shape ``(candidates,)``.

    Args:
        muons: jagged, with ``pfCandIdx``, -1 for none.
        candidates: jagged.
    """
    index = flat(muons, "pfCandIdx", np.int64)
    good = flat(muons, "isGlobal", bool) | flat(muons, "isStandalone", bool)
    good &= index >= 0
    offsets = offsets_of(candidates)
    found = np.zeros(int(offsets[-1]), dtype=bool)
    found[index[good] + offsets[events_of(offsets_of(muons))[good]]] = True
    return found
