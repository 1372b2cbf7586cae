"""Calorimeter cells: rings of constant pseudorapidity, each cut into equal parts in azimuth."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sonicmini.simulation.kernel import Floats, Ints, kernel

TWO_PI = 2.0 * math.pi


@dataclass(frozen=True)
class Cells:
    """Geometry of one calorimeter, both sides.

    Attributes:
        edges: edges of the rings in eta, ascending.
        divisions: cells of each ring.
        first: index of the first cell of each ring, and the total.
        eta, phi: centres of the cells.
        ring: ring of each cell.
        neighbours: shape (cells, 8), indices of the cells around; -1 beyond the end. The first
            four share a side.
    """

    edges: Floats
    divisions: Ints
    first: Ints
    eta: Floats
    phi: Floats
    ring: Ints
    neighbours: NDArray[np.int32]

    @property
    def size(self) -> int:
        """Number of cells."""
        return int(self.first[-1])


def _neighbours(divisions: Ints, first: Ints, ring: Ints) -> NDArray[np.int32]:
    cells = np.arange(first[-1])
    phi_index = cells - first[ring]
    around = []
    steps = ((0, -1), (0, 1), (-1, 0), (1, 0), (-1, -1), (-1, 1), (1, -1), (1, 1))
    for d_ring, d_phi in steps:
        other = ring + d_ring
        # Rings of zero cells separate the sides of a calorimeter that has no centre.
        valid = (other >= 0) & (other < len(divisions))
        other = np.clip(other, 0, len(divisions) - 1)
        valid &= divisions[other] > 0
        position = (phi_index + 0.5 + d_phi) / divisions[ring] % 1.0
        index = (position * divisions[other]).astype(np.int64)
        around.append(np.where(valid, first[other] + index, -1))
    return np.stack(around, axis=1).astype(np.int32)


def build_cells(positive_edges: Floats, divisions: Ints) -> Cells:
    """Cells of a calorimeter from the rings of its positive side, mirrored."""
    inner = positive_edges[0]
    gap = [] if inner == 0.0 else [0]
    edges = np.concatenate(
        [-positive_edges[::-1], positive_edges[1:] if inner == 0.0 else positive_edges]
    )
    counts = np.concatenate([divisions[::-1], gap, divisions]).astype(np.int64)
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    ring = np.repeat(np.arange(len(counts)), counts)
    centres = 0.5 * (edges[1:] + edges[:-1])
    phi = (np.arange(first[-1]) - first[ring] + 0.5) / counts[ring] * TWO_PI - math.pi
    return Cells(
        edges=edges,
        divisions=counts,
        first=first,
        eta=centres[ring],
        phi=phi,
        ring=ring,
        neighbours=_neighbours(counts, first, ring),
    )


def _ecal() -> Cells:
    """Crystals: 85 x 360 on each side of the barrel; 2.86 cm squares in the endcap, as rings."""
    barrel = np.linspace(0.0, 1.479, 86)
    edges = [1.479]
    divisions = []
    while edges[-1] < 3.0:
        radius = 320.0 / math.sinh(edges[-1])
        step = 2.86 / radius * math.tanh(edges[-1])
        divisions.append(int(TWO_PI * radius / 2.86))
        edges.append(edges[-1] + step)
    edges[-1] = 3.0
    return build_cells(
        np.concatenate([barrel, edges[1:]]), np.concatenate([np.full(85, 360), divisions])
    )


def _hcal() -> Cells:
    """Towers of 0.087 x 5 degrees, wider and 10 degrees beyond abs(eta) = 1.74."""
    barrel = 0.087 * np.arange(21)
    endcap = np.array([1.83, 1.93, 2.043, 2.172, 2.322, 2.5, 2.65, 2.853, 3.0])
    return build_cells(
        np.concatenate([barrel, endcap]), np.concatenate([np.full(20, 72), np.full(9, 36)])
    )


def _hf() -> Cells:
    """Forward calorimeter: 10 degrees, about 0.175 in eta; 20 degrees in the last two rings."""
    edges = np.array(
        [2.964, 3.139, 3.314, 3.489, 3.664, 3.839, 4.013, 4.191, 4.363, 4.538, 4.716, 4.889, 5.191]
    )
    return build_cells(edges, np.array([36] * 10 + [18] * 2))


ECAL = _ecal()
HCAL = _hcal()
HF = _hf()


@kernel
def locate(eta: float, edges: Floats, divisions: Ints) -> tuple[int, float, float]:
    """Ring of a direction, and how far into the ring in eta (0 to 1); ring -1 if outside."""
    if eta < edges[0] or eta >= edges[-1]:
        return -1, 0.0, 0.0
    ring, above = 0, len(divisions)
    while above - ring > 1:
        middle = (ring + above) // 2
        if eta >= edges[middle]:
            ring = middle
        else:
            above = middle
    if divisions[ring] == 0:
        return -1, 0.0, 0.0
    width = edges[ring + 1] - edges[ring]
    return ring, (eta - edges[ring]) / width, width


@kernel
def cell_at(ring: int, phi: float, divisions: Ints, first: Ints) -> int:
    """Cell of a ring at an azimuth."""
    count = divisions[ring]
    index = int((phi + math.pi) / TWO_PI * count)
    return int(first[ring] + index % count)
