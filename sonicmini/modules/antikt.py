"""Anti-kT clustering for the steps that only need the jets' momenta, without the interpreter lock.

M. Cacciari, G. Salam, G. Soyez, JHEP 04 (2008) 063. The nearest neighbours are kept in tiles as in
FastJet (M. Cacciari, G. Salam, Phys. Lett. B 641 (2006) 57), the least distance in a tournament
tree. Jets that are products come from FastJet itself (``jets.py``), against which this is tested.
"""

import math
from typing import NamedTuple

import numpy as np

from sonicmini.modules.columns import Bools, Floats, Ints, kernel

_RAPIDITY_MAX = 6.0  # beyond it particles share the outermost tiles
_INFINITY = 1e300


class _State(NamedTuple):
    """Pseudojets by slot, their nearest neighbours, and the lists of those in each tile."""

    p4: Floats  # (particles, 4): px, py, pz, E
    where: Floats  # (particles, 3): rapidity, azimuth, 1/pT^2
    neighbour: Ints  # slot of the nearest neighbour within the radius, -1 for none
    dr2: Floats  # its squared distance, else the squared radius
    tile: Ints
    head: Ints  # first slot of each tile, -1 for none
    after: Ints  # next slot in the same tile, -1 for none
    before: Ints
    tree: Floats  # the tournament: leaves are distances by slot, each node the least below it
    around: Ints  # (tiles, 9): a tile and its neighbours, -1 beyond the outermost rows


@kernel
def anti_kt(p4: Floats, radius: float, around: Ints) -> Floats:
    """Inclusive jets of one event, in the order in which the clustering finishes them.

    Args:
        p4: momenta, shape ``(particles, 4)``: px, py, pz, E; not modified.
        radius: above 0, at most 2.
        around: :func:`tile_neighbours` of the radius, made once for many events.

    Returns:
        Momenta of the jets (E scheme), shape ``(jets, 4)``.
    """
    n = len(p4)
    jets = np.empty((n, 4))
    n_jets = 0
    if n == 0:
        return jets
    state = _start(p4, radius, around)
    for _ in range(n):  # each step takes one pseudojet away
        i = _least(state.tree)
        j = state.neighbour[i]
        _remove(state, i)
        if j < 0:
            jets[n_jets] = state.p4[i]
            n_jets += 1
            _update_around(state, state.tile[i], (i, i), radius)
        else:
            _remove(state, j)
            old = state.tile[j]
            state.p4[j] += state.p4[i]
            _place(state, j, radius)
            _search(state, j, radius)
            _update_around(state, state.tile[i], (i, j), radius)
            if old != state.tile[i]:
                _update_around(state, old, (i, j), radius)
            if state.tile[j] != old and state.tile[j] != state.tile[i]:
                _update_around(state, state.tile[j], (i, j), radius)
    return jets[:n_jets]


@kernel
def _tiles(radius: float) -> tuple[int, int]:
    """Rows in rapidity and columns in azimuth; tiles are at least a radius wide."""
    return int(2.0 * _RAPIDITY_MAX / radius) + 1, int(2.0 * math.pi / radius)


class Jets(NamedTuple):
    """Jets of many events: momenta of shape ``(jets, 4)`` and the offsets of the events."""

    p4: Floats
    offsets: Ints


@kernel
def anti_kt_events(p4: Floats, offsets: Ints, wanted: Bools, radius: float, pt_min: float) -> Jets:
    """The jets above ``pt_min`` of the wanted events; the others get none.

    Args:
        p4: momenta of the particles of all events, shape ``(particles, 4)``: px, py, pz, E.
        offsets: of the events.
        wanted: shape ``(events,)``.
        radius: of the clustering.
        pt_min: in GeV.
    """
    around = tile_neighbours(radius)
    kept = np.empty_like(p4)
    ends = np.zeros_like(offsets)
    n = 0
    for event in range(len(offsets) - 1):
        if wanted[event]:
            jets = anti_kt(p4[offsets[event] : offsets[event + 1]], radius, around)
            for jet in jets:
                if jet[0] ** 2 + jet[1] ** 2 > pt_min**2:
                    kept[n] = jet
                    n += 1
        ends[event + 1] = n
    return Jets(kept[:n].copy(), ends)


@kernel
def tile_neighbours(radius: float) -> Ints:
    """Each tile and the tiles around it, shape ``(tiles, 9)``, -1 for none."""
    rows, columns = _tiles(radius)
    around = np.full((rows * columns, 9), -1)
    for tile in range(rows * columns):
        row, column = tile // columns, tile % columns
        for k in range(9):
            near = row + k // 3 - 1
            if 0 <= near < rows:
                around[tile, k] = near * columns + (column + k % 3 - 1) % columns
    return around


