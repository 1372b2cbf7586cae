"""Ghosts: particles clustered into jets with next to no momentum, to see where they belong.

CMSSW: ``JetFlavourClustering``, which clusters ghosts together with the constituents of all jets,
by the algorithm that made the jets. A ghost follows the first pseudojet that takes it, and changes
nothing for other ghosts or for the jets. So here each jet is reclustered alone, and each ghost
looks at its history.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np

from sonicmini.modules.columns import Floats, Ints, kernel, offsets_from
from sonicmini.modules.gen.ghosts import Ghosts
from sonicmini.modules.jets.substructure_clustering import History, cluster_history

_Places: TypeAlias = tuple[Floats, Floats, Ints]  # rapidity, azimuth, offsets of the events

_ANTI_KT = -1.0
_REACH = 2.2  # radii from the axis of a jet, beyond which none of its pseudojets takes a ghost


class Jets(NamedTuple):
    """Jets of all events, and what they are made of.

    Attributes:
        y: rapidity of the axes.
        phi: azimuth of the axes.
        offsets: of the events in the jets.
        p4: momenta of constituents: given the places of some among the constituents of all jets,
            px, py, pz, E in GeV, shape ``(places, 4)``.
        members: offsets of the jets in their constituents.
    """

    y: Floats
    phi: Floats
    offsets: Ints
    p4: Callable[[Ints], Floats]
    members: Ints


def associate(ghosts: Ghosts, jets: Jets, *, radius: float) -> Ints:
    """The jet that each ghost is clustered into, among those of all events, -1 for none.

    Args:
        ghosts: of all events.
        jets: of all events.
        radius: of the anti-kT algorithm that made the jets.
    """
    ghost, jet = _near_pairs((ghosts.y, ghosts.phi, ghosts.offsets), jets[:3], _REACH * radius)
    result = np.full(len(ghosts.pt), -1)
    if len(ghost) == 0:
        return result
    used, local = np.unique(jet, return_inverse=True)
    counts = np.diff(jets.members)[used]
    offsets = offsets_from(counts)
    momenta = jets.p4(np.arange(offsets[-1]) + np.repeat(jets.members[used] - offsets[:-1], counts))
    history = cluster_history(momenta, offsets, _ANTI_KT)
    times = _merge_times(history, offsets, (ghosts.y[ghost], ghosts.phi[ghost], local), radius)
    order = np.lexsort((-times, ghost))  # the earliest of each ghost is written last
    order = order[np.isfinite(times[order])]
    result[ghost[order]] = jet[order]
    return result


@kernel
def _distance2(y: float, phi: float, other_y: float, other_phi: float) -> float:
    d_phi = abs(phi - other_phi) % (2 * np.pi)
    d_phi = min(d_phi, 2 * np.pi - d_phi)
    return float((y - other_y) ** 2 + d_phi**2)


@kernel
def _near_pairs(ghosts: _Places, jets: _Places, reach: float) -> tuple[Ints, Ints]:
    """Pairs of ghost and jet that are near each other."""
    (y, phi, offsets), (axis_y, axis_phi, jet_offsets) = ghosts, jets
    n_pairs = 0
    for event in range(len(offsets) - 1):
        n_ghosts = offsets[event + 1] - offsets[event]
        n_pairs += n_ghosts * (jet_offsets[event + 1] - jet_offsets[event])
    first, second = np.empty(n_pairs, dtype=np.int64), np.empty(n_pairs, dtype=np.int64)
    n = 0
    for event in range(len(offsets) - 1):
        for g in range(offsets[event], offsets[event + 1]):
            for j in range(jet_offsets[event], jet_offsets[event + 1]):
                if _distance2(y[g], phi[g], axis_y[j], axis_phi[j]) < reach**2:
                    first[n], second[n] = g, j
                    n += 1
    return first[:n], second[:n]


@kernel
def _merge_times(
    history: History, offsets: Ints, pairs: tuple[Floats, Floats, Ints], radius: float
) -> Floats:
    """When each ghost would be taken by a jet that was alone with it.

    The time of a step is the largest distance of the algorithm up to it: in this order the steps of
    several jets happen that are clustered at the same time.

    Args:
        history: of the jets, anti-kT.
        offsets: of the jets in their constituents.
        pairs: rapidity and azimuth of the ghost, and the jet.
        radius: of the algorithm.

    Returns:
        The time, infinite for ghosts that are not taken, shape ``(pairs,)``.
    """
    least = _least_distances(history, offsets, radius)
    times = np.empty(len(pairs[2]))
    for i in range(len(times)):
        jet = pairs[2][i]
        first, last = offsets[jet], offsets[jet + 1]
        times[i] = _merge_time(
            (pairs[0][i], pairs[1][i]), history, 2 * first, least[first:last], radius
        )
    return times


@kernel
def _least_distances(history: History, offsets: Ints, radius: float) -> Floats:
    """The distance of each step of each jet, the last of which is that to the beam."""
    points = history.points
    least = np.empty(offsets[-1])
    for jet in range(len(offsets) - 1):
        first, n = offsets[jet], offsets[jet + 1] - offsets[jet]
        for step in range(n - 1):
            a, b = history.parents[2 * first + n + step] + 2 * first
            d2 = _distance2(points.rapidity[a], points.phi[a], points.rapidity[b], points.phi[b])
            least[first + step] = d2 / (radius * max(points.pt[a], points.pt[b])) ** 2
        if n > 0:
            least[first + n - 1] = points.pt[2 * first + 2 * n - 2] ** -2
    return least


@kernel
def _merge_time(
    ghost: tuple[float, float], history: History, first: int, least: Floats, radius: float
) -> float:
    """The time at which one ghost is taken by one jet, whose nodes begin at ``first``.

    Args:
        ghost: rapidity and azimuth.
        history: of all jets.
        first: node of the jet.
        least: distance of each of its steps.
        radius: of the algorithm.
    """
    n, points = len(least), history.points
    end = np.full(2 * n - 1, n - 1)  # the step in which a node becomes a part of another
    for step in range(n - 1):
        end[history.parents[first + n + step]] = step
    earliest, time = n, np.inf
    latest = np.empty(n)  # the time before each step
    largest = 0.0
    for step in range(n):
        latest[step] = largest
        largest = max(largest, least[step])
    for node in range(2 * n - 1):
        k = first + node
        d2 = _distance2(ghost[0], ghost[1], points.rapidity[k], points.phi[k])
        distance = d2 / (radius * points.pt[k]) ** 2
        step = max(0, node - n + 1)
        while step <= end[node] and step <= earliest and step < n:
            if distance < least[step]:
                candidate = max(latest[step], distance)
                if step < earliest or candidate < time:
                    earliest, time = step, candidate
                break
            step += 1
    return float(time)
