"""K0s and Lambda as they are stored (CMSSW: ``slimmedKshortVertices``, ``slimmedLambdaVertices``).

The input has no errors of their vertices: they are made here from the two tracks.
"""

from dataclasses import dataclass

import awkward as ak
import numpy as np

from sonicmini.event import Products
from sonicmini.module import Producer
from sonicmini.modules.columns import Columns, Floats, Ints, events_of, flat, jagged, offsets_of
from sonicmini.modules.tracks import candidate_tracks
from sonicmini.modules.vertexing.charged import first_vertices
from sonicmini.modules.vertexing.description import flight
from sonicmini.modules.vertexing.distances import Positions, inverse
from sonicmini.modules.vertexing.helix import helices_of, linearise
from sonicmini.modules.vertexing.packed import packed_places
from sonicmini.modules.vertexing.secondary import positions_of_events

_UNKNOWN = 1e6  # cm2: variance of a vertex without tracks


@dataclass(frozen=True, kw_only=True)
class SlimmedV0s(Producer):
    """The K0s and Lambda candidates of the input with their flight from PV 0."""

    consumes = ("V0", "Track", "PFCand", "SlimmedPV", "PackedPFCand")
    produces = ("SlimmedV0",)

    def produce(self, inputs: Products) -> Products:
        """Returns the candidates; cm, radian.

        ``dlen`` and ``dxy`` are the flight length from PV 0 in space and across the beam,
        ``dlenSig`` and ``dxySig`` the same over their errors, ``pAngle`` the angle between flight
        and momentum, all 0 in events without a vertex. ``pfCandIdx1`` and ``pfCandIdx2`` are the
        packed candidates of the positive and the negative track, -1 for a track of no candidate.
        """
        v0, tracks = inputs["V0"], inputs["Track"]
        offsets = offsets_of(v0)
        event = events_of(offsets)
        names = [name for name in v0.fields if not name.startswith("trackIdx")]
        columns: Columns = {name: flat(v0, name, None) for name in names}
        daughters = [flat(v0, name, np.int64) for name in ("trackIdx1", "trackIdx2")]
        first = offsets_of(tracks)[event]
        index = [np.where(daughter >= 0, first + daughter, -1) for daughter in daughters]

        pv = positions_of_events(first_vertices(inputs["SlimmedPV"]), event)
        point = np.stack([flat(v0, name) for name in ("x", "y", "z")], axis=1)
        at = Positions(point, two_track_covariance(tracks, point, (index[0], index[1])))
        has_vertex = np.diff(offsets_of(inputs["SlimmedPV"]))[event] > 0
        for name, values in flight(pv, at, _momentum(v0)).items():
            columns[name] = np.where(has_vertex, values, 0.0)
        candidate = _candidate_of_track(inputs["PFCand"], tracks)
        for name, track in zip(("pfCandIdx1", "pfCandIdx2"), index, strict=True):
            columns[name] = packed_places(inputs["PackedPFCand"], event, candidate[track])
        return {"SlimmedV0": jagged(offsets, columns)}


def two_track_covariance(tracks: ak.Array, point: Floats, pair: tuple[Ints, Ints]) -> Floats:
    """The covariances (cm2) of vertices of two tracks each, shape ``(n, 6)``.

    Args:
        tracks: the product ``Track``.
        point: the vertices, shape ``(n, 3)``.
        pair: both tracks of each among those of all events; -1 for none makes it unknown.
    """
    known = (pair[0] >= 0) & (pair[1] >= 0)
    weight = np.zeros((len(point), 6))
    for index in pair:
        helices = helices_of(tracks, index[known])
        weight[known] += linearise(helices, np.arange(len(index[known])), point[known]).weight
    weight[:, :3] += 1.0 / _UNKNOWN
    return inverse(weight)


def _momentum(v0: ak.Array) -> Floats:
    pt, eta, phi = (flat(v0, name) for name in ("pt", "eta", "phi"))
    return np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)], axis=1)


def _candidate_of_track(candidates: ak.Array, tracks: ak.Array) -> Ints:
    """The place in its event of the candidate of each track, and -1 at the end."""
    link = candidate_tracks(candidates, tracks)
    offsets = offsets_of(candidates)
    result = np.full(int(offsets_of(tracks)[-1]) + 1, -1)
    result[link.track] = link.candidate - offsets[events_of(offsets)[link.candidate]]
    return result
