"""Event filters: flags of events whose missing momentum is likely to be a fault.

CMSSW: ``RecoMET/METFilters`` and the paths of ``metFilterPaths_cff``. Filters on noise, dead cells
and beam halo need cells, pulse shapes and hits that the input does not have: ``docs/skim.md``.
"""

from dataclasses import dataclass

import awkward as ak
import numpy as np

from sonicmini.event import Products
from sonicmini.module import Producer
from sonicmini.modules.columns import (
    Bools,
    Floats,
    events_of,
    flat,
    offsets_from,
    offsets_of,
    single,
)
from sonicmini.modules.tracks import Tracks, track_columns, vertex_columns
from sonicmini.modules.vertexing.primary import impact_parameters


@dataclass(frozen=True, kw_only=True)
class GoodVertexCut:
    """What a vertex of a collision has at least; lengths in cm (CMSSW: ``primaryVertexFilter``)."""

    min_ndof: float = 4.0
    max_abs_z: float = 24.0
    max_rho: float = 2.0


@dataclass(frozen=True, kw_only=True)
class BadMuonCut:
    """Which global muons are suspect (CMSSW: ``BadParticleFilter``).

    Attributes:
        min_pt: of the muon or its inner track (GeV).
        segment_compatibility: a better one frees the muon if its track is well measured,
        track_error: with a relative error of pT below this.
        min_dz: distance to the leading vertex along the beam (cm) that ``BadPFMuonDzFilter`` asks
            for besides.
    """

    min_pt: float = 100.0
    segment_compatibility: float = 0.3
    track_error: float = 1.0
    min_dz: float = 0.5


GOOD_VERTEX, BAD_MUON = GoodVertexCut(), BadMuonCut()
"""CMS's."""


@dataclass(frozen=True, kw_only=True)
class EventFilters(Producer):
    """Flags of events; true is good.

    The filters on muons look at muons of every tracking step: CMSSW at those of the muon-seeded
    one only, which the input does not tell. A candidate belongs to a muon by index, in CMSSW by
    direction and pT.

    Attributes:
        vertex: a good one.
        muon: a suspect one.
    """

    consumes = ("SlimmedPV", "Muon", "Track", "PFCand")
    produces = ("Flag",)
    vertex: GoodVertexCut = GOOD_VERTEX
    muon: BadMuonCut = BAD_MUON

    def produce(self, inputs: Products) -> Products:
        """Returns one flag for each filter, and ``METFilters``, all of them together."""
        muons, candidates = inputs["Muon"], inputs["PFCand"]
        suspect, far = self._bad_tracks(inputs)
        is_pf = _is_pf_muon(muons, candidates, self.muon.min_pt)
        stolen = _is_hadron_too(muons, candidates, inputs["Track"])
        stolen &= ~flat(muons, "isPFcand", np.bool_)
        flags = {
            "goodVertices": has_good_vertex(inputs["SlimmedPV"], self.vertex),
            "BadPFMuonFilter": _none(suspect & is_pf, muons),
            "BadPFMuonDzFilter": _none(suspect & is_pf & far, muons),
            "BadChargedCandidateFilter": _none(suspect & stolen, muons),
        }
        flags["METFilters"] = np.logical_and.reduce(list(flags.values()))
        return {"Flag": single(flags)}

    def _bad_tracks(self, inputs: Products) -> tuple[Bools, Bools]:
        """Muons that are suspect, and those far from the leading vertex along the beam."""
        muons, offsets = inputs["Muon"], offsets_of(inputs["Muon"])
        tracked = flat(muons, "trackIdx", np.int64) >= 0
        event = events_of(offsets)[tracked]
        index = offsets_of(inputs["Track"])[event] + flat(muons, "trackIdx", np.int64)[tracked]
        counts = np.bincount(event, minlength=len(offsets) - 1)
        tracks = track_columns(inputs["Track"], index, offsets_from(counts))
        suspect, far = np.zeros_like(tracked), np.zeros_like(tracked)
        suspect[tracked] = _is_suspect(muons, tracked, tracks, self.muon)
        dz = _distance_to_first_vertex(tracks, inputs["SlimmedPV"])
        far[tracked] = np.abs(dz) > self.muon.min_dz
        return suspect, far


def has_good_vertex(vertices: ak.Array, cut: GoodVertexCut) -> Bools:
    """Whether any vertex passes, shape ``(events,)``."""
    x, y, z, ndof = (flat(vertices, name) for name in ("x", "y", "z", "ndof"))
    good = ~flat(vertices, "isFake", np.bool_) & (ndof > cut.min_ndof)
    good &= (np.abs(z) <= cut.max_abs_z) & (np.hypot(x, y) <= cut.max_rho)
    return ~_none(good, vertices)


def _none(chosen: Bools, collection: ak.Array) -> Bools:
    """Events without a chosen object."""
    offsets = offsets_of(collection)
    counts = np.bincount(events_of(offsets)[chosen], minlength=len(offsets) - 1)
    return np.asarray(counts == 0)


def _is_suspect(muons: ak.Array, tracked: Bools, tracks: Tracks, cut: BadMuonCut) -> Bools:
    """Of the muons with a track, global ones of high pT that nothing supports."""
    pt, compatibility = flat(muons, "pt")[tracked], flat(muons, "segmentComp")[tracked]
    supported = compatibility > cut.segment_compatibility
    supported &= tracks.pt_err < cut.track_error * tracks.pt
    high = np.maximum(pt, tracks.pt) >= cut.min_pt
    return np.asarray(flat(muons, "isGlobal", np.bool_)[tracked] & high & ~supported)


def _distance_to_first_vertex(tracks: Tracks, vertices: ak.Array) -> Floats:
    """Along the beam (cm), in each track's plane; to the origin in events without vertex."""
    columns = vertex_columns(vertices)
    event = events_of(tracks.offsets)
    exists = np.diff(columns.offsets)[event] > 0
    return impact_parameters(tracks, columns, np.where(exists, columns.offsets[event], -1))[1]


def _is_pf_muon(muons: ak.Array, candidates: ak.Array, min_pt: float) -> Bools:
    """Whether the muon's candidate is a muon of so much pT."""
    index = flat(muons, "pfCandIdx", np.int64)
    place = np.maximum(offsets_of(candidates)[events_of(offsets_of(muons))] + index, 0)
    pdg_id, pt = flat(candidates, "pdgId", np.int64), flat(candidates, "pt")
    is_muon = np.append((np.abs(pdg_id) == 13) & (pt > min_pt), values=False)
    return np.asarray((index >= 0) & is_muon[place])


def _of_hadrons(candidates: ak.Array, tracks: ak.Array) -> Bools:
    """Of all tracks, those that a charged hadron was made of, and False for none at the end."""
    offsets = offsets_of(tracks)
    hadron = np.flatnonzero(np.abs(flat(candidates, "pdgId", np.int64)) == 211)
    index = flat(candidates, "trackIdx", np.int64)[hadron]
    event = events_of(offsets_of(candidates))[hadron]
    result = np.zeros(offsets[-1] + 1, dtype=np.bool_)
    result[(offsets[event] + index)[index >= 0]] = True
    return result


def _is_hadron_too(muons: ak.Array, candidates: ak.Array, tracks: ak.Array) -> Bools:
    """Whether a charged hadron was made of the muon's track."""
    index = flat(muons, "trackIdx", np.int64)
    first = offsets_of(tracks)[events_of(offsets_of(muons))]
    return _of_hadrons(candidates, tracks)[np.where(index >= 0, first + index, -1)]
