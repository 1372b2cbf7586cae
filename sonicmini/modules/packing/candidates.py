"""Packed particle-flow candidates: what Mini-AOD keeps of the candidates, in its precision.

CMSSW: ``PATPackedCandidateProducer`` and ``pat::PackedCandidate``. The columns hold the numbers of
the output file, so that every module sees what the file holds.
"""

from dataclasses import dataclass

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from sonicmini.event import Products
from sonicmini.module import Producer
from sonicmini.modules.columns import Bools, Columns, Ints, events_of, flat, jagged, offsets_of
from sonicmini.modules.packing import columns as packed_columns
from sonicmini.modules.tracks import CandidateTracks, candidate_tracks

_FULL, _FULL_NO_PIXEL, _LOW, _LOW_NO_PIXEL, _ELECTRON = 8, 264, 520, 776, 0
"""CMS's covariance schemas: which rule a track fell under."""

_ETA_LEVELS = 2**17


@dataclass(frozen=True, kw_only=True)
class PackPFCandidates(Producer):
    """Packs particle-flow candidates and puts them into the order of Mini-AOD.

    Attributes:
        min_pt_full: candidates whose pT or whose track's pT (GeV) is above it keep the details of
            the track in full, as do those of K0s and Lambda candidates.
        min_pt_low: candidates above it (GeV) keep them in low quality.
    """

    consumes = ("PFCand", "Track", "SlimmedPV", "PFCandVertex", "PuppiWeight", "Muon", "V0")
    produces = ("PackedPFCand",)
    min_pt_full: float = 0.95
    min_pt_low: float = 0.5

    def produce(self, inputs: Products) -> Products:
        """Returns the columns of the output's PFCand and ``pfCandIdx``, the place in ``PFCand``."""
        candidates, tracks = inputs["PFCand"], inputs["Track"]
        offsets = offsets_of(candidates)
        link = candidate_tracks(candidates, tracks)
        columns = packed_columns.kinematics(candidates)
        columns |= packed_columns.vertices(inputs["PFCandVertex"], inputs["SlimmedPV"])
        columns |= packed_columns.puppi(inputs["PuppiWeight"])
        columns |= packed_columns.calorimeters(candidates)
        columns |= packed_columns.muons(inputs["Muon"], offsets)
        columns |= packed_columns.track_kinematics(candidates, tracks, link)
        columns |= self._schemas(columns, inputs, link)
        columns |= packed_columns.track_details(tracks, link, columns)
        columns["pfCandIdx"] = (np.arange(offsets[-1]) - offsets[events_of(offsets)]).astype(
            np.int16
        )
        order = packed_order(columns, offsets)
        ordered = {name: values.take(order) for name, values in columns.items()}
        return {"PackedPFCand": jagged(offsets, ordered)}

    def _schemas(self, columns: Columns, inputs: Products, link: CandidateTracks) -> Columns:
        """Which candidates keep track details, and in which of CMS's schemas."""
        i = link.candidate
        track_pt = columns["pt"][i] + columns["dTrkPt"][i]
        full = (columns["pt"][i] > self.min_pt_full) | (track_pt > self.min_pt_full)
        full |= self._displaced(inputs, link)
        low = ~full & (columns["pt"][i] > self.min_pt_low)
        pixel = flat(inputs["Track"], "nValidPixelHits", np.int64)[link.track] > 0
        schema = np.where(full, np.where(pixel, _FULL, _FULL_NO_PIXEL), 0)
        schema[full & (np.abs(columns["pdgId"][i]) == 11)] = _ELECTRON
        schema[low] = np.where(pixel[low], _LOW, _LOW_NO_PIXEL)
        result = {"covarianceSchema": np.zeros(len(columns["pt"]), dtype=np.int16)}
        result["hasTrackDetails"] = np.zeros(len(columns["pt"]), dtype=np.bool_)
        result["covarianceSchema"][i] = schema
        result["hasTrackDetails"][i] = full | low
        return result

    def _displaced(self, inputs: Products, link: CandidateTracks) -> Bools:
        """Candidates that keep full details whatever their pT."""
        return _in_v0(inputs["V0"], offsets_of(inputs["Track"]), link)


@dataclass(frozen=True, kw_only=True)
class PackPFCandidatesWithSV(PackPFCandidates):
    """The same in a job that finds secondary vertices: their candidates keep full details, too.

    This is what CMS does.
    """

    consumes = (*PackPFCandidates.consumes, "InclusiveSVCand")  # type: ignore[assignment]  # longer

    def _displaced(self, inputs: Products, link: CandidateTracks) -> Bools:
        used = _in_vertex(inputs["InclusiveSVCand"], offsets_of(inputs["PFCand"]), link)
        return super()._displaced(inputs, link) | used


def _in_v0(v0: ak.Array, track_offsets: Ints, link: CandidateTracks) -> Bools:
    """Tracks of K0s and Lambda candidates."""
    first = track_offsets[events_of(offsets_of(v0))]
    used = [first + flat(v0, name, np.int64) for name in ("trackIdx1", "trackIdx2")]
    return np.isin(link.track, np.concatenate(used))


def _in_vertex(used: ak.Array, offsets: Ints, link: CandidateTracks) -> Bools:
    """Candidates of secondary vertices."""
    candidate = offsets[events_of(offsets_of(used))] + flat(used, "candIdx", np.int64)
    return np.isin(link.candidate, candidate)


def _eta_level(eta: NDArray[np.float32]) -> Ints:
    """The multiple of the grid that a packed pseudorapidity is."""
    outermost = _ETA_LEVELS // 2 - 1
    levels: Ints = np.rint(eta * np.float32(2**packed_columns.ETA_BITS)).astype(np.int64)
    return np.clip(levels, -outermost, outermost)


def packed_order(columns: Columns, offsets: Ints) -> Ints:
    """CMS's order of packed candidates, as positions among the candidates of all events.

    Charged before neutral; with track details before without; larger schemas first; by vertex;
    by falling pseudorapidity. Equal ones keep their order.

    Args:
        columns: of the packed candidates in any order.
        offsets: of the events.
    """
    key = events_of(offsets)
    for column, size in (
        (columns["charge"] == 0, 2),
        (~columns["hasTrackDetails"], 2),
        (1023 - columns["covarianceSchema"].astype(np.int64), 1024),
        (columns["pvIdx"].astype(np.int64) + 1, 2**15),
        (_ETA_LEVELS // 2 - _eta_level(columns["eta"]), _ETA_LEVELS),
    ):
        key = key * size + column
    return np.argsort(key, kind="stable")
