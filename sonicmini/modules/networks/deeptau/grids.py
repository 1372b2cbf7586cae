"""The grids around a tau: which object is seen in which cell.

CMSSW: ``DeepTauIdBase`` (``RecoTauTag/RecoTau``) with the indices of version 2.5. A grid is centred
on the tau's direction; of the objects of a type in one cell only the hardest is seen.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sonicmini.modules.columns import Floats, Ints, kernel

OUTER_RADIUS: Final = 0.5
"""Objects farther from the tau are in neither grid."""

_CONE, _MIN_PT, _MIN_RADIUS = 3.0, 30.0, 0.05  # GeV, GeV, none


class Grid(NamedTuple):
    """Square cells in pseudorapidity and azimuth, the tau in the middle of the middle one.

    Attributes:
        cells: of one side, an odd number.
        cell_size: side of a cell.
    """

    cells: int
    cell_size: float


class Objects(NamedTuple):
    """What may be in the cells, by event.

    Attributes:
        pt: transverse momentum (GeV), shape ``(objects,)`` as ``eta``, ``phi`` and ``kind``.
        kind: type of the object, counted from 0; -1 is in no cell.
        offsets: of the events, shape ``(events + 1,)``.
    """

    pt: Floats
    eta: Floats
    phi: Floats
    kind: Ints
    offsets: Ints


class Centres(NamedTuple):
    """Taus: direction, radius (around which objects are seen) and event, shape ``(taus,)``."""

    eta: Floats
    phi: Floats
    radius: Floats
    event: Ints


class Seen(NamedTuple):
    """Objects in cells, by tau, then type, then cell; one per tau, type and cell.

    Attributes:
        tau: position among the taus, shape ``(seen,)`` as the others.
        kind: type of the object.
        cell: in the order of rows in pseudorapidity and columns in azimuth, from 0.
        target: position among the objects.
    """

    tau: Ints
    kind: Ints
    cell: Ints
    target: Ints


class Cells(NamedTuple):
    """Cells with at least one object, by tau and cell.

    Attributes:
        tau: position among the taus, shape ``(cells,)`` as ``cell``.
        cell: as in :class:`Seen`.
        counts: number of cells of each tau, shape ``(taus,)``.
    """

    tau: Ints
    cell: Ints
    counts: NDArray[np.int64]


def signal_radius(pt: Floats) -> Floats:
    """Radius around taus of this pT (GeV) of what belongs to the inner grid."""
    radius: Floats = np.maximum(_CONE / np.maximum(pt, _MIN_PT), _MIN_RADIUS)
    return radius


def seen(grid: Grid, taus: Centres, objects: Objects, kinds: int) -> Seen:
    """The hardest object of each type in each cell; of equally hard ones the first.

    Args:
        grid: the cells.
        taus: what they are centred on.
        objects: of the same events.
        kinds: number of types of objects.
    """
    return Seen(*_seen(grid.cells, grid.cell_size, taus, objects, kinds))


def occupied(grid: Grid, views: Sequence[Seen], n_taus: int) -> tuple[Cells, tuple[Ints, ...]]:
    """The cells in which anything is, and for each view in which of them each object is."""
    per_tau = grid.cells**2
    keys = [view.tau * per_tau + view.cell for view in views]
    distinct, place = np.unique(np.concatenate(keys), return_inverse=True)
    tau = distinct // per_tau
    counts = np.bincount(tau, minlength=n_taus)
    cells = Cells(tau, distinct % per_tau, counts)
    ends = np.cumsum([len(key) for key in keys])
    return cells, tuple(np.split(place, ends[:-1]))


@kernel
def _index(x: float, cell_size: float, half: int) -> int:
    """Index along one side, -1 outside: the middle cell is ``half``."""
    if abs(x) > cell_size * (0.5 + half):
        return -1
    # On the outer edge itself the step would lead beyond the last cell.
    steps = min(int(np.floor(abs(x) / cell_size + 0.5)), half)
    return half + steps if x >= 0 else half - steps


@kernel
def _seen(
    cells: int, cell_size: float, taus: Centres, objects: Objects, kinds: int
) -> tuple[Ints, Ints, Ints, Ints]:
    half, per_tau = (cells - 1) // 2, cells * cells
    best = np.full(kinds * per_tau, -1, np.int64)
    found = [(0, 0, 0) for _ in range(0)]
    for t in range(len(taus.eta)):
        for i in range(objects.offsets[taus.event[t]], objects.offsets[taus.event[t] + 1]):
            d_eta = objects.eta[i] - taus.eta[t]
            if objects.kind[i] < 0 or abs(d_eta) >= taus.radius[t]:
                continue
            d_phi = (objects.phi[i] - taus.phi[t] + np.pi) % (2.0 * np.pi) - np.pi
            if d_eta**2 + d_phi**2 >= taus.radius[t] ** 2:
                continue
            row, column = _index(d_eta, cell_size, half), _index(d_phi, cell_size, half)
            if row < 0 or column < 0:
                continue
            place = objects.kind[i] * per_tau + row * cells + column
            if best[place] < 0 or objects.pt[i] > objects.pt[best[place]]:
                best[place] = i
        for place in range(kinds * per_tau):
            if best[place] >= 0:
                found.append((t, place, best[place]))
                best[place] = -1
    n = len(found)
    tau, kind, cell, target = (
        np.empty(n, np.int64),
        np.empty(n, np.int64),
        np.empty(n, np.int64),
        np.empty(n, np.int64),
    )
    for k in range(n):
        tau[k], place, target[k] = found[k]
        kind[k], cell[k] = place // per_tau, place % per_tau
    return tau, kind, cell, target
