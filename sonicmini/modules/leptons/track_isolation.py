"""Sums of the pT of tracks around leptons.

CMSSW: ``MuonTrackExtractor``, ``ElectronTkIsolation``.
"""

import math
from typing import NamedTuple

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from sonicmini.modules.columns import Floats, Ints, flat, kernel, offsets_of


class TrackCone(NamedTuple):
    """Which tracks count around a lepton.

    Attributes:
        outer: tracks closer in eta and phi count.
        inner: tracks up to this distance do not.
        strip: nor do tracks closer in eta.
        min_pt: least pT (GeV).
        max_dz: distance of the reference points of track and lepton along the beam (cm).
        max_dxy: impact parameter with respect to the beam spot (cm).
    """

    outer: float
    inner: float
    strip: float
    min_pt: float
    max_dz: float
    max_dxy: float


MUON_CONE = TrackCone(outer=0.3, inner=0.01, strip=0.0, min_pt=0.0, max_dz=0.2, max_dxy=0.1)
"""Of ``isolationR03``."""
ELECTRON_CONE = TrackCone(
    outer=0.3, inner=0.015, strip=0.015, min_pt=0.7, max_dz=0.2, max_dxy=999.0
)
"""Of ``dr03TkSumPt``."""


class _Tracks(NamedTuple):
    pt: NDArray[np.float32]
    eta: NDArray[np.float32]
    phi: NDArray[np.float32]
    vx: NDArray[np.float32]
    vy: NDArray[np.float32]
    vz: NDArray[np.float32]


def track_sums(tracks: ak.Array, beam_spot: ak.Array, lepton: Ints, cone: TrackCone) -> Floats:
    """Sum of the pT (GeV) of tracks around the track of each lepton, 0 without track.

    Args:
        tracks: of all events.
        beam_spot: of the events.
        lepton: the track of each lepton, among those of all events; -1 for none.
        cone: which tracks count.
    """
    columns = _Tracks(*(flat(tracks, name, np.float32) for name in _Tracks._fields))
    spot = np.stack([np.asarray(beam_spot[name], dtype=np.float64) for name in ("x", "y")], axis=1)
    return _sums(columns, offsets_of(tracks), spot, lepton, cone)


@kernel
def _sums(tracks: _Tracks, offsets: Ints, spot: Floats, lepton: Ints, cone: TrackCone) -> Floats:
    """Args as above; ``spot`` is x and y of the beam spot, shape ``(events, 2)``."""
    sums = np.zeros(len(lepton))
    for i in range(len(lepton)):
        own = lepton[i]
        if own < 0:
            continue
        event = np.searchsorted(offsets, own, side="right") - 1
        for k in range(offsets[event], offsets[event + 1]):
            d_eta = abs(tracks.eta[k] - tracks.eta[own])
            if k == own or d_eta >= cone.outer or d_eta < cone.strip:
                continue
            d_phi = abs(tracks.phi[k] - tracks.phi[own])
            distance = math.hypot(d_eta, min(d_phi, abs(2.0 * math.pi - d_phi)))
            away = abs(tracks.vz[k] - tracks.vz[own])
            if not cone.inner < distance < cone.outer or away > cone.max_dz:
                continue
            dxy = math.hypot(tracks.vx[k] - spot[event, 0], tracks.vy[k] - spot[event, 1])
            if tracks.pt[k] > cone.min_pt and dxy < cone.max_dxy:
                sums[i] += tracks.pt[k]
    return sums
