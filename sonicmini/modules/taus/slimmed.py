"""Taus as Mini-AOD keeps them.

CMSSW: ``selectedPatTaus`` and ``PATTauSlimmer``; the names are NanoAOD's (``tauTable``) where it
has one.
"""

from dataclasses import dataclass

import awkward as ak
import numpy as np

from sonicmini.event import Products
from sonicmini.module import Producer
from sonicmini.modules.columns import (
    Bools,
    Columns,
    Ints,
    events_of,
    flat,
    jagged,
    offsets_from,
    offsets_of,
)
from sonicmini.modules.taus.inputs import delta_phi
from sonicmini.modules.taus.isolation import MAX_ISOLATION

_KEPT = {
    **{name: name for name in ("pt", "eta", "phi", "mass", "charge", "decayMode")},
    "decayModeFinding": "idDecayModeOldDMs",
    "decayModeFindingNewDMs": "idDecayModeNewDMs",
    **{name: name for name in ("dxy", "dxyErr", "dz", "dzErr")},
    **{name: name for name in ("ipDxy", "ipDxyErr", "ip3d", "ip3dErr")},
    "chargedIsoPtSum": "chargedIso",
    "chargedIsoPtSumdR03": "chargedIsodR03",
    "neutralIsoPtSum": "neutralIso",
    "neutralIsoPtSumdR03": "neutralIsodR03",
    "neutralIsoPtSumWeight": "neutralIsoWeight",
    "neutralIsoPtSumWeightdR03": "neutralIsoWeightdR03",
    "puCorrPtSum": "puCorr",
    "byCombinedIsolationDeltaBetaCorrRaw3Hits": "rawIso",
    "rawIsodR03": "rawIsodR03",
    "photonPtSumOutsideSignalCone": "photonsOutsideSignalCone",
    "footprintCorrection": "footprintCorrection",
    **{f"ptWeighted{name}": f"ptWeighted{name}" for name in ("DetaStrip", "DphiStrip")},
    **{f"ptWeighted{name}": f"ptWeighted{name}" for name in ("DrSignal", "DrIso")},
    **{name: name for name in ("nPhotons", "eRatio", "emFraction")},
    "leadingTrackNormChi2": "leadTkNormChi2",
    **{name: name for name in ("hasSecondaryVertex", "svX", "svY", "svZ", "svChi2")},
    **{f"svCov{name}": f"svCov{name}" for name in ("XX", "YY", "ZZ", "XY", "XZ", "YZ")},
    **{f"flightLength{name}": f"flightLength{name}" for name in ("X", "Y", "Z", "Sig")},
    "gjAngleDiff": "gjAngleDiff",
    "pvIdx": "pvIdx",
}
"""Columns of ``HPSTau`` and their names in the output."""


@dataclass(frozen=True, kw_only=True)
class SlimmedTaus(Producer):
    """Keeps taus with a decay mode and links them to packed candidates.

    Attributes:
        min_pt: taus are above it (GeV).
    """

    consumes = ("HPSTau", "HPSTauCand", "PackedPFCand")
    produces = ("SlimmedTau", "TauPFCand")
    min_pt: float = 18.0

    def produce(self, inputs: Products) -> Products:
        """Returns the taus by falling pT, and pairs of tau and candidate by tau and role."""
        taus = inputs["HPSTau"]
        offsets, event = offsets_of(taus), events_of(offsets_of(taus))
        pt = flat(taus, "pt")
        kept = (pt > self.min_pt) & flat(taus, "decayModeFindingNewDMs", np.bool_)
        order = np.lexsort((-pt, event))
        order = order[kept[order]]
        columns = {new: flat(taus, old, None)[order] for old, new in _KEPT.items()}
        columns |= _leading(taus, order)
        columns["idCombinedIso"] = _working_points(taus)[order]
        counts = np.bincount(event[order], minlength=len(offsets) - 1)
        new_offsets = offsets_from(counts)
        place = np.full(len(pt), -1)
        place[order] = np.arange(len(order)) - new_offsets[event[order]]
        links = _packed_links(inputs["HPSTauCand"], inputs["PackedPFCand"], place, offsets)
        return {"SlimmedTau": jagged(new_offsets, columns), "TauPFCand": links}


def _leading(taus: ak.Array, order: Ints) -> Columns:
    """The hardest charged hadron relative to the tau."""
    names = ("pt", "eta", "phi", "leadPt", "leadEta", "leadPhi", "leadEtaAtEcal")
    pt, eta, phi, lead_pt, lead_eta, lead_phi, at_ecal = (flat(taus, name)[order] for name in names)
    return {
        "leadTkPtOverTauPt": lead_pt / pt,
        "leadTkDeltaEta": lead_eta - eta,
        "leadTkDeltaPhi": delta_phi(lead_phi, phi),
        "leadTkEtaAtEcalMinusEta": at_ecal - eta,
    }


def _working_points(taus: ak.Array) -> Ints:
    """Bit i is the i-th working point of the combined isolation, the loosest first."""
    bits = np.zeros(len(flat(taus, "pt")), dtype=np.int64)
    for bit, name in enumerate(MAX_ISOLATION):
        passes: Bools = flat(taus, f"by{name}CombinedIsolationDeltaBetaCorr3Hits", np.bool_)
        bits |= passes.astype(np.int64) << bit
    return bits


def _packed_links(links: ak.Array, packed: ak.Array, place: Ints, tau_offsets: Ints) -> ak.Array:
    """The pairs of kept taus, with candidates counted in packed order.

    Args:
        links: pairs of ``tauIdx``, ``candIdx`` and ``role``.
        packed: candidates with their place before packing.
        place: of each tau among the kept ones of its event, -1 for none.
        tau_offsets: of the events in all taus.
    """
    offsets, event = offsets_of(links), events_of(offsets_of(links))
    cand_offsets = offsets_of(packed)
    new_place = np.empty(cand_offsets[-1], dtype=np.int64)
    cand_event = events_of(cand_offsets)
    first = cand_offsets[cand_event]
    new_place[first + flat(packed, "pfCandIdx", np.int64)] = np.arange(len(first)) - first
    tau = place[tau_offsets[event] + flat(links, "tauIdx", np.int64)]
    kept = np.flatnonzero(tau >= 0)
    kept = kept[np.lexsort((kept, tau[kept], event[kept]))]
    candidate = cand_offsets[event[kept]] + flat(links, "candIdx", np.int64)[kept]
    columns = {
        "tauIdx": tau[kept],
        "pfCandIdx": new_place[candidate],
        "role": flat(links, "role", np.int64)[kept],
    }
    return jagged(offsets_from(np.bincount(event[kept], minlength=len(offsets) - 1)), columns)
