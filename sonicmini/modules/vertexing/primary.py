"""Primary vertices: the hardest first, and which candidates belong to which.

CMSSW: ``PrimaryVertexSorter`` of ``CommonTools/RecoAlgos``; ``pat::PackedCandidate`` and
``PuppiProducer`` for the two meanings of ``fromPV``.
"""

from dataclasses import dataclass

import awkward as ak
import numpy as np

from sonicmini.event import Products
from sonicmini.module import Producer
from sonicmini.modules.clustering import anti_kt_jets
from sonicmini.modules.columns import (
    Bools,
    Columns,
    Floats,
    Ints,
    events_of,
    flat,
    jagged,
    momenta,
    offsets_of,
)
from sonicmini.modules.tracks import (
    Tracks,
    Vertices,
    candidate_tracks,
    track_columns,
    vertex_columns,
)
from sonicmini.modules.vertexing.association import (
    B_TRACK,
    DEFAULT_CUTS,
    USED_IN_FIT,
    Assignment,
    AssociationCuts,
    Jets,
    assign_by_fit_and_dz,
    assign_in_jets,
    assign_the_rest,
    may_be_displaced,
)
from sonicmini.modules.vertexing.scores import vertex_scores

_STORED_QUALITY = np.array([1, 0, 1, 1, 4, 4, 5, 6])  # of each quality of the association
_B_TAG, _LOOSE, _TIGHT = 4, 6, 7  # among the stored ones
_COVARIANCE_BITS = 10  # kept of the mantissa for all vertices but the first


@dataclass(frozen=True, kw_only=True)
class PrimaryVertexSorting(Producer):
    """Sorts primary vertices by score, the highest first.

    The candidates of a vertex are those with tracks used in its fit or compatible with it along
    the beam. CMSSW adds displaced tracks near calorimeter jets, which the input does not have.

    Attributes:
        cuts: of the association.
    """

    consumes = ("PV", "PFCand", "Track")
    produces = ("SlimmedPV",)
    cuts: AssociationCuts = DEFAULT_CUTS

    def produce(self, inputs: Products) -> Products:
        """Returns the vertices with ``score`` (GeV2) and ``pvIdx``, their place in ``PV``."""
        candidates, vertices = inputs["PFCand"], vertex_columns(inputs["PV"])
        link = candidate_tracks(candidates, inputs["Track"])
        tracks = track_columns(inputs["Track"], link.track, link.offsets)
        pdg_id = np.abs(flat(candidates, "pdgId", np.int64)[link.candidate])
        assigned = assign_by_fit_and_dz(tracks, pdg_id != 11, vertices, self.cuts)
        pt = flat(candidates, "pt")[link.candidate]
        scores = vertex_scores(
            momenta(candidates)[link.candidate],
            np.maximum((pt - tracks.pt_err) / pt, 0.0),
            np.isin(pdg_id, (11, 13)),
            _global(assigned.vertex, link.offsets, vertices),
            len(vertices.z),
        )
        return {"SlimmedPV": sort_vertices(inputs["PV"], scores)}


def sort_vertices(vertices: ak.Array, scores: Floats) -> ak.Array:
    """The vertices by falling score, equal ones in their old order.

    Args:
        vertices: jagged collection; covariances of all but the first lose precision, as in CMSSW.
        scores: of all vertices one after the other.
    """
    offsets = offsets_of(vertices)
    event = events_of(offsets)
    order = np.lexsort((-scores, event))
    columns = {name: flat(vertices, name, None)[order] for name in vertices.fields}
    others = np.arange(len(order)) != offsets[event]
    for name, values in columns.items():
        if name.startswith("cov"):
            columns[name] = np.where(others, _truncated(values), values)
    columns["score"] = scores[order].astype(np.float32)
    columns["pvIdx"] = (order - offsets[event]).astype(np.int16)
    return jagged(offsets, columns)


def _truncated(values: Floats) -> Floats:
    bits = values.astype(np.float32).view(np.uint32)
    mask = np.uint32(0xFFFFFFFF << (23 - _COVARIANCE_BITS) & 0xFFFFFFFF)
    return (bits & mask).view(np.float32)


@dataclass(frozen=True, kw_only=True)
class PrimaryVertexAssociation(Producer):
    """Finds the vertex of each candidate; neutral ones belong to PV 0.

    Attributes:
        cuts: of the association.
    """

    consumes = ("PFCand", "Track", "SlimmedPV")
    produces = ("PFCandVertex",)
    cuts: AssociationCuts = DEFAULT_CUTS

    def produce(self, inputs: Products) -> Products:
        """Returns columns parallel to the candidates; lengths in cm, 0 for neutral candidates.

        ``pvIdx`` in SlimmedPV, -1 for none; ``assignmentQuality`` of the association and
        ``pvAssocQuality`` as stored; ``fromPV`` as Mini-AOD has it and ``puppiFromPV`` as PUPPI
        takes it from AOD; ``dxy`` and ``dz`` to the associated vertex, ``dzPV0`` to the first.
        """
        candidates, vertices = inputs["PFCand"], vertex_columns(inputs["SlimmedPV"])
        link = candidate_tracks(candidates, inputs["Track"])
        tracks = track_columns(inputs["Track"], link.track, link.offsets)
        tracks = tracks._replace(pv_idx=_sorted_index(tracks, inputs["SlimmedPV"]))
        pdg_id = np.abs(flat(candidates, "pdgId", np.int64))
        offsets = offsets_of(candidates)
        p4 = momenta(candidates)
        assigned = associate(
            tracks, pdg_id[link.candidate] != 11, vertices, (p4, offsets), self.cuts
        )
        of_tracks = _describe(tracks, assigned, vertices, np.isin(pdg_id[link.candidate], (11, 13)))
        has_vertex = (np.diff(vertices.offsets) > 0)[events_of(offsets)]
        columns = {}
        for name, values in of_tracks.items():
            neutral = np.where(has_vertex, 0, -1) if name == "pvIdx" else _NEUTRAL.get(name, 0)
            columns[name] = np.broadcast_to(neutral, len(pdg_id)).astype(values.dtype)
            columns[name][link.candidate] = values
        return {"PFCandVertex": jagged(offsets, columns)}


