"""Active areas of anti-kT jets: how much of the plane of rapidity and azimuth each collects.

The area of M. Cacciari, G. Salam, G. Soyez, JHEP 0804 (2008) 005, is that of the infinitely soft
particles ("ghosts") that end in a jet. FastJet clusters thousands of them with each event. But
ghosts do not change what the jets are: each goes to the first that comes to it, a particle or what
several of them had become by then, and that follows from the history of the clustering without
ghosts. The result is the same; here the ghosts are on a regular grid, not in random places.
"""

from typing import NamedTuple

import numpy as np

from sonicmini.modules.anti_kt import IS_NONE, Records
from sonicmini.modules.clustering import History
from sonicmini.modules.columns import Floats, Ints, kernel


class Ghosts(NamedTuple):
    """A grid of ghosts.

    Attributes:
        spacing: of the ghosts in rapidity, and nearly so in azimuth.
        y_max: largest rapidity; what is beyond does not count, as in CMS.
    """

    spacing: float = 0.1
    y_max: float = 5.0


class _Grid(NamedTuple):
    """The ghosts of an event, by row.

    Attributes:
        time: the distance of the algorithm at which each was clustered, infinite for none.
        jet: the jet that it went to.
        n_y: rows.
        n_phi: ghosts of a row.
        d_y: distance of the rows.
        d_phi: distance of the ghosts of a row.
        y_max: where the last row ends.
    """

    time: Floats
    jet: Ints
    n_y: int
    n_phi: int
    d_y: float
    d_phi: float
    y_max: float


def active_areas(history: History, n_jets: int, radius: float, ghosts: Ghosts) -> Floats:
    """The active area of each jet, shape ``(n_jets,)``.

    Args:
        history: of the clustering.
        n_jets: number of jets of all events.
        radius: that the jets were made with.
        ghosts: where they are.
    """
    return _areas(history.nodes, history.offsets, history.jet, np.zeros(n_jets), (radius, ghosts))


@kernel
def _areas(
    nodes: Records, offsets: Ints, jet: Ints, area: Floats, how: tuple[float, Ghosts]
) -> Floats:
    radius, ghosts = how
    n_y = max(1, int(2 * ghosts.y_max / ghosts.spacing + 0.5))
    n_phi = max(1, int(2 * np.pi / ghosts.spacing + 0.5))
    d_y, d_phi = 2 * ghosts.y_max / n_y, 2 * np.pi / n_phi
    time, owner = np.empty(n_y * n_phi), np.empty(n_y * n_phi, dtype=np.int64)
    grid = _Grid(time, owner, n_y, n_phi, d_y, d_phi, ghosts.y_max)
    for event in range(len(offsets) - 1):
        time[:], owner[:] = np.inf, -1
        for i in range(2 * offsets[event], 2 * offsets[event + 1]):
            if nodes[i].child != IS_NONE:
                _collect(grid, nodes, i, jet[i], radius)
        for ghost in range(len(owner)):
            if owner[ghost] >= 0:
                area[owner[ghost]] += d_y * d_phi
    return area


@kernel
def _collect(grid: _Grid, nodes: Records, i: int, jet: int, radius: float) -> None:
    """Gives a node the ghosts that it came to before all others so far."""
    y, phi, scale, start = nodes[i].y, nodes[i].phi, nodes[i].scale, nodes[i].start
    reach2 = min(nodes[i].reach / scale, radius**2)
    reach = np.sqrt(reach2)
    if not reach > 0.3 * grid.d_y:  # hardly a ghost, if any, and most often one of the same jet
        return
    low = max(0, int(np.ceil((y - reach + grid.y_max) / grid.d_y - 0.5)))
    high = min(grid.n_y - 1, int(np.floor((y + reach + grid.y_max) / grid.d_y - 0.5)))
    for row in range(low, high + 1):
        dy2 = ((row + 0.5) * grid.d_y - grid.y_max - y) ** 2
        width = np.sqrt(max(0.0, reach2 - dy2))
        left = int(np.ceil((phi - width) / grid.d_phi - 0.5))
        right = int(np.floor((phi + width) / grid.d_phi - 0.5))
        right = min(right, left + grid.n_phi - 1)
        for column in range(left, right + 1):
            wrapped = column + grid.n_phi if column < 0 else column
            wrapped = wrapped - grid.n_phi if wrapped >= grid.n_phi else wrapped
            ghost = row * grid.n_phi + wrapped
            time = max((dy2 + ((column + 0.5) * grid.d_phi - phi) ** 2) * scale, start)
            if time < grid.time[ghost]:
                grid.time[ghost], grid.jet[ghost] = time, jet
