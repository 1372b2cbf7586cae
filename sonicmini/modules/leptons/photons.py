"""Photons of the Mini-AOD.

CMSSW: ``ReducedEGProducer``, ``PATPhotonSlimmer``; NanoAOD: ``photons_cff``.
"""

from dataclasses import dataclass

import numpy as np

from sonicmini.event import Products
from sonicmini.module import Producer
from sonicmini.modules.columns import Bools, Columns, Floats, Ints, flat, jagged, offsets_of
from sonicmini.modules.leptons import effective_areas
from sonicmini.modules.leptons.electron_id import BARREL, MAX_ETA
from sonicmini.modules.leptons.isolation import (
    CHARGED,
    NEUTRAL,
    PHOTON,
    Centres,
    Cones,
    aod_surroundings,
    cone_sums,
    cones,
    puppi_columns,
    rho,
)
from sonicmini.modules.leptons.photon_id import cut_based
from sonicmini.modules.leptons.selection import (
    chosen_columns,
    pointed,
    repacked,
    same_supercluster,
    select,
)

_CHARGED_VETO = 0.02
_BARREL_STRIP = 0.015
_ENDCAP_CELLS = 4 * 0.00864  # times sinh of the pseudorapidity: four crystals


@dataclass(frozen=True, kw_only=True)
class SlimmedPhotons(Producer):
    """Selects photons, measures their isolation and identifies them.

    Kept are photons with H/E below ``max_hoe`` above ``min_pt``, and above ``min_pt_isolated`` if
    compact in the calorimeter or isolated from charged hadrons.

    Attributes:
        min_pt: pT (GeV) above which isolation does not matter.
        min_pt_isolated: least pT (GeV).
        max_hoe: of HCAL over ECAL energy.
        min_r9: of compact photons.
        max_charged: isolation (GeV) of isolated ones.
        max_charged_relative: or this times pT.
    """

    consumes = ("Photon", "Electron", "PFCand", "PFCandVertex", "PackedPFCand", "Rho")
    produces = ("SlimmedPhoton",)
    min_pt: float = 14.0
    min_pt_isolated: float = 10.0
    max_hoe: float = 0.15
    min_r9: float = 0.8
    max_charged: float = 20.0
    max_charged_relative: float = 0.3

    def produce(self, inputs: Products) -> Products:
        """Returns the photons by falling pT: the input's columns and those of NanoAOD."""
        photons, packed = inputs["Photon"], inputs["PackedPFCand"]
        offsets, candidates = offsets_of(photons), offsets_of(packed)
        everything = select(flat(photons, "pt"), np.ones(offsets[-1], np.bool_), offsets)
        columns = chosen_columns(photons, everything)
        candidate = pointed(columns["pfCandIdx"], everything, candidates)
        around = aod_surroundings(inputs["PFCand"], inputs["PFCandVertex"])
        sums = cone_sums(around, _centres(columns, everything.event, candidate), _cones(columns))
        columns |= _isolation(columns, sums, rho(inputs["Rho"])[everything.event])

        selection = select(columns["pt"], self._keep(columns, sums), offsets)
        kept, event = selection.chosen, selection.event
        columns = {name: values[kept] for name, values in columns.items()}
        columns |= _identity(columns)
        columns |= repacked(candidate[kept], packed)
        own = pointed(columns["pfCandIdx"].astype(np.int64), selection, candidates)
        columns |= puppi_columns(packed, _centres(columns, event, own), _cones(columns))
        columns["electronIdx"] = same_supercluster(columns, event, inputs["Electron"])
        return {"SlimmedPhoton": jagged(selection.offsets, columns)}

    def _keep(self, photons: Columns, sums: Floats) -> Bools:
        pt, charged = photons["pt"], sums[:, CHARGED]
        isolated = (charged < self.max_charged) | (charged < self.max_charged_relative * pt)
        soft = (pt > self.min_pt_isolated) & ((photons["r9"] > self.min_r9) | isolated)
        keep: Bools = (photons["hoe"] < self.max_hoe) & ((pt > self.min_pt) | soft)
        return keep


def _identity(photons: Columns) -> Columns:
    eta = np.abs(photons["scEta"])
    return {
        "pdgId": np.full(len(eta), 22, dtype=np.int16),
        "isScEtaEB": eta <= BARREL,
        "isScEtaEE": (eta > BARREL) & (eta < MAX_ETA),
        "cutBased": cut_based(photons),
    }


def _centres(photons: Columns, event: Ints, candidate: Ints) -> Centres:
    eta, phi = (photons[name].astype(np.float64) for name in ("eta", "phi"))
    return Centres(eta, phi, event, candidate)


def _cones(photons: Columns) -> Cones:
    """Cones of 0.3 less what may be of the photon itself.

    CMSSW now leaves out what shares cells with the photon, which the input does not tell; these are
    the vetoes that it had before (``PFIsolationEstimator``), besides the photon's own candidate.
    """
    eta = photons["scEta"].astype(np.float64)
    barrel = np.abs(eta) <= BARREL
    veto = np.zeros((len(eta), 4))
    veto[:, CHARGED] = _CHARGED_VETO
    veto[:, PHOTON] = np.where(barrel, 0.0, _ENDCAP_CELLS * np.abs(np.sinh(eta)))
    return cones(np.full(len(eta), 0.3), veto, strip=np.where(barrel, _BARREL_STRIP, 0.0))


def _isolation(photons: Columns, sums: Floats, density: Floats) -> Columns:
    """Each sum less the effective area, and their total relative to pT."""
    eta, pt = photons["scEta"].astype(np.float64), photons["pt"].astype(np.float64)
    areas = effective_areas.PHOTON_CHARGED, effective_areas.PHOTON_NEUTRAL
    charged, neutral, photon = (
        np.maximum(sums[:, kind] - density * area.at(eta), 0.0)
        for kind, area in zip(
            (CHARGED, NEUTRAL, PHOTON), (*areas, effective_areas.PHOTON_PHOTONS), strict=True
        )
    )
    found = {
        "pfChargedIso": charged,
        "pfNeutralIso": neutral,
        "pfPhoIso03": photon,
        "pfRelIso03_chg": charged / pt,
        "pfRelIso03_all": (charged + neutral + photon) / pt,
    }
    return {name: values.astype(np.float32) for name, values in found.items()}
