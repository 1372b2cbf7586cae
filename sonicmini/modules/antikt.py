"""Anti-kT clustering for the steps that only need the jets' momenta, without the interpreter lock.

M. Cacciari, G. Salam, G. Soyez, JHEP 04 (2008) 063. The nearest neighbours are kept in tiles as in
FastJet (M. Cacciari, G. Salam, Phys. Lett. B 641 (2006) 57), the least distance in a tournament
tree. Jets that are products come from FastJet itself (``clustering.py``), against which this is
tested.
"""

import math
from typing import NamedTuple

import numpy as np

from sonicmini.modules.columns import Bools, Floats, Ints, kernel

_RAPIDITY_MAX = 6.0  # beyond it particles share the outermost tiles
_INFINITY = 1e300

# Columns of the tables of _State. Few tables with many columns: each costs at every call.
_RAPIDITY, _PHI, _INVERSE_PT2, _DR2 = 0, 1, 2, 3
_NEIGHBOUR, _TILE, _AFTER, _BEFORE = 0, 1, 2, 3
_HEAD, _VISITED, _AROUND = 0, 1, 2


class Jets(NamedTuple):
    """Jets of many events: momenta of shape ``(jets, 4)`` and the offsets of the events."""

    p4: Floats
    offsets: Ints


class _State(NamedTuple):
    """Pseudojets, each in the slot of one of its particles, and the lists of those in each tile.

    Attributes:
        p4: px, py, pz, E of each slot.
        place: rapidity, azimuth, 1/pT^2, and the squared distance of the nearest neighbour, else
            the squared radius.
        link: slot of the nearest neighbour within the radius, tile, next and last slot in the same
            tile; -1 for none.
        tiles: first slot, slot removed by the last merger that was seen here, and the tile itself
            with those around it; -1 for none.
        tree: the tournament: leaves are distances by slot, each node the least below it.
    """

    p4: Floats
    place: Floats
    link: Ints
    tiles: Ints
    tree: Floats


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
    tiles = empty_tiles(radius)
    kept = np.empty_like(p4)
    ends = np.zeros_like(offsets)
    n = 0
    for event in range(len(offsets) - 1):
        if wanted[event]:
            jets = anti_kt(p4[offsets[event] : offsets[event + 1]], radius, tiles)
            for jet in jets:
                if jet[0] ** 2 + jet[1] ** 2 > pt_min**2:
                    kept[n] = jet
                    n += 1
        ends[event + 1] = n
    return Jets(kept[:n].copy(), ends)


@kernel
def anti_kt(p4: Floats, radius: float, tiles: Ints) -> Floats:
    """Inclusive jets of one event, in the order in which the clustering finishes them.

    Args:
        p4: momenta, shape ``(particles, 4)``: px, py, pz, E; not modified.
        radius: above 0, at most 2.
        tiles: :func:`empty_tiles` of the radius, made once for many events; not modified.

    Returns:
        Momenta of the jets (E scheme), shape ``(jets, 4)``.
    """
    n = len(p4)
    jets = np.empty((n, 4))
    n_jets = 0
    if n == 0:
        return jets
    state = _start(p4, radius, tiles)
    for _ in range(n):  # each step takes one pseudojet away
        i = _least(state.tree)
        j = state.link[i, _NEIGHBOUR]
        _remove(state, i)
        if j < 0:  # and none has it as its neighbour, for none is within the radius
            for k in range(4):
                jets[n_jets, k] = state.p4[i, k]
            n_jets += 1
        else:
            _merge(state, i, j, radius)
    return jets[:n_jets]


@kernel
def _tiling(radius: float) -> tuple[int, int]:
    """Rows in rapidity and columns in azimuth; tiles are at least a radius wide."""
    return int(2.0 * _RAPIDITY_MAX / radius) + 1, int(2.0 * math.pi / radius)


@kernel
def empty_tiles(radius: float) -> Ints:
    """The tiles without pseudojets, each with the tiles around it."""
    rows, columns = _tiling(radius)
    tiles = np.full((rows * columns, _AROUND + 9), -1)
    for tile in range(rows * columns):
        row, column = tile // columns, tile % columns
        for k in range(9):
            near = row + k // 3 - 1
            if 0 <= near < rows:
                tiles[tile, _AROUND + k] = near * columns + (column + k % 3 - 1) % columns
    return tiles


@kernel
def _start(p4: Floats, radius: float, tiles: Ints) -> _State:
    n = len(p4)
    leaves = 1
    while leaves < n:
        leaves *= 2
    tree = np.full(2 * leaves, _INFINITY)
    state = _State(p4.copy(), np.empty((n, 4)), np.full((n, 4), -1), tiles.copy(), tree)
    for i in range(n):
        _put(state, i, radius)
    for i in range(n):
        _search(state, i, radius)
    return state