_NEUTRAL = {"pvAssocQuality": _TIGHT, "fromPV": 3, "puppiFromPV": 1}
"""What candidates without track get; 0 otherwise. PUPPI looks at charged ones only."""


def associate(
    tracks: Tracks,
    use_fit: Bools,
    vertices: Vertices,
    candidates: tuple[Floats, Ints],
    cuts: AssociationCuts = DEFAULT_CUTS,
) -> Assignment:
    """All steps of the association.

    The jets of the third step are clustered only in events where a track could belong to one.

    Args:
        tracks: of candidates.
        use_fit: tracks for which the vertex fit counts.
        vertices: sorted.
        candidates: momenta of all candidates, shape ``(candidates, 4)``, and their offsets.
        cuts: of the association.
    """
    assigned = assign_by_fit_and_dz(tracks, use_fit, vertices, cuts)
    displaced = may_be_displaced(tracks, assigned.quality, vertices, cuts)
    wanted = np.bincount(events_of(tracks.offsets)[displaced], minlength=len(tracks.offsets) - 1)
    p4, offsets = candidates
    used = wanted[events_of(offsets)] > 0
    jets = anti_kt_jets(p4, offsets, used=used, radius=0.4, pt_min=cuts.min_jet_pt)
    in_jets = assign_in_jets(tracks, displaced, vertices, Jets(jets.p4, jets.offsets), cuts)
    found = in_jets >= 0
    assigned = assigned._replace(
        vertex=np.where(found, in_jets, assigned.vertex),
        quality=np.where(found, B_TRACK, assigned.quality),
    )
    return assign_the_rest(tracks, assigned, vertices, cuts)


def _describe(
    tracks: Tracks, assigned: Assignment, vertices: Vertices, is_lepton: Bools
) -> Columns:
    """The columns of the product for the tracks."""
    index = _global(assigned.vertex, tracks.offsets, vertices)
    first = np.where(assigned.nearest >= 0, vertices.offsets[events_of(tracks.offsets)], -1)
    dxy, dz = impact_parameters(tracks, vertices, index)
    quality = _STORED_QUALITY[assigned.quality]
    quality[(assigned.quality == USED_IN_FIT) & (tracks.pv_weight > 0.5)] = _TIGHT
    z = np.append(vertices.z, 0.0)
    is_first = assigned.vertex == 0
    steals = (quality == _B_TAG) & (np.abs(dz) > np.abs(dz + z[index] - z[first]))
    few = np.append(vertices.ndof, 0.0)[index] < 4.0
    from_pv = np.select(
        [(quality == _TIGHT) & is_first, is_first | is_lepton | steals, (quality < _LOOSE) | few],
        [3, 2, 1],
        0,
    )
    puppi = np.where(
        tracks.pv_idx >= 0,
        np.where(tracks.pv_idx == 0, 3, 0),
        np.where(assigned.nearest == 0, 2, 1),
    )
    return {
        "pvIdx": assigned.vertex.astype(np.int16),
        "assignmentQuality": assigned.quality.astype(np.uint8),
        "pvAssocQuality": quality.astype(np.uint8),
        "fromPV": from_pv.astype(np.uint8),
        "puppiFromPV": puppi.astype(np.uint8),
        "dxy": dxy.astype(np.float32),
        "dz": dz.astype(np.float32),
        "dzPV0": impact_parameters(tracks, vertices, first)[1].astype(np.float32),
    }


def impact_parameters(tracks: Tracks, vertices: Vertices, index: Ints) -> tuple[Floats, Floats]:
    """Transverse and longitudinal impact parameter (cm) of each track.

    Args:
        tracks: of all events.
        vertices: of all events.
        index: the vertex of each track among those of all events; -1 stands for the origin.
    """
    dx = tracks.vx - np.append(vertices.x, 0.0)[index]
    dy = tracks.vy - np.append(vertices.y, 0.0)[index]
    dz = tracks.vz - np.append(vertices.z, 0.0)[index]
    along = dx * tracks.cos_phi + dy * tracks.sin_phi
    return dy * tracks.cos_phi - dx * tracks.sin_phi, dz - along * tracks.cot


def _global(vertex: Ints, offsets: Ints, vertices: Vertices) -> Ints:
    """Position among the vertices of all events, -1 for none."""
    return np.where(vertex >= 0, vertices.offsets[events_of(offsets)] + vertex, -1)


def _sorted_index(tracks: Tracks, vertices: ak.Array) -> Ints:
    """The vertex fit of each track in the order of the sorted vertices, -1 for none."""
    offsets = offsets_of(vertices)
    event = events_of(offsets)
    place = np.empty(len(event) + 1, dtype=np.int64)
    place[offsets[event] + flat(vertices, "pvIdx", np.int64)] = (
        np.arange(len(event)) - offsets[event]
    )
    place[-1] = -1
    first = offsets[events_of(tracks.offsets)]
    return place[np.where(tracks.pv_idx >= 0, first + tracks.pv_idx, -1)]
