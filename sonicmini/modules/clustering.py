"""Anti-kT jets of many events at once.

M. Cacciari, G. Salam, G. Soyez, JHEP 0804 (2008) 063: to be cited by who uses it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from sonicmini.modules.anti_kt import IS_JET, IS_NONE, Records, cluster
from sonicmini.modules.columns import (
    Bools,
    Columns,
    Floats,
    Ints,
    events_of,
    kernel,
    offsets_from,
)


class Clusters(NamedTuple):
    """Jets of all events, by event and falling pT.

    Attributes:
        p4: px, py, pz, E in GeV, shape ``(jets, 4)``.
        offsets: of the events in the jets, shape ``(events + 1,)``.
        constituent: particles of one jet after the other, as positions in the input of all
            events, ascending within a jet.
        jet: the jet of each of them, among those of all events.
    """

    p4: Floats
    offsets: Ints
    constituent: Ints
    jet: Ints


class History(NamedTuple):
    """How jets came about.

    Attributes:
        nodes: of all events, see :func:`sonicmini.modules.anti_kt.cluster`.
        offsets: of the events in the clustered particles.
        jet: the jet that each node became a part of, among those of all events, -1 for jets that
            are too soft.
    """

    nodes: Records
    offsets: Ints
    jet: Ints


def anti_kt_jets(
    p4: Floats, offsets: Ints, *, used: Bools, radius: float, pt_min: float
) -> Clusters:
    """Clusters particles of each event into anti-kT jets (E scheme).

    Args:
        p4: px, py, pz, E of the particles of all events, shape ``(particles, 4)``.
        offsets: of the events.
        used: particles to be clustered, shape ``(particles,)``.
        radius: of the jets.
        pt_min: least pT of a jet (GeV).
    """
    return anti_kt_history(p4, offsets, used=used, radius=radius, pt_min=pt_min)[0]


def anti_kt_history(
    p4: Floats, offsets: Ints, *, used: Bools, radius: float, pt_min: float
) -> tuple[Clusters, History]:
    """The same, and how the jets came about, from which their areas follow."""
    index = np.flatnonzero(used)
    counts = np.bincount(events_of(offsets)[index], minlength=len(offsets) - 1)
    used_offsets = offsets_from(counts)
    nodes = cluster(np.ascontiguousarray(p4[index]), used_offsets, radius)
    n_jets, jet_nodes, jet_of_node, jet_of_particle = _jets(nodes, used_offsets, pt_min)
    momenta = np.stack([nodes[name][jet_nodes] for name in ("px", "py", "pz", "e")], axis=1)
    order = np.argsort(jet_of_particle, kind="stable")
    order = order[np.count_nonzero(jet_of_particle < 0) :]
    clusters = Clusters(momenta, offsets_from(n_jets), index[order], jet_of_particle[order])
    return clusters, History(nodes, used_offsets, jet_of_node)


@kernel
def _jets(nodes: Records, offsets: Ints, pt_min: float) -> tuple[Ints, Ints, Ints, Ints]:
    """Number of jets of each event, their nodes, the jet of each node and of each particle."""
    counts = np.zeros(len(offsets) - 1, dtype=np.int64)
    jet_of_node, jet_of_particle = np.full(len(nodes), -1), np.empty(offsets[-1], dtype=np.int64)
    found = np.empty(offsets[-1], dtype=np.int64)
    n_found = 0
    for event in range(len(counts)):
        first, last = 2 * offsets[event], 2 * offsets[event + 1]
        for i in range(first, last):
            if nodes[i].child == IS_JET and np.hypot(nodes[i].px, nodes[i].py) >= pt_min:
                found[n_found + counts[event]] = i
                counts[event] += 1
        mine = found[n_found : n_found + counts[event]]
        mine[:] = mine[np.argsort(nodes["scale"][mine], kind="mergesort")]
        for jet in range(len(mine)):
            jet_of_node[mine[jet]] = n_found + jet
        for i in range(last - 1, first - 1, -1):
            if nodes[i].child not in (IS_JET, IS_NONE):
                jet_of_node[i] = jet_of_node[nodes[i].child]
        middle = (first + last) // 2
        jet_of_particle[first // 2 : last // 2] = jet_of_node[first:middle]
        n_found += counts[event]
    return counts, found[:n_found], jet_of_node, jet_of_particle


def polar(p4: Floats, dtype: DTypeLike = np.float32) -> Columns:
    """pt, eta, phi and mass of momenta of shape ``(n, 4)``, in single precision unless told."""
    px, py, pz, energy = p4.T
    pt = np.hypot(px, py)
    mass2 = energy**2 - px**2 - py**2 - pz**2
    columns = (pt, np.arcsinh(pz / pt), np.arctan2(py, px), np.sqrt(np.maximum(mass2, 0.0)))
    names = ("pt", "eta", "phi", "mass")
    return {name: values.astype(dtype) for name, values in zip(names, columns, strict=True)}
