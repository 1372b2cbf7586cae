"""What the search for secondary vertices starts from: tracks of candidates, and PV 0."""

from typing import NamedTuple

import awkward as ak
import numpy as np

from sonicmini.modules.columns import Floats, Ints, events_of, flat, offsets_from, offsets_of
from sonicmini.modules.tracks import candidate_tracks
from sonicmini.modules.vertexing.distances import Positions
from sonicmini.modules.vertexing.helix import Helices, helices_of

_COVARIANCE = ("covXX", "covYY", "covZZ", "covXY", "covXZ", "covYZ")


class ChargedTracks(NamedTuple):
    """Tracks of candidates of all events, in each event by falling pT.

    The order makes the vertices independent of that of the candidates.

    Attributes:
        helices: the tracks.
        candidate: its place in the event, shape ``(tracks,)``.
        pt: GeV; also ``eta``.
        dz: longitudinal impact parameter to PV 0 (cm).
        hits: valid ones.
        pixel_hits: valid ones.
        layers: of the tracker with a hit.
        offsets: of the events, shape ``(events + 1,)``.
    """

    helices: Helices
    candidate: Ints
    pt: Floats
    eta: Floats
    dz: Floats
    hits: Ints
    pixel_hits: Ints
    layers: Ints
    offsets: Ints

    def within(self, index: Ints) -> Ints:
        """Offsets of the events in some of the tracks, ascending."""
        counts = np.bincount(events_of(self.offsets)[index], minlength=len(self.offsets) - 1)
        return offsets_from(counts)


def first_vertices(vertices: ak.Array) -> Positions:
    """PV 0 of each event, at the origin where there is none."""
    offsets = offsets_of(vertices)
    some = np.diff(offsets) > 0
    point, covariance = np.zeros((len(some), 3)), np.zeros((len(some), 6))
    for columns, names in ((point, ("x", "y", "z")), (covariance, _COVARIANCE)):
        for k, name in enumerate(names):
            columns[some, k] = flat(vertices, name)[offsets[:-1][some]]
    return Positions(point, covariance)


def charged_tracks(
    candidates: ak.Array, tracks: ak.Array, vertices: ak.Array, *, min_pt: float
) -> ChargedTracks:
    """The tracks of charged candidates in events with a vertex.

    Args:
        candidates: the product ``PFCand``.
        tracks: the product ``Track``.
        vertices: the product ``SlimmedPV``.
        min_pt: tracks have more (GeV).
    """
    link = candidate_tracks(candidates, tracks)
    pt = flat(tracks, "pt")[link.track]
    event = events_of(link.offsets)
    has_vertex = np.diff(offsets_of(vertices)) > 0
    kept = np.flatnonzero((pt > min_pt) & has_vertex[event])
    eta, phi = (flat(tracks, name)[link.track[kept]] for name in ("eta", "phi"))
    order = _by_falling_pt(event[kept], pt[kept], (eta, phi))
    kept, eta = kept[order], eta[order]
    event, track = event[kept], link.track[kept]
    helices = helices_of(tracks, track)
    pixel, strip, hits, pixel_hits = (flat(tracks, name, np.int64)[track] for name in _HITS)
    return ChargedTracks(
        helices,
        link.candidate[kept] - offsets_of(candidates)[event],
        pt[kept],
        eta,
        _dz(helices, first_vertices(vertices).point[event]),
        hits,
        pixel_hits,
        pixel + strip,
        offsets_from(np.bincount(event, minlength=len(has_vertex))),
    )


_HITS = ("nPixelLayers", "nStripLayers", "nValidHits", "nValidPixelHits")


def _by_falling_pt(event: Ints, pt: Floats, others: tuple[Floats, Floats]) -> Ints:
    """The order by event and falling pT, of equal ones by pseudorapidity and azimuth.

    The bits of a positive single-precision number rise with it, so one key has event and pT; pT is
    stored with few bits, so some keys are equal.
    """
    bits = pt.astype(np.float32).view(np.int32).astype(np.int64)
    key = (event << 32) - bits
    order = np.argsort(key, kind="stable")
    same = key[order][1:] == key[order][:-1]
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
    among = order[tied]
    eta, phi = others
    order[tied] = among[np.lexsort((phi[among], eta[among], key[among]))]
    return order


def _dz(helices: Helices, point: Floats) -> Floats:
    """Longitudinal impact parameters; the tangent stands for the helix (``TrackBase::dz``)."""
    x, y = helices.x - point[:, 0], helices.y - point[:, 1]
    along = x * np.cos(helices.phi) + y * np.sin(helices.phi)
    return np.asarray(helices.z - point[:, 2] - along * helices.tan)
