"""Sums over the neighbours of candidates in rapidity and azimuth, by a grid of cells."""

import math
from typing import NamedTuple

import numpy as np

from sonicmini.modules.columns import Bools, Floats, Ints, kernel

_RAPIDITY_MAX = 6.0  # beyond it candidates share the outermost cells
_MIN_DR2 = 1e-4  # closer neighbours, and the candidate itself, do not count


class Points(NamedTuple):
    """Candidates on the cylinder, each column of shape ``(candidates,)``; radian and GeV2."""

    rapidity: Floats
    eta: Floats
    phi: Floats
    pt2: Floats


def rapidity_of(pt: Floats, eta: Floats, mass: Floats) -> Floats:
    """The rapidity of massive particles; not a number where pT and mass are 0."""
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(np.arcsinh(pt * np.sinh(eta) / np.hypot(mass, pt)))


def log_pt2_over_dr2(
    points: Points, is_source: Bools, is_target: Bools, *, offsets: Ints, cone: float
) -> Floats:
    """PUPPI's alpha: log of the sum of pT^2/dR^2 over the neighbours of each target.

    A neighbour is a source within ``cone`` in rapidity and azimuth, but ``dR`` is taken in
    pseudorapidity and azimuth (CMSSW: ``PuppiContainer::var_within_R``). 0 without neighbours.

    Args:
        points: the candidates, all with finite values.
        is_source: which candidates are summed over.
        is_target: which candidates get a value; the others get 0.
        offsets: of the events.
        cone: radius, above 0 and at most 1.
    """
    return _log_sums(points, is_source, is_target, offsets, cone)


@kernel
def _log_sums(
    points: Points, is_source: Bools, is_target: Bools, offsets: Ints, cone: float
) -> Floats:
    result = np.zeros(len(points.eta))
    for event in range(len(offsets) - 1):
        begin, end = offsets[event], offsets[event + 1]
        sources, starts = _sorted_by_cell(points, is_source, (begin, end), cone)
        for i in range(begin, end):
            if is_target[i]:
                total = _sum_around(points, i, sources, starts, cone)
                result[i] = math.log(total) if total != 0.0 else 0.0
    return result


@kernel
def _shape(cone: float) -> tuple[int, int]:
    """Rows and columns of the grid; cells are at least half a cone wide."""
    return int(4.0 * _RAPIDITY_MAX / cone) + 1, int(4.0 * math.pi / cone)


@kernel
def _cell(rapidity: float, phi: float, cone: float) -> tuple[int, int]:
    rows, columns = _shape(cone)
    row = int(min(max((rapidity + _RAPIDITY_MAX) * 2.0 / cone, 0.0), rows - 1.0))
    column = int((phi / (2.0 * math.pi) + 0.5) * columns)
    return row, min(max(column, 0), columns - 1)


@kernel
def _sorted_by_cell(
    points: Points, is_source: Bools, event: tuple[int, int], cone: float
) -> tuple[Points, Ints]:
    """The sources of an event ordered by cell; cell ``c`` is ``starts[c]:starts[c + 1]``.

    Each row of the grid has two more columns at both ends, with images of the sources of the
    opposite end, so that the neighbours of a candidate lie in one run of each row.
    """
    rows, columns = _shape(cone)
    index = np.empty(2 * (event[1] - event[0]), dtype=np.int64)
    cells = np.empty_like(index)
    turns = np.empty_like(index)
    n = 0
    starts = np.zeros(rows * (columns + 4) + 1, dtype=np.int64)
    for i in range(event[0], event[1]):
        if is_source[i]:
            row, column = _cell(points.rapidity[i], points.phi[i], cone)
            for turn in (-1, 0, 1):
                place = column + 2 + turn * columns
                if 0 <= place < columns + 4:
                    index[n], cells[n], turns[n] = i, row * (columns + 4) + place, turn
                    starts[cells[n] + 1] += 1
                    n += 1
    starts = np.cumsum(starts)
    position = starts.copy()
    order = np.empty(n, dtype=np.int64)
    for k in range(n):
        order[position[cells[k]]] = k
        position[cells[k]] += 1
    index = index[order]
    phi = points.phi[index] + 2.0 * math.pi * turns[order]
    return Points(points.rapidity[index], points.eta[index], phi, points.pt2[index]), starts


@kernel
def _sum_around(points: Points, i: int, sources: Points, starts: Ints, cone: float) -> float:
    y, eta, phi = points.rapidity[i], points.eta[i], points.phi[i]
    rows, columns = _shape(cone)
    row, column = _cell(y, phi, cone)
    total = 0.0
    for r in range(max(row - 2, 0), min(row + 3, rows)):
        first = r * (columns + 4) + column
        for k in range(starts[first], starts[first + 5]):
            dphi = sources.phi[k] - phi
            dy = sources.rapidity[k] - y
            if dy * dy + dphi * dphi < cone * cone:
                deta = sources.eta[k] - eta
                dr2 = deta * deta + dphi * dphi
                if dr2 >= _MIN_DR2:
                    total += sources.pt2[k] / dr2
    return total