@kernel
def _put(state: _State, i: int, radius: float) -> None:
    """Computes where a pseudojet is and puts it at the head of its tile's list."""
    px, py, pz, energy = state.p4[i, 0], state.p4[i, 1], state.p4[i, 2], state.p4[i, 3]
    pt2 = px * px + py * py
    mt2 = max(energy * energy - pz * pz, pt2)
    rapidity = math.copysign(1e5 + abs(pz), pz)
    if mt2 > 0.0:
        rapidity = math.copysign(math.asinh(abs(pz) / math.sqrt(mt2)), pz)
    phi = math.atan2(py, px)
    state.place[i, _RAPIDITY] = rapidity
    state.place[i, _PHI] = phi
    state.place[i, _INVERSE_PT2] = 1.0 / pt2 if pt2 > 1e-200 else 1e200
    rows, columns = _tiling(radius)
    row = int(min(max((rapidity + _RAPIDITY_MAX) / radius, 0.0), rows - 1.0))
    column = min(int((phi / (2.0 * math.pi) + 0.5) * columns), columns - 1)
    tile = row * columns + column
    head = state.tiles[tile, _HEAD]
    state.link[i, _TILE] = tile
    state.link[i, _BEFORE] = -1
    state.link[i, _AFTER] = head
    if head >= 0:
        state.link[head, _BEFORE] = i
    state.tiles[tile, _HEAD] = i


@kernel
def _remove(state: _State, i: int) -> None:
    before, after = state.link[i, _BEFORE], state.link[i, _AFTER]
    if before >= 0:
        state.link[before, _AFTER] = after
    else:
        state.tiles[state.link[i, _TILE], _HEAD] = after
    if after >= 0:
        state.link[after, _BEFORE] = before
    _set(state.tree, i, _INFINITY)


@kernel
def _merge(state: _State, i: int, j: int, radius: float) -> None:
    """Adds pseudojet ``i``, which is removed already, to ``j`` and corrects the neighbours.

    Only pseudojets around the old and new places can have had one of the two as their neighbour,
    or can have the sum as it now.
    """
    places = state.link[i, _TILE], state.link[j, _TILE]
    _remove(state, j)
    for c in range(4):
        state.p4[j, c] += state.p4[i, c]
    _put(state, j, radius)
    _search(state, j, radius)
    for place in (*places, state.link[j, _TILE]):
        for m in range(9):
            tile = state.tiles[place, _AROUND + m]
            if tile < 0 or state.tiles[tile, _VISITED] == i:
                continue
            state.tiles[tile, _VISITED] = i
            k = state.tiles[tile, _HEAD]
            while k >= 0:
                neighbour = state.link[k, _NEIGHBOUR]
                if neighbour in (i, j):
                    _search(state, k, radius)
                elif k != j:
                    dr2 = _distance2(state.place, k, j)
                    if dr2 < state.place[k, _DR2]:
                        state.place[k, _DR2] = dr2
                        state.link[k, _NEIGHBOUR] = j
                        _enter(state, k)
                k = state.link[k, _AFTER]


@kernel
def _search(state: _State, i: int, radius: float) -> None:
    """Finds the nearest neighbour of a pseudojet and enters its distance into the tournament."""
    best, nearest = radius * radius, -1
    for m in range(9):
        tile = state.tiles[state.link[i, _TILE], _AROUND + m]
        k = state.tiles[tile, _HEAD] if tile >= 0 else -1
        while k >= 0:
            if k != i:
                dr2 = _distance2(state.place, i, k)
                if dr2 < best:
                    best, nearest = dr2, k
            k = state.link[k, _AFTER]
    state.place[i, _DR2] = best
    state.link[i, _NEIGHBOUR] = nearest
    _enter(state, i)


@kernel
def _distance2(place: Floats, i: int, j: int) -> float:
    dphi = abs(place[i, _PHI] - place[j, _PHI])
    dphi = min(dphi, 2.0 * math.pi - dphi)
    dy = place[i, _RAPIDITY] - place[j, _RAPIDITY]
    return float(dy * dy + dphi * dphi)


@kernel
def _enter(state: _State, i: int) -> None:
    scale = state.place[i, _INVERSE_PT2]
    neighbour = state.link[i, _NEIGHBOUR]
    if neighbour >= 0:
        scale = min(scale, state.place[neighbour, _INVERSE_PT2])
    _set(state.tree, i, scale * state.place[i, _DR2])


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
