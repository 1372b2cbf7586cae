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
    + [(name, np.int64) for name in ("child", "born")],
    align=True,
)
# key: the distance of the algorithm, infinite for empty slots; nearest: slot of the nearest softer
# one within the radius, -1 for none; distance2: of it in rapidity and azimuth; after, before:
# others of the same tile; node: in the slot; winner: the slot of the least key of a part of all, in
# place 1 of all, in place k of those of 2 k and 2 k + 1. A slot fills a line of the cache.
_SLOT = np.dtype(
    [(name, np.float64) for name in ("y", "phi", "scale", "key", "distance2")]
    + [(name, np.int32) for name in ("nearest", "after", "before", "tile", "node", "winner")],
    align=True,
)


# One row for each tile; sides are at least the radius, and there is a border of empty rows.
_HEAD, _VISITED, _AROUND = 0, 1, 2  # a slot, -1 for none; the last step here; nine tiles from here


class _Tiling(NamedTuple):
    """Where the tiles are; at least three in azimuth."""

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
        was clustered while there was; ``born``, the step in which it came.
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
    tiling = _tiling(nodes[first : first + n], radius)
    tiles = _tiles(tiling)
    slots = _slots(nodes, first, n, tiles, tiling)
    made, largest = first + n, 0.0
    peaks, n_peaks = np.empty((n, 2)), 0
    for step in range(n):
        i = slots[1].winner
        j, distance = slots[i].nearest, slots[i].key
        largest = max(largest, distance)
        n_peaks = _add_peak(peaks, n_peaks, step, distance)
        node = nodes[slots[i].node]
        node.reach = _highest(peaks, n_peaks, node.born)
        _leave(slots, tiles, i)
        if j < 0:
            node.child = IS_JET
            _set_key(slots, i, np.inf)
            continue
        other = nodes[slots[j].node]
        other.reach = _highest(peaks, n_peaks, other.born)
        _leave(slots, tiles, j)
        _set_key(slots, j, np.inf)
        node.child = other.child = made
        p4 = (node.px + other.px, node.py + other.py, node.pz + other.pz, node.e + other.e)
        _make(nodes, made, p4, largest)
        nodes[made].born = step + 1
        old = slots[i].tile
        _enter(slots, tiles, nodes, (i, made, _tile_of(nodes, made, tiling)))
        made += 1
        _repair(slots, tiles, (j, i, old, step), radius**2)


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
def _tiling(nodes: Records, radius: float) -> _Tiling:
    y_min, y_max = _Y_MAX, -_Y_MAX
    for i in range(len(nodes)):
        y_min, y_max = min(y_min, nodes[i].y), max(y_max, nodes[i].y)
    y_min = max(y_min, -_Y_MAX)
    y_max = min(max(y_max, y_min), _Y_MAX)
    n_y = int((y_max - y_min) / radius) + 1
    return _Tiling(y_min, n_y, max(3, int(2 * np.pi / radius)), radius)


