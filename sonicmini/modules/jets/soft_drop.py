"""Soft drop: takes soft radiation at wide angles off a jet.

A. Larkoski, S. Marzani, G. Soyez, J. Thaler, JHEP 05 (2014) 146. CMSSW: ``ak8PFJetsPuppiSoftDrop``
with FastJet's ``contrib::SoftDrop``.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sonicmini.modules.columns import Floats, Ints, kernel
from sonicmini.modules.jets.substructure_clustering import (
    CAMBRIDGE_AACHEN,
    History,
    cluster_history,
)


@dataclass(frozen=True, kw_only=True)
class SoftDropCut:
    """The condition on a splitting: ``min(pT1, pT2) / (pT1 + pT2) > z_cut * (dR / r0)**beta``."""

    z_cut: float = 0.1
    beta: float = 0.0
    r0: float = 0.8


DEFAULT_CUT = SoftDropCut()
"""CMS's."""


class SoftDropped(NamedTuple):
    """What is left of each jet.

    Attributes:
        p4: px, py, pz, E (GeV), shape ``(jets, 4)``; 0 for jets without constituents.
        subjets: the two that the last declustering gave, the one of higher pT first, shape
            ``(jets, 2, 4)``; 0 if only one constituent is left.
        part: 0 or 1, the subjet of each constituent, 0 if it alone is left; -1 for those that
            were taken off; shape ``(constituents,)``.
    """

    p4: Floats
    subjets: Floats
    part: Ints


def soft_drop(p4: Floats, offsets: Ints, cut: SoftDropCut = DEFAULT_CUT) -> SoftDropped:
    """Reclusters jets by Cambridge/Aachen and undoes it until a splitting passes the cut.

    Args:
        p4: px, py, pz, E of the constituents, one jet after the other, shape
            ``(constituents, 4)``.
        offsets: of the jets in them.
        cut: on the splittings.
    """
    history = cluster_history(p4, offsets, CAMBRIDGE_AACHEN)
    n = len(offsets) - 1
    part = np.full(len(p4), -1, dtype=np.int64)
    result = SoftDropped(np.zeros((n, 4)), np.zeros((n, 2, 4)), part)
    _decluster_all(history, offsets, (cut.z_cut, cut.beta, cut.r0), result)
    return result


@kernel
def _decluster_all(
    history: History, offsets: Ints, cut: tuple[float, float, float], result: SoftDropped
) -> None:
    for jet in range(len(offsets) - 1):
        begin, n = offsets[jet], offsets[jet + 1] - offsets[jet]
        if n == 0:
            continue
        first = 2 * begin
        node = _first_passing(history, first, 2 * n - 2, cut)
        result.p4[jet] = history.p4[first + node]
        hard, soft = history.parents[first + node]
        if hard < 0:
            result.part[begin + node] = 0
            continue
        for i, subjet in enumerate((hard, soft)):
            result.subjets[jet, i] = history.p4[first + subjet]
            _mark(history.parents[first : first + 2 * n], subjet, result.part[begin:], i)


@kernel
def _first_passing(history: History, first: int, node: int, cut: tuple[float, float, float]) -> int:
    """The first node on the way down the harder branches that passes, or a constituent."""
    z_cut, beta, r0 = cut
    points = history.points
    while history.parents[first + node, 0] >= 0:
        hard, soft = history.parents[first + node]
        a, b = first + hard, first + soft
        least = z_cut
        if beta != 0.0:
            d_phi = abs(points.phi[a] - points.phi[b])
            d_phi = min(d_phi, 2.0 * np.pi - d_phi)
            least *= (np.hypot(points.rapidity[a] - points.rapidity[b], d_phi) / r0) ** beta
        if points.pt[b] > least * (points.pt[a] + points.pt[b]):
            break
        node = hard
    return node


@kernel
def _mark(parents: Ints, node: int, part: Ints, label: int) -> None:
    """Labels all constituents below a node of one jet."""
    stack = np.empty(len(parents), dtype=np.int64)
    stack[0], size = node, 1
    while size > 0:
        size -= 1
        top = stack[size]
        if parents[top, 0] < 0:
            part[top] = label
        else:
            stack[size], stack[size + 1] = parents[top]
            size += 2
