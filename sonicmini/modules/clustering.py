"""Jet clustering by FastJet for many events at once.

M. Cacciari, G. Salam, G. Soyez, Eur. Phys. J. C 72 (2012) 1896: to be cited by who uses it.
"""

from typing import NamedTuple

import awkward as ak
import fastjet
import numpy as np
from fastjet._swig import ClusterSequence as _Banner
from numpy.typing import DTypeLike

from sonicmini.modules.columns import Bools, Columns, Floats, Ints, events_of, offsets_from

_Banner.set_fastjet_banner_stream(None)  # it would go to standard output; its request is above


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
    index = np.flatnonzero(used)
    counts = np.bincount(events_of(offsets)[index], minlength=len(offsets) - 1)
    columns = dict(zip(("px", "py", "pz", "E"), np.ascontiguousarray(p4[index].T), strict=True))
    particles = ak.unflatten(ak.zip(columns, with_name="Momentum4D"), counts)
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, radius)
    sequence = fastjet.ClusterSequence(particles, definition)
    jets = sequence.inclusive_jets(min_pt=pt_min)
    n_jets = np.asarray(ak.num(jets, axis=1), dtype=np.int64)
    event = np.repeat(np.arange(len(n_jets)), n_jets)
    momenta = np.stack([np.asarray(ak.flatten(jets[name])) for name in columns], axis=1)
    order = np.lexsort((-np.hypot(momenta[:, 0], momenta[:, 1]), event))

    members = ak.flatten(sequence.constituent_index(min_pt=pt_min), axis=1)[order]
    members = ak.sort(members, axis=1)
    jet = np.repeat(np.arange(len(order)), np.asarray(ak.num(members, axis=1), dtype=np.int64))
    local = np.asarray(ak.flatten(members), dtype=np.int64)
    constituent = index[offsets_from(counts)[event[jet]] + local]
    return Clusters(momenta[order], offsets_from(n_jets), constituent, jet)


def polar(p4: Floats, dtype: DTypeLike = np.float32) -> Columns:
    """pt, eta, phi and mass of momenta of shape ``(n, 4)``, in single precision unless told."""
    px, py, pz, energy = p4.T
    pt = np.hypot(px, py)
    mass2 = energy**2 - px**2 - py**2 - pz**2
    columns = (pt, np.arcsinh(pz / pt), np.arctan2(py, px), np.sqrt(np.maximum(mass2, 0.0)))
    names = ("pt", "eta", "phi", "mass")
    return {name: values.astype(dtype) for name, values in zip(names, columns, strict=True)}
