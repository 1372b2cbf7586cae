"""Features of particle-flow candidates, by CMS's names (CMSSW: ``DeepTauIdBase``, version 2.5).

Positions are those of ``pat::PackedCandidate``: the point of closest approach to the candidate's
own vertex. ``dxy`` is to that vertex, ``dz`` to PV 0.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from sonicmini.modules.columns import Bools, Floats, flat, offsets_of
from sonicmini.modules.networks.deeptau.pairs import COMMON, PairFeatures, Pairs, column

_FITTED = 5  # parameters of a track


def _from_pv(axis: str) -> Callable[[Pairs], Floats]:
    """Position of a candidate less that of PV 0, across the beam."""
    turn, sign = (np.sin, -1.0) if axis == "x" else (np.cos, 1.0)

    def distance(pairs: Pairs) -> Floats:
        vertices = pairs.taus.inputs["SlimmedPV"]
        first = offsets_of(vertices)[pairs.event]
        own = np.where((index := pairs.of("pvIdx").astype(np.int64)) >= 0, first + index, -1)
        # Without any vertex in the event both are the same.
        position = np.append(flat(vertices, axis), 0.0)
        reference = np.where(own >= 0, first, -1)
        track_phi = pairs.of("phi") + pairs.of("dTrkPhi")
        shift: Floats = position[own] - position[reference]
        return shift + sign * pairs.of("dxy") * turn(track_phi)

    return lambda pairs: pairs.once(f"vertex {axis}", lambda: distance(pairs))


def _less_flight(axis: str) -> Callable[[Pairs], Floats]:
    flight = f"flightLength{axis.upper()}"
    return lambda pairs: _POSITION[axis](pairs) - pairs.of_tau(flight)


def _details(pairs: Pairs) -> Bools:
    stored: Bools = pairs.of("hasTrackDetails") == 1
    return stored


def _with_details(feature: Callable[[Pairs], Floats]) -> Callable[[Pairs], Floats]:
    """Left out of candidates without track details."""
    return lambda pairs: np.where(_details(pairs), feature(pairs), np.nan)


def _ndof(pairs: Pairs) -> Floats:
    """Degrees of freedom of the track as unpacked, not a number if there are none."""
    ndof = pairs.of("nHits") - _FITTED
    return np.where(ndof > 0, ndof, np.nan)


def _is_leading(pairs: Pairs) -> Floats:
    leads: Bools = pairs.taus.lead[pairs.tau] == pairs.target
    return leads.astype(np.float64)


_POSITION: Final[PairFeatures] = {
    "x": _from_pv("x"),
    "y": _from_pv("y"),
    "z": column("dz"),
}

CANDIDATE: Final[PairFeatures] = {
    **COMMON,
    "leadChargedHadrCand": _is_leading,
    "pvAssociationQuality": column("pvAssocQuality"),
    "fromPV": column("fromPV"),
    "puppiWeight": column("puppiWeight"),
    "puppiWeightNoLep": column("puppiWeightNoLep"),
    "charge": column("charge"),
    "lostInnerHits": column("lostInnerHits"),
    "numberOfPixelHits": column("nPixelHits"),
    **{f"vertex_d{axis}": feature for axis, feature in _POSITION.items()},
    **{f"vertex_d{axis}_tauFL": _less_flight(axis) for axis in _POSITION},
    "hasTrackDetails": _with_details(lambda pairs: np.ones(len(pairs.tau))),
    "dxy": _with_details(column("dxy")),
    "dxy_sig": _with_details(lambda pairs: np.abs(pairs.of("dxy")) / pairs.of("dxyErr")),
    "dz": _with_details(column("dz")),
    "dz_sig": _with_details(lambda pairs: np.abs(pairs.of("dz")) / pairs.of("dzErr")),
    "track_chi2_ndof": _with_details(lambda pairs: pairs.of("normChi2") + 0 * _ndof(pairs)),
    "track_ndof": _with_details(_ndof),
    "hcalFraction": column("hcalFraction"),
    "rawCaloFraction": column("rawCaloFraction"),
}
"""Features of particle-flow candidates of any type."""
