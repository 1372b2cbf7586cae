"""How hard the collision of each primary vertex is (CMSSW: ``PrimaryVertexSorting::score``)."""

import math

import numpy as np

from sonicmini.modules.antikt import anti_kt, empty_tiles
from sonicmini.modules.columns import Bools, Floats, Ints, kernel

_JET_FACTOR = 0.8  # on the pT of jets: leptons count more
_EPSILON = 0.01  # score per candidate where the error of every pT is larger than pT


@kernel
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
    around = empty_tiles(0.4)
    starts, order = _group(vertex, vertex_count)
    scores = np.zeros(vertex_count)
    for v in range(vertex_count):
        members = order[starts[v] : starts[v + 1]]
        scaled = p4[members] * scale[members].reshape(-1, 1)
        hadrons = (~is_lepton[members]) & (scale[members] > 0.0)
        jets = anti_kt(scaled[hadrons], 0.4, around)
        scores[v] = _score(scaled[is_lepton[members]], jets)
        if np.all(scale[members] == 0.0):
            scores[v] = _EPSILON * len(members)
    return scores


@kernel
def _score(leptons: Floats, jets: Floats) -> float:
    sum_pt2, sum_pt, px, py = 0.0, 0.0, 0.0, 0.0
    for objects, factor in ((leptons, 1.0), (jets, _JET_FACTOR)):
        for i in range(len(objects)):
            pt2 = objects[i, 0] ** 2 + objects[i, 1] ** 2
            sum_pt2 += factor * factor * pt2
            sum_pt += math.sqrt(pt2)
            px += objects[i, 0]
            py += objects[i, 1]
    above = math.hypot(px, py) - 2.0 * math.sqrt(sum_pt)
    return sum_pt2 + max(above, 0.0) ** 2


@kernel
def _group(vertex: Ints, vertex_count: int) -> tuple[Ints, Ints]:
    """Candidates ordered by vertex; those of ``v`` are ``order[starts[v]:starts[v + 1]]``."""
    starts = np.zeros(vertex_count + 1, dtype=np.int64)
    for v in vertex:
        if v >= 0:
            starts[v + 1] += 1
    starts = np.cumsum(starts)
    order = np.empty(starts[-1], dtype=np.int64)
    position = starts.copy()
    for i in range(len(vertex)):
        if vertex[i] >= 0:
            order[position[vertex[i]]] = i
            position[vertex[i]] += 1
    return starts, order
