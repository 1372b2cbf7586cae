"""Electrons of the Mini-AOD.

CMSSW: ``PATElectronProducer``, ``PATElectronSlimmer``; NanoAOD: ``electrons_cff``.
"""

from dataclasses import dataclass

import numpy as np

from sonicmini.event import Products
from sonicmini.module import Producer
from sonicmini.modules.columns import Bools, Columns, Floats, flat, jagged, offsets_of
from sonicmini.modules.leptons import effective_areas
from sonicmini.modules.leptons.electron_id import BARREL, cut_based
from sonicmini.modules.leptons.impact import impact_parameters
from sonicmini.modules.leptons.isolation import (
    CHARGED,
    Centres,
    aod_surroundings,
    cone_sums,
    cones,
    less_area,
    mini_radius,
    packed_surroundings,
    puppi_columns,
    rho,
)
from sonicmini.modules.leptons.selection import (
    Selection,
    chosen_columns,
    pointed,
    repacked,
    same_supercluster,
    select,
)
from sonicmini.modules.leptons.track_isolation import ELECTRON_CONE, track_sums

_VETO_BARREL = (0.0, 0.0, 0.0, 0.0)
_VETO_ENDCAP = (0.015, 0.0, 0.08, 0.015)
_DROPPED = (
    *("sieie", "sipip", "r9", "fbrem", "dr03TkSumPt"),
    *("pfRelIso03_chg", "pfRelIso03_all", "miniPFRelIso_chg", "miniPFRelIso_all"),
    *("puppiChargedHadronIso", "puppiNeutralHadronIso", "puppiPhotonIso"),
)
"""What CMS drops of electrons of low pT."""


@dataclass(frozen=True, kw_only=True)
class SlimmedElectrons(Producer):
    """Measures impact parameters and isolation of all electrons, and identifies them.

    Attributes:
        min_pt_details: below this pT (GeV) shapes and isolations are dropped, that is 0.
    """

    consumes = (
        *("Electron", "Track", "BeamSpot", "SlimmedPV", "PFCand", "PFCandVertex", "PackedPFCand"),
        *("Rho", "SlimmedPhoton"),
    )
    produces = ("SlimmedElectron",)
    min_pt_details: float = 5.0

    def produce(self, inputs: Products) -> Products:
        """Returns the electrons by falling pT: the input's columns and those of NanoAOD."""
        electrons, tracks = inputs["Electron"], inputs["Track"]
        offsets = offsets_of(electrons)
        selection = select(flat(electrons, "pt"), np.ones(offsets[-1], np.bool_), offsets)
        index = flat(electrons, "trackIdx", np.int64)[selection.chosen]
        track = pointed(index, selection, offsets_of(tracks))
        index = flat(electrons, "pfCandIdx", np.int64)[selection.chosen]
        candidate = pointed(index, selection, offsets_of(inputs["PFCand"]))
        density = rho(inputs["Rho"])[selection.event]

        columns = chosen_columns(electrons, selection, "trackIdx", "pfCandIdx")
        columns |= _derived(columns)
        columns["isPFcand"] = candidate >= 0
        columns |= impact_parameters(tracks, inputs["SlimmedPV"], track, selection.event)
        columns |= _isolation(inputs, columns, selection, density)
        sums = track_sums(tracks, inputs["BeamSpot"], track, ELECTRON_CONE)
        columns["dr03TkSumPt"] = sums.astype(np.float32)
        columns["cutBased"] = cut_based(columns, density)
        details = columns["pt"] >= self.min_pt_details
        columns |= {name: np.where(details, columns[name], np.float32(0)) for name in _DROPPED}
        columns |= repacked(candidate, inputs["PackedPFCand"])
        photons = inputs["SlimmedPhoton"]
        columns["photonIdx"] = same_supercluster(columns, selection.event, photons)
        return {"SlimmedElectron": jagged(selection.offsets, columns)}


def _derived(electrons: Columns) -> Columns:
    energy = electrons["scEnergy"].astype(np.float64)
    transverse = energy / np.cosh(electrons["scEta"].astype(np.float64))
    return {
        "pdgId": (-11 * electrons["charge"]).astype(np.int16),
        "deltaEtaSC": electrons["scEta"] - electrons["eta"],
        "scEtOverPt": (transverse / electrons["pt"] - 1).astype(np.float32),
    }


def _isolation(
    inputs: Products, electrons: Columns, selection: Selection, density: Floats
) -> Columns:
    """PF isolation and mini-isolation with effective areas, PUPPI isolation."""
    pt, eta, phi, sc_eta = (
        electrons[name].astype(np.float64) for name in ("pt", "eta", "phi", "scEta")
    )
    # As in CMSSW an electron's own candidate is an electron, which does not count.
    centres = Centres(eta, phi, selection.event, np.full(len(pt), -1))
    barrel: Bools = np.abs(sc_eta) <= BARREL
    veto = np.where(barrel[:, np.newaxis], _VETO_BARREL, _VETO_ENDCAP)
    cone, mini = cones(np.full(len(pt), 0.3), veto), cones(mini_radius(pt), veto)
    around = aod_surroundings(inputs["PFCand"], inputs["PFCandVertex"])
    sums = cone_sums(around, centres, cone)
    tiny = cone_sums(packed_surroundings(inputs["PackedPFCand"]), centres, mini)
    area = effective_areas.ELECTRON
    relative = {
        "pfRelIso03_chg": sums[:, CHARGED],
        "pfRelIso03_all": less_area(sums, density * area.at(sc_eta)),
        "miniPFRelIso_chg": tiny[:, CHARGED],
        "miniPFRelIso_all": less_area(tiny, density * area.at(sc_eta, mini.radius)),
    }
    columns: Columns = {name: (total / pt).astype(np.float32) for name, total in relative.items()}
    return columns | puppi_columns(inputs["PackedPFCand"], centres, cone)
