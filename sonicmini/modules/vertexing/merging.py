"""Vertices found more than once (CMSSW: ``CandidateVertexMerger``)."""

import math
from typing import NamedTuple

import numpy as np

from sonicmini.modules.columns import Bools, Floats, Ints, kernel
from sonicmini.modules.vertexing.secondary import SecondaryVertices, chosen_vertices


class MergeCuts(NamedTuple):
    """When a vertex is a copy of another one of its event.

    Attributes:
        max_fraction: of its tracks that the other one may have.
        min_significance: distance of the two in units of its error that makes them different.
    """

    max_fraction: float
    min_significance: float


FOUND_TWICE = MergeCuts(0.7, 2.0)
"""CMSSW's ``candidateVertexMerger``; its distance is known only approximately."""
FITTED_TWICE = MergeCuts(0.2, 10.0)
"""CMSSW's ``inclusiveCandidateSecondaryVertices``."""


def merged(vertices: SecondaryVertices, cuts: MergeCuts) -> SecondaryVertices:
    """The vertices less those of whose tracks another one near them has too large a share.

    They are tried in their order; what was dropped drops no other one. Of two that could drop each
    other, the one with the larger fraction of shared tracks goes, or the first.
    """
    groups = vertices.groups
    kept = kept_vertices(
        (groups.track, groups.offsets, groups.event), groups.point, vertices.covariance, cuts
    )
    return chosen_vertices(vertices, kept)


@kernel
def kept_vertices(
    members: tuple[Ints, Ints, Ints], point: Floats, covariance: Floats, cuts: MergeCuts
) -> Bools:
    """Which vertices stay.

    Args:
        members: tracks, offsets of the vertices in them, event of each vertex (ascending).
        point: of the vertices.
        covariance: of the points.
        cuts: how alike two vertices may be.
    """
    track, offsets, event = members
    n = len(event)
    kept = np.ones(n, np.bool_)
    first = 0
    for v in range(n):
        if event[v] != event[first]:
            first = v
        other = first
        while other < n and event[other] == event[v] and kept[v]:
            if other != v and kept[other]:
                shared = _shared(track, offsets, v, other)
                mine = shared / (offsets[v + 1] - offsets[v])
                its = shared / (offsets[other + 1] - offsets[other])
                alike = mine > cuts.max_fraction and mine >= its
                if alike and _significance(point, covariance, v, other) < cuts.min_significance:
                    kept[v] = False
            other += 1
    return kept


@kernel
def _shared(track: Ints, offsets: Ints, v: int, other: int) -> int:
    """How many tracks two vertices have in common."""
    count = 0
    for k in range(offsets[v], offsets[v + 1]):
        for m in range(offsets[other], offsets[other + 1]):
            if track[k] == track[m]:
                count += 1
                break
    return count


@kernel
def _significance(point: Floats, covariance: Floats, v: int, other: int) -> float:
    """Distance of two vertices over its error."""
    x = point[v, 0] - point[other, 0]
    y = point[v, 1] - point[other, 1]
    z = point[v, 2] - point[other, 2]
    square = x * x + y * y + z * z
    if square == 0.0:
        return 0.0
    c = covariance[v] + covariance[other]
    variance = c[0] * x * x + c[1] * y * y + c[2] * z * z
    variance += 2.0 * (c[3] * x * y + c[4] * x * z + c[5] * y * z)
    return float(square / math.sqrt(max(variance, 1e-30)))
