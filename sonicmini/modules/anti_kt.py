"""Anti-kT clustering of many events, with the history from which the areas of jets follow.

The algorithm of M. Cacciari, G. Salam, G. Soyez, JHEP 0804 (2008) 063, in the E scheme. As in
FastJet (M. Cacciari, G. Salam, Phys. Lett. B 641 (2006) 57) each particle knows its nearest
neighbour and looks for it in the tiles around it only. Here that is the nearest of the softer
ones: of two that are clustered, the harder one has the other as its nearest. So what a jet takes
up one by one need not look for the jet again each time. No lock is held.
"""

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sonicmini.modules.columns import Floats, Ints, kernel

Records: TypeAlias = NDArray[Any]

_LARGEST = 1e300  # distance of what cannot be compared; that of empty slots is infinite
_Y_MAX = 12.0  # of the tiles; what is beyond is in the last ones
IS_JET, IS_NONE = -1, -2

_NODE = np.dtype(
    [(name, np.float64) for name in ("px", "py", "pz", "e", "y", "phi", "scale", "start", "reach")]
    + [("child", np.int64)],
    align=True,
)
# key: the distance of the algorithm, infinite for empty slots; nearest: slot of the nearest softer
# one within the radius, -1 for none; distance2: of it in rapidity and azimuth; after, before:
# others of the same tile; node: in the slot; born: the step in which it came.
_SLOT = np.dtype(
    [(name, np.float64) for name in ("y", "phi", "scale", "key", "distance2")]
    + [(name, np.int64) for name in ("nearest", "after", "before", "tile", "node", "born")],
    align=True,
)


class _Tiles(NamedTuple):
    """Tiles with sides of at least the radius, within a border of empty rows.

    Attributes:
        head: a slot of each tile, -1 for none.
        visited: the last step that looked at each.
        around: the nine tiles around each, shape ``(tiles, 9)``.
    """

    head: Ints
    visited: Ints
    around: Ints
    y_min: float
    n_y: int
    n_phi: int
    radius: float


@kernel
def cluster(p4: Floats, offsets: Ints, radius: float) -> Records:
    """Clusters the particles of each event.

    Distances are those of the paper times the square of the radius.

    Args:
        p4: px, py, pz, E (GeV) of the particles, shape ``(particles, 4)``.
        offsets: of the events.
        radius: of the jets.

    Returns:
        The nodes: particles, and what two nodes became. Shape ``(2 * particles,)``; those of event
        ``i`` start at ``2 * offsets[i]``, its particles first. Their px, py, pz, e; rapidity
        ``y``, azimuth ``phi`` from 0 to 2 pi; ``scale``, 1 / pT2; ``child``, the place of what the
        node became a part of, ``IS_JET``, or ``IS_NONE`` for places without a node; ``start``, the
        largest distance that was clustered before there was the node; ``reach``, the largest that
        was clustered while there was.
    """
    nodes = np.empty(2 * len(p4), dtype=_NODE)
    for event in range(len(offsets) - 1):
        first, n = 2 * offsets[event], offsets[event + 1] - offsets[event]
        for i in range(n):
            px, py, pz, e = p4[offsets[event] + i]
            _make(nodes, first + i, (px, py, pz, e), 0.0)
        for i in range(first + n, first + 2 * n):
            nodes[i].child = IS_NONE
        if n > 0:
            _cluster_event(nodes, first, n, radius)
    return nodes


@kernel
def _make(nodes: Records, i: int, p4: tuple[float, float, float, float], start: float) -> None:
    px, py, pz, e = p4
    pt2 = px * px + py * py
    m2 = max(0.0, (e + pz) * (e - pz) - pt2)
    y = 0.5 * np.log((pt2 + m2) / (e + abs(pz)) ** 2)
    phi = np.arctan2(py, px)
    node = nodes[i]
    node.px, node.py, node.pz, node.e = px, py, pz, e
    node.y = -y if pz > 0 else y
    node.phi = phi if phi >= 0 else phi + 2 * np.pi
    node.scale = 1 / pt2
    node.start = start


