"""The grids around a tau: which object is seen in which cell.

CMSSW: ``DeepTauIdBase`` (``RecoTauTag/RecoTau``) with the indices of version 2.5. A grid is centred
on the tau's direction; of the objects of a type in one cell only the hardest is seen.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sonicmini.modules.columns import Floats, Ints, kernel

OUTER_RADIUS: Final = 0.5
"""Objects farther from the tau are in neither grid."""

_CONE, _MIN_PT, _MIN_RADIUS = 3.0, 30.0, 0.05  # GeV, GeV, none


Singles: TypeAlias = NDArray[np.float32]


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

    pt: Singles
    eta: Singles
    phi: Singles
    kind: Ints
    offsets: Ints


class Centres(NamedTuple):
    """Taus: direction and event, shape ``(taus,)``."""

    eta: Floats
    phi: Floats
    event: Ints


class Near(NamedTuple):
    """Objects near taus, by tau and place.

    Attributes:
        tau: position among the taus, shape ``(pairs,)`` as the others.
        target: position among the objects.
        d_eta: pseudorapidity of the object less that of the tau.
        d_phi: the same of azimuth, from -pi to pi.
    """

    tau: Ints
    target: Ints
    d_eta: Floats
    d_phi: Floats

    def within(self, radius: Floats) -> "Near":
        """Those nearer to their tau than its radius, shape ``(taus,)``."""
        inside = np.flatnonzero(self.d_eta**2 + self.d_phi**2 < radius[self.tau] ** 2)
        tau, target = self.tau[inside], self.target[inside]
        return Near(tau, target, self.d_eta[inside], self.d_phi[inside])


class Seen(NamedTuple):
    """Objects in cells, by tau; one per tau, type and cell.

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


def near(taus: Centres, objects: Objects) -> Near:
    """The objects that are in the outer grid of each tau, of the same events."""
    eta = np.where(objects.kind >= 0, objects.eta, np.float32(np.inf))
    return Near(*_near(taus, objects._replace(eta=eta), OUTER_RADIUS))


def seen(grid: Grid, around: Near, objects: Objects, kinds: int) -> Seen:
    """The hardest object of each type in each cell; of equally hard ones the first.

    Args:
        grid: the cells.
        around: what may be in them.
        objects: that it is of.
        kinds: number of types of objects.
    """
    row, column = (_index(distance, grid) for distance in (around.d_eta, around.d_phi))
    inside = np.flatnonzero((row >= 0) & (column >= 0))
    tau, target = around.tau[inside], around.target[inside]
    cell, kind = (row * grid.cells + column)[inside], objects.kind[target]
    place = kind * grid.cells**2 + cell
    first = _hardest(tau, place, objects.pt[target], kinds * grid.cells**2)
    return Seen(tau[first], kind[first], cell[first], target[first])


def occupied(grid: Grid, views: Sequence[Seen], n_taus: int) -> tuple[Cells, tuple[Ints, ...]]:
    """The cells in which anything is, and for each view in which of them each object is."""
    per_tau = grid.cells**2
    keys = [view.tau * per_tau + view.cell for view in views]
    filled = np.zeros(n_taus * per_tau, np.bool_)
    for key in keys:
        filled[key] = True
    distinct = np.flatnonzero(filled)
    order = np.cumsum(filled) - 1
    tau = distinct // per_tau
    cells = Cells(tau, distinct % per_tau, np.bincount(tau, minlength=n_taus))
    return cells, tuple(order[key] for key in keys)


def _index(distance: Floats, grid: Grid) -> Ints:
    """Index along one side, -1 outside."""
    half = grid.cells // 2
    steps = np.floor(np.abs(distance) / grid.cell_size + 0.5)
    # On the outer edge itself the step would lead beyond the last cell.
    index = half + np.copysign(np.minimum(steps, half), distance)
    outside = np.abs(distance) > grid.cell_size * (0.5 + half)
    return np.where(outside, -1, index).astype(np.int64)


@kernel
def _near(taus: Centres, objects: Objects, radius: float) -> tuple[Ints, Ints, Floats, Floats]:
    found = [(0, 0, 0.0, 0.0) for _ in range(0)]
    close = np.empty(np.max(np.diff(objects.offsets)) + 1 if len(taus.eta) else 1, np.int64)
    for t in range(len(taus.eta)):
        eta, phi, event = taus.eta[t], taus.phi[t], taus.event[t]
        n_close = 0
        # Without branches: most objects are far away, and which are cannot be foreseen.
        for i in range(objects.offsets[event], objects.offsets[event + 1]):
            close[n_close] = i
            n_close += int(abs(objects.eta[i] - eta) < radius)
        for i in close[:n_close]:
            d_eta, d_phi = objects.eta[i] - eta, objects.phi[i] - phi
            d_phi = (d_phi + np.pi) % (2.0 * np.pi) - np.pi
            if d_eta**2 + d_phi**2 < radius**2:
                found.append((t, i, d_eta, d_phi))
    n = len(found)
    tau, target = np.empty(n, np.int64), np.empty(n, np.int64)
    d_etas, d_phis = np.empty(n), np.empty(n)
    for k in range(n):
        tau[k], target[k], d_etas[k], d_phis[k] = found[k]
    return tau, target, d_etas, d_phis


@kernel
def _hardest(tau: Ints, place: Ints, pt: Singles, places: int) -> Ints:
    """Positions of the first with the largest pT of each tau and place.

    Args:
        tau: ascending, shape ``(objects,)`` as ``place`` and ``pt``.
        place: type and cell of each object.
        pt: of each object.
        places: number of them.
    """
    best = np.full(places, -1)
    kept = np.empty(len(tau), np.int64)
    n = start = 0
    for k in range(len(tau)):
        if best[place[k]] < 0 or pt[k] > pt[best[place[k]]]:
            best[place[k]] = k
        if k + 1 < len(tau) and tau[k + 1] == tau[k]:
            continue
        for j in range(start, k + 1):
            if best[place[j]] >= 0:
                kept[n] = best[place[j]]
                best[place[j]] = -1
                n += 1
        start = k + 1
    return kept[:n]
