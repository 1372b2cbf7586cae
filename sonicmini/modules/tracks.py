"""The tracks of candidates and the primary vertices as flat columns."""

from typing import NamedTuple

import awkward as ak
import numpy as np

from sonicmini.errors import ModuleError
from sonicmini.modules.columns import (
    Floats,
    Ints,
    events_of,
    flat,
    offsets_from,
    offsets_of,
)


class Tracks(NamedTuple):
    """Tracks of all events, each column of shape ``(tracks,)``; GeV, cm, radian.

    Attributes:
        cos_phi: of the azimuth; also ``sin_phi``.
        cot: cotangent of the polar angle, pz/pT.
        vx: reference point; also ``vy``, ``vz``.
        pt_err: error of the transverse momentum.
        dxy_err: error of the transverse impact parameter.
        dz_err: error of the longitudinal impact parameter.
        pv_idx: vertex of whose fit the track has the largest weight above 0, -1 for none.
        pv_weight: this weight.
        offsets: of the events, shape ``(events + 1,)``.
    """

    pt: Floats
    eta: Floats
    phi: Floats
    cos_phi: Floats
    sin_phi: Floats
    cot: Floats
    vx: Floats
    vy: Floats
    vz: Floats
    pt_err: Floats
    dxy_err: Floats
    dz_err: Floats
    pv_idx: Ints
    pv_weight: Floats
    offsets: Ints


class Vertices(NamedTuple):
    """Primary vertices of all events, each column of shape ``(vertices,)``; cm and cm2.

    Attributes:
        offsets: of the events, shape ``(events + 1,)``.
    """

    x: Floats
    y: Floats
    z: Floats
    cov_zz: Floats
    ndof: Floats
    offsets: Ints


class CandidateTracks(NamedTuple):
    """The candidates that have a track.

    Attributes:
        candidate: their position among the candidates of all events, shape ``(n,)``.
        track: position of their track among the tracks of all events, shape ``(n,)``.
        offsets: of the events in these arrays, shape ``(events + 1,)``.
    """

    candidate: Ints
    track: Ints
    offsets: Ints


def candidate_tracks(candidates: ak.Array, tracks: ak.Array) -> CandidateTracks:
    """Follows ``PFCand.trackIdx``.

    Raises:
        ModuleError: if an index is beyond the tracks of its event.
    """
    index = flat(candidates, "trackIdx", np.int64)
    candidate = np.flatnonzero(index >= 0)
    offsets, track_offsets = offsets_of(candidates), offsets_of(tracks)
    event = events_of(offsets)[candidate]
    track = index[candidate] + track_offsets[event]
    if np.any(beyond := track >= track_offsets[event + 1]):
        raise ModuleError(
            f"PFCand_trackIdx is beyond Track in event {event[beyond][0]} of the chunk:"
            " the input is inconsistent, make it again"
        )
    counts = np.bincount(event, minlength=len(offsets) - 1)
    return CandidateTracks(candidate, track, offsets_from(counts))


def track_columns(tracks: ak.Array, index: Ints, offsets: Ints) -> Tracks:
    """The chosen tracks, by their position among those of all events.

    The error of pT neglects the correlation of q/p and the polar angle, which is not stored.
    """
    pt, eta, phi, vx, vy, vz, weight = (flat(tracks, name)[index] for name in _COLUMNS)
    variances = (flat(tracks, name)[index] for name in _VARIANCES)
    qop, lam, dxy, dsz = (np.sqrt(np.maximum(variance, 0.0)) for variance in variances)
    cot, cosh = np.sinh(eta), np.cosh(eta)
    return Tracks(
        pt=pt,
        eta=eta,
        phi=phi,
        cos_phi=np.cos(phi),
        sin_phi=np.sin(phi),
        cot=cot,
        vx=vx,
        vy=vy,
        vz=vz,
        pt_err=pt * np.hypot(pt * cosh * qop, cot * lam),
        dxy_err=dxy,
        dz_err=dsz * cosh,
        pv_idx=np.where(weight > 0, flat(tracks, "pvIdx", np.int64)[index], -1),
        pv_weight=weight,
        offsets=offsets,
    )


_COLUMNS = ("pt", "eta", "phi", "vx", "vy", "vz", "pvWeight")
_VARIANCES = ("covQopQop", "covLamLam", "covDxyDxy", "covDszDsz")


def vertex_columns(vertices: ak.Array) -> Vertices:
    """The primary vertices of all events, in their order."""
    x, y, z, cov_zz, ndof = (flat(vertices, name) for name in ("x", "y", "z", "covZZ", "ndof"))
    return Vertices(x, y, z, cov_zz, ndof, offsets_of(vertices))