@kernel
def _cluster_event(nodes: Records, first: int, n: int, radius: float) -> None:
    tiles = _tiles(nodes[first : first + n], radius)
    slots, winner = _slots(nodes, first, n, tiles)
    made, largest = first + n, 0.0
    peaks, n_peaks = np.empty((n, 2)), 0
    for step in range(n):
        i = winner[1]
        j, distance = slots[i].nearest, slots[i].key
        largest = max(largest, distance)
        n_peaks = _add_peak(peaks, n_peaks, step, distance)
        node = nodes[slots[i].node]
        node.reach = _highest(peaks, n_peaks, slots[i].born)
        _leave(slots, i, tiles)
        if j < 0:
            node.child = IS_JET
            _set_key(winner, slots, i, np.inf)
            continue
        other = nodes[slots[j].node]
        other.reach = _highest(peaks, n_peaks, slots[j].born)
        _leave(slots, j, tiles)
        _set_key(winner, slots, j, np.inf)
        node.child = other.child = made
        p4 = (node.px + other.px, node.py + other.py, node.pz + other.pz, node.e + other.e)
        _make(nodes, made, p4, largest)
        old = slots[i].tile
        _enter(slots, i, nodes, made, tiles)
        slots[i].born = step + 1
        made += 1
        _repair(winner, slots, (j, i, old, step), tiles)


@kernel
def _add_peak(peaks: Floats, n_peaks: int, step: int, distance: float) -> int:
    """Keeps the steps with no larger distance after them."""
    while n_peaks > 0 and peaks[n_peaks - 1, 1] <= distance:
        n_peaks -= 1
    peaks[n_peaks, 0], peaks[n_peaks, 1] = step, distance
    return n_peaks + 1


@kernel
def _highest(peaks: Floats, n_peaks: int, born: int) -> float:
    """The largest distance of the steps from ``born``."""
    i = n_peaks - 1
    while i > 0 and peaks[i - 1, 0] >= born:
        i -= 1
    highest: float = peaks[i, 1]
    return highest


