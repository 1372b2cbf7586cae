"""Muons of the Mini-AOD.

CMSSW: ``PATMuonProducer``, ``PATMuonSlimmer``; NanoAOD: ``muons_cff``.
"""

from dataclasses import dataclass

import awkward as ak
import numpy as np

from sonicmini.event import Products
from sonicmini.module import Producer
from sonicmini.modules.columns import Bools, Columns, Floats, Ints, flat, jagged, offsets_of
from sonicmini.modules.leptons import effective_areas
from sonicmini.modules.leptons.impact import beam_spot_dxy, impact_parameters
from sonicmini.modules.leptons.isolation import (
    CHARGED,
    Centres,
    aod_surroundings,
    combined_puppi,
    cone_sums,
    cones,
    less_area,
    less_half_pileup,
    mini_radius,
    packed_surroundings,
    puppi_columns,
    rho,
)
from sonicmini.modules.leptons.muon_id import isolation_ids, muon_ids
from sonicmini.modules.leptons.selection import (
    Selection,
    chosen_columns,
    pointed,
    repacked,
    select,
)
from sonicmini.modules.leptons.track_isolation import MUON_CONE, track_sums
from sonicmini.modules.tracks import track_columns

_VETO = (0.0001, 0.01, 0.01, 0.01)
_THRESHOLD = 0.5
_OF_TRACKS = ("nValidHits", "nLostInnerHits")


@dataclass(frozen=True, kw_only=True)
class SlimmedMuons(Producer):
    """Selects muons, measures their impact parameters and isolation, and identifies them.

    Kept are muons of particle flow, those above ``min_pt``, and those above ``min_pt_matched`` that
    are global, stand-alone or have a segment.

    Attributes:
        min_pt: pT (GeV) above which every muon is kept.
        min_pt_matched: pT (GeV) above which those are that were seen in the chambers.
    """

    consumes = (
        *("Muon", "Track", "BeamSpot", "SlimmedPV", "PFCand", "PFCandVertex", "PackedPFCand"),
        "Rho",
    )
    produces = ("SlimmedMuon",)
    min_pt: float = 5.0
    min_pt_matched: float = 3.0

    def produce(self, inputs: Products) -> Products:
        """Returns the muons by falling pT: the input's columns and those of NanoAOD."""
        muons, tracks = inputs["Muon"], inputs["Track"]
        selection = self._select(muons)
        index = flat(muons, "trackIdx", np.int64)[selection.chosen]
        track = pointed(index, selection, offsets_of(tracks))
        index = flat(muons, "pfCandIdx", np.int64)[selection.chosen]
        candidate = pointed(index, selection, offsets_of(inputs["PFCand"]))

        columns = chosen_columns(muons, selection, "trackIdx", "pfCandIdx")
        columns["pdgId"] = (-13 * columns["charge"]).astype(np.int16)
        columns |= impact_parameters(tracks, inputs["SlimmedPV"], track, selection.event)
        columns |= beam_spot_dxy(tracks, inputs["BeamSpot"], track, selection.event)
        columns |= _inner_track(tracks, track, columns["pt"])
        columns |= _isolation(inputs, columns, selection)
        sums = track_sums(tracks, inputs["BeamSpot"], track, MUON_CONE)
        columns["tkRelIso"] = (sums / columns["pt"]).astype(np.float32)
        columns |= muon_ids(columns)
        columns |= isolation_ids(columns)
        columns |= repacked(candidate, inputs["PackedPFCand"])
        for name in _OF_TRACKS:
            del columns[name]
        return {"SlimmedMuon": jagged(selection.offsets, columns)}

    def _select(self, muons: ak.Array) -> Selection:
        pt = flat(muons, "pt")
        flags = ("isGlobal", "isStandalone", "isPFcand")
        is_global, is_standalone, is_pf = (flat(muons, name, np.bool_) for name in flags)
        matched: Bools = is_global | is_standalone | (flat(muons, "nStations", np.int64) > 0)
        keep = (pt > self.min_pt) | is_pf | ((pt > self.min_pt_matched) & matched)
        return select(pt, keep, offsets_of(muons))


def _inner_track(tracks: ak.Array, track: Ints, pt: Floats) -> Columns:
    """Columns of the inner tracks; 0 and the errors -1 without."""
    known = np.flatnonzero(track >= 0)
    at = track[known]
    pixel, strip = (flat(tracks, name, np.int64)[at] for name in ("nPixelLayers", "nStripLayers"))
    found = {
        "ptErr": track_columns(tracks, at, offsets_of(tracks)).pt_err,
        "nTrackerLayers": pixel + strip,
        "nPixelLayers": pixel,
        "nPixelHits": flat(tracks, "nValidPixelHits", None)[at],
        "highPurity": flat(tracks, "isHighPurity", np.bool_)[at],
        **{name: flat(tracks, name, None)[at] for name in _OF_TRACKS},
    }
    columns: Columns = {}
    for name, values in found.items():
        dtype = {"ptErr": np.float32, "highPurity": np.bool_}.get(name, np.uint8)
        columns[name] = np.full(len(track), -1 if name == "ptErr" else 0, dtype=dtype)
        columns[name][known] = values
    precise = (columns["ptErr"] >= 0) & (columns["ptErr"] < 0.2 * pt)
    columns["tightCharge"] = np.where(precise, 2, 0).astype(np.uint8)
    return columns


def _isolation(inputs: Products, muons: Columns, selection: Selection) -> Columns:
    """PF isolation with delta beta, mini-isolation with effective areas, PUPPI isolations."""
    pt, eta, phi = (muons[name].astype(np.float64) for name in ("pt", "eta", "phi"))
    # As in CMSSW a muon's own candidate is left out by the vetoes, or as muons do not count.
    centres = Centres(eta, phi, selection.event, np.full(len(pt), -1))
    packed = packed_surroundings(inputs["PackedPFCand"])
    around = aod_surroundings(inputs["PFCand"], inputs["PFCandVertex"])
    mini = mini_radius(pt)
    small, large, tiny = (
        cone_sums(of, centres, cones(radius, np.array(_VETO), _THRESHOLD))
        for of, radius in (
            (around, np.full(len(pt), 0.3)),
            (around, np.full(len(pt), 0.4)),
            (packed, mini),
        )
    )
    area = effective_areas.MUON.at(eta, mini) * rho(inputs["Rho"])[selection.event]
    relative = {
        "pfRelIso03_chg": small[:, CHARGED],
        "pfRelIso03_all": less_half_pileup(small),
        "pfRelIso04_all": less_half_pileup(large),
        "miniPFRelIso_chg": tiny[:, CHARGED],
        "miniPFRelIso_all": less_area(tiny, area),
    }
    columns: Columns = {name: (sums / pt).astype(np.float32) for name, sums in relative.items()}
    within = cones(np.full(len(pt), 0.4), np.array(_VETO))
    columns |= puppi_columns(inputs["PackedPFCand"], centres, within)
    combined = combined_puppi(inputs["PackedPFCand"], centres, within)
    return columns | {"puppiRelIso04": (combined / pt).astype(np.float32)}
