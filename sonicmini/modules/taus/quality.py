"""Which candidates are good enough for taus, and the vertex that they are measured from.

CMSSW: ``RecoTauQualityCuts`` and ``RecoTauVertexAssociator`` (``RecoTauTag/RecoTau``) with the
settings of ``PFTauQualityCuts`` and, for the isolation, those of
``hpsPFTauDiscriminationByLooseCombinedIsolationDBSumPtCorr3Hits``.
"""

import math
from typing import NamedTuple

import numpy as np

from sonicmini.modules.columns import Bools, Floats, Ints, kernel
from sonicmini.modules.taus.inputs import Candidates
from sonicmini.modules.tracks import Vertices


class QualityCuts(NamedTuple):
    """Cuts on candidates; GeV, cm.

    Attributes:
        min_track_pt: tracks are above it.
        max_norm_chi2: of the track fit.
        min_hits: of the track.
        max_dxy: transverse distance from the vertex.
        max_dz: longitudinal distance from the vertex.
        min_gamma_et: transverse energy of photons.
        min_neutral_et: the same of neutral hadrons.
    """

    min_track_pt: float = 0.5
    max_norm_chi2: float = 100.0
    min_hits: int = 3
    max_dxy: float = 0.1
    max_dz: float = 0.4
    min_gamma_et: float = 1.0
    min_neutral_et: float = 30.0


SIGNAL_CUTS = QualityCuts()
"""Of candidates that a tau may be made of."""
ISOLATION_CUTS = QualityCuts(max_dxy=0.03, max_dz=0.2, min_neutral_et=0.0)
"""Of candidates that isolation sums count."""


def nearest_vertex(candidate: Ints, event: Ints, *, of: Candidates, vertices: Vertices) -> Ints:
    """The vertex nearest along the beam to the track of each candidate, among those of all events.

    The first of the event for -1 and for candidates without track, -1 in events without vertex.

    Args:
        candidate: positions among the candidates of all events.
        event: of each of them.
        of: the candidates.
        vertices: of all events.
    """
    return _nearest(candidate, event, of, vertices)


@kernel
def _nearest(candidate: Ints, event: Ints, candidates: Candidates, vertices: Vertices) -> Ints:
    result = np.full(len(candidate), -1)
    for i in range(len(candidate)):
        first, last = vertices.offsets[event[i]], vertices.offsets[event[i] + 1]
        c = candidate[i]
        if first < last:
            result[i] = first
        if c < 0 or candidates.track[c] < 0:
            continue
        least = math.inf
        for v in range(first, last):
            dx, dy = candidates.vx[c] - vertices.x[v], candidates.vy[c] - vertices.y[v]
            along = dx * candidates.cos_phi[c] + dy * candidates.sin_phi[c]
            dz = abs(candidates.vz[c] - vertices.z[v] - along * candidates.cot[c])
            if dz < least:
                least, result[i] = dz, v
    return result


def impact_parameters(
    candidate: Ints, vertex: Ints, *, of: Candidates, vertices: Vertices
) -> tuple[Floats, Floats]:
    """Transverse and longitudinal impact parameter (cm) of tracks to a vertex each.

    ``TrackBase::dxy`` and ``dz``: the tangent stands for the helix.

    Args:
        candidate: positions among the candidates of all events.
        vertex: of each, among those of all events; -1 stands for the origin.
        of: the candidates.
        vertices: of all events.
    """
    dx = of.vx[candidate] - np.append(vertices.x, 0.0)[vertex]
    dy = of.vy[candidate] - np.append(vertices.y, 0.0)[vertex]
    dz = of.vz[candidate] - np.append(vertices.z, 0.0)[vertex]
    cos_phi, sin_phi = of.cos_phi[candidate], of.sin_phi[candidate]
    along = dx * cos_phi + dy * sin_phi
    return dy * cos_phi - dx * sin_phi, dz - along * of.cot[candidate]


def good_tracks(candidate: Ints, candidates: Candidates, cuts: QualityCuts) -> Bools:
    """Candidates whose track passes all cuts but those on its distance from a vertex."""
    return np.asarray(
        (candidates.track[candidate] >= 0)
        & (candidates.track_pt[candidate] > cuts.min_track_pt)
        & (candidates.norm_chi2[candidate] <= cuts.max_norm_chi2)
        & (candidates.hits[candidate] >= cuts.min_hits)
    )


def passes(
    candidate: Ints, vertex: Ints, cuts: QualityCuts, *, of: Candidates, vertices: Vertices
) -> Bools:
    """Candidates that pass the cuts of their type; none of other types than these five.

    Charged hadrons, electrons and muons by their track, photons and neutral hadrons by their
    transverse energy.

    Args:
        candidate: positions among the candidates of all events.
        vertex: of each, among those of all events; tracks fail without one, -1.
        cuts: of the selection.
        of: the candidates.
        vertices: of all events.
    """
    pdg_id, et = of.pdg_id[candidate], of.et[candidate]
    dxy, dz = impact_parameters(candidate, vertex, of=of, vertices=vertices)
    near = (vertex >= 0) & (np.abs(dxy) <= cuts.max_dxy) & (np.abs(dz) <= cuts.max_dz)
    charged = np.isin(pdg_id, (11, 13, 211)) & good_tracks(candidate, of, cuts) & near
    photon = (pdg_id == 22) & (et > cuts.min_gamma_et)
    neutral = (pdg_id == 130) & (et > cuts.min_neutral_et)
    return np.asarray(charged | photon | neutral)
