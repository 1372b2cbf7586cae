"""Lost tracks: tracks that no particle-flow candidate uses, packed like candidates.

CMSSW: ``PATLostTracks``. Its second collection, the ordinary tracks of electrons, is not needed:
electrons have no other track in the input, and their packed candidates hold it.
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
from sonicmini.modules.packing import columns as packed_columns
from sonicmini.modules.tracks import candidate_tracks
from sonicmini.modules.vertexing.association import DEFAULT_CUTS, AssociationCuts
from sonicmini.modules.vertexing.primary import PrimaryVertexAssociation

_PION_MASS = 0.13957018
_FULL, _FULL_NO_PIXEL, _LOW, _LOW_NO_PIXEL, _IN_V0 = 8, 264, 520, 776, 0  # CMS's schemas


@dataclass(frozen=True, kw_only=True)
class LostTracks(Producer):
    """Packs the tracks that no candidate uses and that are worth it.

    They are of a K0s or Lambda candidate, or have enough hits and pT, or high purity, or a pT above
    ``min_pt_any``. Secondary vertices are made of candidates here: no lost track is in one.

    Attributes:
        min_pt: pT (GeV) that tracks with enough hits exceed.
        min_hits: valid hits of those.
        min_pixel_hits: valid pixel hits of those.
        min_pt_any: pT (GeV) above which hits do not matter.
        min_pt_full: tracks above it (GeV) keep their details in full.
        min_pt_low: tracks above it (GeV) keep them in low quality.
        cuts: of the association with vertices.
    """

    consumes = ("PFCand", "Track", "SlimmedPV", "Muon", "V0")
    produces = ("LostTrack",)
    min_pt: float = 0.95
    min_hits: int = 8
    min_pixel_hits: int = 1
    min_pt_any: float = 2.0
    min_pt_full: float = 0.95
    min_pt_low: float = 0.5
    cuts: AssociationCuts = DEFAULT_CUTS

    def produce(self, inputs: Products) -> Products:
        """Returns tracks in their old order, with columns of packed candidates.

        ``trackIdx`` is the place in ``Track``. The mass is that of a pion, the identity that of a
        pion or of the muon whose inner track it is.
        """
        tracks, vertices = inputs["Track"], inputs["SlimmedPV"]
        in_v0 = _pointed(inputs["V0"], ("trackIdx1", "trackIdx2"), tracks)
        in_muon = _pointed(inputs["Muon"], ("trackIdx",), tracks)
        used = _pointed(inputs["PFCand"], ("trackIdx",), tracks)
        lost = np.flatnonzero(~used & (in_v0 | self._worth_it(tracks)))
        candidates = _as_candidates(tracks, lost, in_muon[lost])

        columns = packed_columns.kinematics(candidates)
        columns |= packed_columns.vertices(self._associated(candidates, inputs), vertices)
        columns |= self._schemas(tracks, lost, in_v0[lost])
        link = candidate_tracks(candidates, tracks)
        columns |= packed_columns.track_details(tracks, link, columns)
        columns["trackIdx"] = flat(candidates, "trackIdx", np.int16)
        return {"LostTrack": jagged(offsets_of(candidates), columns)}

    def _worth_it(self, tracks: ak.Array) -> Bools:
        pt = flat(tracks, "pt")
        hits, pixel_hits = (
            flat(tracks, name, np.int64) for name in ("nValidHits", "nValidPixelHits")
        )
        measured = (hits >= self.min_hits) & (pixel_hits >= self.min_pixel_hits)
        pure = flat(tracks, "isHighPurity", np.bool_)
        worth: Bools = ((pt > self.min_pt) & measured) | pure | (pt > self.min_pt_any)
        return worth

    def _associated(self, candidates: ak.Array, inputs: Products) -> ak.Array:
        """The vertices of lost tracks: as for candidates, but without the step with jets."""
        association = PrimaryVertexAssociation(cuts=self.cuts._replace(max_jet_dxy=-1.0))
        others = {name: inputs[name] for name in ("Track", "SlimmedPV")}
        return association.produce({"PFCand": candidates} | others)["PFCandVertex"]

    def _schemas(self, tracks: ak.Array, lost: Ints, in_v0: Bools) -> Columns:
        pt = flat(tracks, "pt")[lost]
        pixel = flat(tracks, "nValidPixelHits", np.int64)[lost] > 0
        low, full = pt > self.min_pt_low, pt > self.min_pt_full
        schema = np.where(low, np.where(pixel, _LOW, _LOW_NO_PIXEL), 0)
        schema[full] = np.where(pixel[full], _FULL, _FULL_NO_PIXEL)
        schema[in_v0] = _IN_V0
        return {"covarianceSchema": schema.astype(np.int16), "hasTrackDetails": low | full | in_v0}


def _pointed(collection: ak.Array, names: tuple[str, ...], tracks: ak.Array) -> Bools:
    """Tracks that a collection points to."""
    offsets = offsets_of(tracks)
    first = offsets[events_of(offsets_of(collection))]
    pointed = np.zeros(offsets[-1], dtype=np.bool_)
    for name in names:
        index = flat(collection, name, np.int64)
        pointed[(first + index)[index >= 0]] = True
    return pointed


def _as_candidates(tracks: ak.Array, lost: Ints, in_muon: Bools) -> ak.Array:
    """Tracks in the form of particle-flow candidates."""
    offsets = offsets_of(tracks)
    event = events_of(offsets)[lost]
    charge = flat(tracks, "charge", np.int16)[lost]
    columns: Columns = {
        **{name: flat(tracks, name, None)[lost] for name in ("pt", "eta", "phi")},
        "mass": np.full(len(lost), _PION_MASS, dtype=np.float32),
        "pdgId": np.where(in_muon, -13 * charge, 211 * charge).astype(np.int16),
        "charge": charge,
        "trackIdx": (lost - offsets[event]).astype(np.int16),
    }
    return jagged(offsets_from(np.bincount(event, minlength=len(offsets) - 1)), columns)