@kernel
def _tiles(nodes: Records, radius: float) -> _Tiles:
    y_min, y_max = _Y_MAX, -_Y_MAX
    for i in range(len(nodes)):
        y_min, y_max = min(y_min, nodes[i].y), max(y_max, nodes[i].y)
    y_min = max(y_min, -_Y_MAX)
    y_max = min(max(y_max, y_min), _Y_MAX)
    n_y = int((y_max - y_min) / radius) + 1
    n_phi = max(3, int(2 * np.pi / radius))
    n_tiles = (n_y + 2) * n_phi
    around = np.empty((n_tiles, 9), dtype=np.int64)
    for row in range(1, n_y + 1):
        for column in range(n_phi):
            for k in range(9):
                near = (column + k // 3 - 1 + n_phi) % n_phi
                around[row * n_phi + column, k] = (row + k % 3 - 1) * n_phi + near
    head, visited = np.full(n_tiles, -1), np.full(n_tiles, -1)
    return _Tiles(head, visited, around, y_min, n_y, n_phi, radius)


@kernel
def _slots(nodes: Records, first: int, n: int, tiles: _Tiles) -> tuple[Records, Ints]:
    """The particles of an event in slots, and a tree with the slot of the least key at place 1."""
    leaves = 2
    while leaves < n:
        leaves *= 2
    slots = np.empty(leaves, dtype=_SLOT)
    winner = np.empty(2 * leaves, dtype=np.int64)
    for i in range(leaves):
        winner[leaves + i] = i
        slots[i].key = np.inf
    for i in range(n):
        _enter(slots, i, nodes, first + i, tiles)
        slots[i].born = 0
    for i in range(n):
        slots[i].key = _find_nearest(slots, i, tiles)
    for place in range(leaves - 1, 0, -1):
        _compete(winner, slots, place)
    return slots, winner


@kernel
def _enter(slots: Records, i: int, nodes: Records, node: int, tiles: _Tiles) -> None:
    slot = slots[i]
    y, phi = nodes[node].y, nodes[node].phi
    slot.node, slot.y, slot.phi, slot.scale = node, y, phi, nodes[node].scale
    row = max(0, min(tiles.n_y - 1, int((y - tiles.y_min) / tiles.radius)))
    column = max(0, min(tiles.n_phi - 1, int(phi / (2 * np.pi) * tiles.n_phi)))
    tile = (row + 1) * tiles.n_phi + column
    head = tiles.head[tile]
    slot.tile, slot.after, slot.before = tile, head, -1
    if head >= 0:
        slots[head].before = i
    tiles.head[tile] = i


@kernel
def _leave(slots: Records, i: int, tiles: _Tiles) -> None:
    before, after = slots[i].before, slots[i].after
    if before >= 0:
        slots[before].after = after
    else:
        tiles.head[slots[i].tile] = after
    if after >= 0:
        slots[after].before = before


@kernel
def _distance2(slots: Records, i: int, j: int) -> float:
    d_phi = abs(slots[i].phi - slots[j].phi)
    d_phi = min(d_phi, 2 * np.pi - d_phi)
    distance2: float = (slots[i].y - slots[j].y) ** 2 + d_phi**2
    return distance2


@kernel
def _find_nearest(slots: Records, i: int, tiles: _Tiles) -> float:
    """Sets the nearest softer neighbour and returns the distance of the algorithm."""
    slot = slots[i]
    best, nearest = tiles.radius**2, -1
    for near in tiles.around[slot.tile]:
        j = tiles.head[near]
        while j >= 0:
            if slots[j].scale >= slot.scale and j != i:
                d2 = _distance2(slots, i, j)
                if d2 < best:
                    best, nearest = d2, j
            j = slots[j].after
    slot.nearest, slot.distance2 = nearest, best
    return _key(best, slot.scale)


@kernel
def _key(distance2: float, scale: float) -> float:
    key: float = distance2 * scale
    return key if key < _LARGEST else _LARGEST  # noqa: FURB136 - also if it is no number


@kernel
def _compete(winner: Ints, slots: Records, place: int) -> None:
    left, right = winner[2 * place], winner[2 * place + 1]
    winner[place] = left if slots[left].key <= slots[right].key else right


@kernel
def _set_key(winner: Ints, slots: Records, i: int, key: float) -> None:
    slots[i].key = key
    place = (i + len(winner) // 2) // 2
    while place > 0:
        old = winner[place]
        _compete(winner, slots, place)
        if winner[place] == old and old != i:
            break
        place //= 2


@kernel
def _repair(winner: Ints, slots: Records, what: tuple[int, int, int, int], tiles: _Tiles) -> None:
    """Finds new neighbours after slot ``gone`` has become a part of slot ``changed``."""
    gone, changed, old, step = what
    moved = slots[changed]
    moved.nearest, moved.distance2 = -1, tiles.radius**2
    for source, tile in enumerate((moved.tile, old, slots[gone].tile)):
        if source > 0 and tile == moved.tile:
            continue
        for near in tiles.around[tile]:
            if tiles.visited[near] != step:
                tiles.visited[near] = step
                if tiles.head[near] >= 0:
                    _repair_tile(winner, slots, (tiles.head[near], gone, changed), tiles)
    _set_key(winner, slots, changed, _key(moved.distance2, moved.scale))


@kernel
def _repair_tile(winner: Ints, slots: Records, what: tuple[int, int, int], tiles: _Tiles) -> None:
    k, gone, changed = what
    moved = slots[changed]
    while k >= 0:
        slot = slots[k]
        if k != changed:
            d2 = _distance2(slots, k, changed)
            if slot.scale >= moved.scale and d2 < moved.distance2:
                moved.nearest, moved.distance2 = k, d2
            if slot.nearest == gone or slot.nearest == changed:  # noqa: PLR1714 - faster
                _set_key(winner, slots, k, _find_nearest(slots, k, tiles))
            elif moved.scale >= slot.scale and d2 < slot.distance2:
                slot.nearest, slot.distance2 = changed, d2
                _set_key(winner, slots, k, _key(d2, slot.scale))
        k = slot.after