@kernel
def _start(p4: Floats, radius: float, around: Ints) -> _State:
    n = len(p4)
    leaves = 1
    while leaves < n:
        leaves *= 2
    state = _State(
        p4.copy(),
        np.empty((n, 3)),
        np.full(n, -1),
        np.empty(n),
        np.empty(n, dtype=np.int64),
        np.full(len(around), -1),
        np.full(n, -1),
        np.full(n, -1),
        np.full(2 * leaves, _INFINITY),
        around,
    )
    for i in range(n):
        _place(state, i, radius)
    for i in range(n):
        _search(state, i, radius)
    return state


@kernel
def _place(state: _State, i: int, radius: float) -> None:
    """Puts a pseudojet at the head of its tile's list."""
    px, py, pz, energy = state.p4[i]
    pt2 = px * px + py * py
    mass2 = max(energy * energy - pt2 - pz * pz, 0.0)
    rapidity = math.copysign(1e5, pz)
    if pt2 + mass2 > 0.0:
        rapidity = math.copysign(
            math.log((math.sqrt(pt2 + mass2 + pz * pz) + abs(pz)) / math.sqrt(pt2 + mass2)), pz
        )
    phi = math.atan2(py, px)
    state.where[i, 0] = rapidity
    state.where[i, 1] = phi
    state.where[i, 2] = 1.0 / pt2 if pt2 > 1e-200 else 1e200
    rows, columns = _tiles(radius)
    row = int(min(max((rapidity + _RAPIDITY_MAX) / radius, 0.0), rows - 1.0))
    column = min(int((phi / (2.0 * math.pi) + 0.5) * columns), columns - 1)
    tile = row * columns + column
    state.tile[i] = tile
    state.before[i] = -1
    state.after[i] = state.head[tile]
    if state.head[tile] >= 0:
        state.before[state.head[tile]] = i
    state.head[tile] = i


@kernel
def _remove(state: _State, i: int) -> None:
    if state.before[i] >= 0:
        state.after[state.before[i]] = state.after[i]
    else:
        state.head[state.tile[i]] = state.after[i]
    if state.after[i] >= 0:
        state.before[state.after[i]] = state.before[i]
    _set(state.tree, i, _INFINITY)


@kernel
def _distance2(where: Floats, i: int, j: int) -> float:
    dphi = abs(where[i, 1] - where[j, 1])
    if dphi > math.pi:
        dphi = 2.0 * math.pi - dphi
    dy = where[i, 0] - where[j, 0]
    return float(dy * dy + dphi * dphi)


@kernel
def _search(state: _State, i: int, radius: float) -> None:
    """Finds the nearest neighbour of a pseudojet and enters its distance into the tournament."""
    best, nearest = radius * radius, -1
    for near in state.around[state.tile[i]]:
        k = state.head[near] if near >= 0 else -1
        while k >= 0:
            if k != i:
                dr2 = _distance2(state.where, i, k)
                if dr2 < best:
                    best, nearest = dr2, k
            k = state.after[k]
    state.dr2[i] = best
    state.neighbour[i] = nearest
    _enter(state, i)


@kernel
def _update_around(state: _State, tile: int, gone: tuple[int, int], radius: float) -> None:
    """Corrects the neighbours of those near a tile in which pseudojets vanished or appeared.

    Args:
        state: of the clustering.
        tile: where it happened.
        gone: slots that were merged; the second now holds their sum, if it is still alive.
        radius: of the clustering.
    """
    removed, merged = gone
    for near in state.around[tile]:
        k = state.head[near] if near >= 0 else -1
        while k >= 0:
            if state.neighbour[k] == removed or state.neighbour[k] == merged:
                _search(state, k, radius)
            elif merged not in (removed, k):
                dr2 = _distance2(state.where, k, merged)
                if dr2 < state.dr2[k]:
                    state.dr2[k] = dr2
                    state.neighbour[k] = merged
                    _enter(state, k)
            k = state.after[k]


@kernel
def _enter(state: _State, i: int) -> None:
    scale = state.where[i, 2]
    if state.neighbour[i] >= 0:
        scale = min(scale, state.where[state.neighbour[i], 2])
    _set(state.tree, i, scale * state.dr2[i])


@kernel
def _set(tree: Floats, i: int, value: float) -> None:
    node = len(tree) // 2 + i
    tree[node] = value
    while node > 1:
        node //= 2
        least = min(tree[2 * node], tree[2 * node + 1])
        if tree[node] == least:
            break
        tree[node] = least


@kernel
def _least(tree: Floats) -> int:
    """The slot with the least distance, the first of equal ones."""
    node, leaves = 1, len(tree) // 2
    while node < leaves:
        node = 2 * node if tree[2 * node] <= tree[2 * node + 1] else 2 * node + 1
    return node - leaves
