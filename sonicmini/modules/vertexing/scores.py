"""How hard the collision of each primary vertex is (CMSSW: ``PrimaryVertexSorting::score``)."""

import numpy as np

from sonicmini.modules.clustering import anti_kt_jets
from sonicmini.modules.columns import Bools, Floats, Ints, events_of, offsets_from

_RADIUS = 0.4
_JET_FACTOR = 0.8  # on the pT of jets: leptons count more
_EPSILON = 0.01  # score per candidate where the error of every pT is larger than pT


def vertex_scores(
    p4: Floats, scale: Floats, is_lepton: Bools, vertex: Ints, vertex_count: int
) -> Floats:
    """The scores: sum of squared pT of leptons and jets, and the missing momentum above noise.

    Args:
        p4: momenta of the charged candidates, shape ``(candidates, 4)``: px, py, pz, E in GeV.
        scale: factor on each momentum, ``1 - error / pT`` of the track and not below 0.
        is_lepton: electrons and muons, which are not clustered.
        vertex: of each candidate, among the vertices of all events, -1 for none.
        vertex_count: number of vertices of all events.

    Returns:
        GeV2, shape ``(vertex_count,)``.
    """
    scaled = p4 * scale[:, np.newaxis]
    hadrons = np.flatnonzero((vertex >= 0) & ~is_lepton & (scale > 0))
    hadrons = hadrons[np.argsort(vertex[hadrons], kind="stable")]
    offsets = offsets_from(np.bincount(vertex[hadrons], minlength=vertex_count))
    everyone = np.ones(len(hadrons), dtype=np.bool_)
    jets = anti_kt_jets(scaled[hadrons], offsets, used=everyone, radius=_RADIUS, pt_min=0.0)
    leptons = np.flatnonzero((vertex >= 0) & is_lepton)

    where = np.concatenate([vertex[leptons], events_of(jets.offsets)])
    px, py = np.concatenate([scaled[leptons, :2], jets.p4[:, :2]]).T
    pt = np.hypot(px, py)
    counted = pt * np.repeat([1.0, _JET_FACTOR], [len(leptons), len(jets.p4)])
    sums = [
        np.bincount(where, values, minlength=vertex_count) for values in (counted**2, pt, px, py)
    ]
    above = np.hypot(sums[2], sums[3]) - 2.0 * np.sqrt(sums[1])
    members = np.bincount(vertex[vertex >= 0], minlength=vertex_count)
    without = np.bincount(vertex[(vertex >= 0) & (scale == 0)], minlength=vertex_count)
    scores = sums[0] + np.maximum(above, 0.0) ** 2
    return np.where(members == without, _EPSILON * members, scores)