@kernel
def _tiles(tiling: _Tiling) -> Ints:
    n_y, n_phi = tiling.n_y, tiling.n_phi
    tiles = np.full(((n_y + 2) * n_phi, _AROUND + 9), -1)
    for row in range(1, n_y + 1):
        for column in range(n_phi):
            for k in range(9):
                near = (column + k // 3 - 1 + n_phi) % n_phi
                tiles[row * n_phi + column, _AROUND + k] = (row + k % 3 - 1) * n_phi + near
    return tiles


@kernel
def _tile_of(nodes: Records, i: int, tiling: _Tiling) -> int:
    node = nodes[i]
    row = max(0, min(tiling.n_y - 1, int((node.y - tiling.y_min) / tiling.radius)))
    column = max(0, min(tiling.n_phi - 1, int(node.phi / (2 * np.pi) * tiling.n_phi)))
    return (row + 1) * tiling.n_phi + column


@kernel
def _slots(nodes: Records, first: int, n: int, tiles: Ints, tiling: _Tiling) -> Records:
    """The particles of an event in slots, and a tree with the slot of the least key at place 1."""
    leaves = 2
    while leaves < n:
        leaves *= 2
    slots = np.empty(leaves, dtype=_SLOT)
    for i in range(leaves):
        slots[i].key = np.inf
    for i in range(n):
        _enter(slots, tiles, nodes, (i, first + i, _tile_of(nodes, first + i, tiling)))
        nodes[first + i].born = 0
    for i in range(n):
        slots[i].key = _find_nearest(slots, tiles, i, tiling.radius**2)
    for place in range(leaves - 1, 0, -1):
        _compete(slots, place)
    return slots


@kernel
def _enter(slots: Records, tiles: Ints, nodes: Records, what: tuple[int, int, int]) -> None:
    i, node, tile = what
    slot = slots[i]
    slot.y, slot.phi, slot.scale = nodes[node].y, nodes[node].phi, nodes[node].scale
    head = tiles[tile, _HEAD]
    slot.node, slot.tile, slot.after, slot.before = node, tile, head, -1
    if head >= 0:
        slots[head].before = i
    tiles[tile, _HEAD] = i


@kernel
def _leave(slots: Records, tiles: Ints, i: int) -> None:
    before, after = slots[i].before, slots[i].after
    if before >= 0:
        slots[before].after = after
    else:
        tiles[slots[i].tile, _HEAD] = after
    if after >= 0:
        slots[after].before = before


@kernel
def _distance2(slots: Records, i: int, j: int) -> float:
    d_phi = abs(slots[i].phi - slots[j].phi)
    d_phi = min(d_phi, 2 * np.pi - d_phi)
    distance2: float = (slots[i].y - slots[j].y) ** 2 + d_phi**2
    return distance2


@kernel
def _find_nearest(slots: Records, tiles: Ints, i: int, radius2: float) -> float:
    """Sets the nearest softer neighbour and returns the distance of the algorithm."""
    slot = slots[i]
    best, nearest = radius2, -1
    for turn in range(_AROUND, _AROUND + 9):
        j = tiles[tiles[slot.tile, turn], _HEAD]
        while j >= 0:
            d2 = _distance2(slots, i, j)
            if d2 < best and slots[j].scale >= slot.scale and j != i:  # seldom true at first
                best, nearest = d2, j
            j = slots[j].after
    slot.nearest, slot.distance2 = nearest, best
    return _key(best, slot.scale)


@kernel
def _key(distance2: float, scale: float) -> float:
    key: float = distance2 * scale
    return key if key < _LARGEST else _LARGEST  # noqa: FURB136 - also if it is no number


@kernel
def _compete(slots: Records, place: int) -> None:
    left = 2 * place - len(slots)
    right = left + 1
    if left < 0:
        left, right = slots[2 * place].winner, slots[2 * place + 1].winner
    slots[place].winner = left if slots[left].key <= slots[right].key else right


@kernel
def _set_key(slots: Records, i: int, key: float) -> None:
    slots[i].key = key
    place = (i + len(slots)) // 2
    while place > 0:
        old = slots[place].winner
        _compete(slots, place)
        if slots[place].winner == old and old != i:
            break
        place //= 2


@kernel
def _repair(slots: Records, tiles: Ints, what: tuple[int, int, int, int], radius2: float) -> None:
    """Finds new neighbours after slot ``gone`` has become a part of slot ``changed``."""
    gone, changed, old, step = what
    moved = slots[changed]
    moved.nearest, moved.distance2 = -1, radius2
    for source, tile in enumerate((moved.tile, old, slots[gone].tile)):
        if source > 0 and tile == moved.tile:
            continue
        for turn in range(_AROUND, _AROUND + 9):
            near = tiles[tile, turn]
            if tiles[near, _VISITED] != step:
                tiles[near, _VISITED] = step
                if tiles[near, _HEAD] >= 0:
                    _repair_tile(slots, tiles, (near, gone, changed), radius2)
    _set_key(slots, changed, _key(moved.distance2, moved.scale))


@kernel
def _repair_tile(slots: Records, tiles: Ints, what: tuple[int, int, int], radius2: float) -> None:
    tile, gone, changed = what
    moved = slots[changed]
    k = tiles[tile, _HEAD]
    while k >= 0:
        slot = slots[k]
        if k != changed:
            d2 = _distance2(slots, k, changed)
            if d2 < moved.distance2 and slot.scale >= moved.scale:
                moved.nearest, moved.distance2 = k, d2
            if slot.nearest == gone or slot.nearest == changed:  # noqa: PLR1714 - faster
                _set_key(slots, k, _find_nearest(slots, tiles, k, radius2))
            elif d2 < slot.distance2 and moved.scale >= slot.scale:
                slot.nearest, slot.distance2 = changed, d2
                _set_key(slots, k, _key(d2, slot.scale))
        k = slot.after
