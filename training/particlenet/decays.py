"""Tops, W, Z and Higgs bosons of the hard collision, with the quarks and leptons they decay to."""

from typing import Final, NamedTuple, TypeVar

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from sonicmini.modules.columns import Bools, Floats, Ints, events_of, flat, offsets_from, offsets_of
from sonicmini.modules.gen.flags import IS_LAST_COPY
from sonicmini.modules.gen.pruned import mothers_of

Number = TypeVar("Number", np.int64, np.float64)

TOP: Final = 6
Z: Final = 23
W: Final = 24
HIGGS: Final = 25
SLOTS: Final = 4
"""Most fermions of a decay: those of a Higgs boson by way of two W bosons."""


class Decays(NamedTuple):
    """Decays of resonances that come from no other top or Higgs boson, event after event.

    The fermions of a W boson of a top or Higgs boson belong to the decay of that one.

    Attributes:
        kind: 6, 23, 24 or 25; absolute PDG code.
        fermions: PDG codes without sign, 0 for none, shape ``(decays, 4)``; those of the resonance
            itself first (the b quark of a top), then those of its bosons.
        eta: of the fermions, as ``phi``.
        phi: azimuth.
        mass: generated mass (GeV) of the resonance.
        boson_mass: that of the particle that decayed to the second fermion: of the W of a top.
        offsets: of the events.
    """

    kind: Ints
    fermions: Ints
    eta: Floats
    phi: Floats
    mass: Floats
    boson_mass: Floats
    offsets: Ints


def decays_of(particles: ak.Array) -> Decays:
    """Finds the decays.

    Args:
        particles: ``GenPart``; mothers before their daughters.
    """
    kind = np.abs(flat(particles, "pdgId", np.int64))
    mother = mothers_of(particles)
    last = flat(particles, "statusFlags", np.int64) & IS_LAST_COPY != 0
    resonance = last & np.isin(kind, (TOP, Z, W, HIGGS))
    owner = _owners(kind, mother, resonance)
    decayed = np.flatnonzero(resonance & (owner < 0))
    place = np.full(len(kind), -1)
    place[decayed] = np.arange(len(decayed))
    slots = _slots(kind, mother, (resonance, owner, place))
    second = np.where(slots[:, 1] >= 0, mother[slots[:, 1]], -1)
    mass = flat(particles, "mass")
    event = events_of(offsets_of(particles))[decayed]
    return Decays(
        kind=kind[decayed],
        fermions=_taken(kind, slots),
        eta=_taken(flat(particles, "eta"), slots),
        phi=_taken(flat(particles, "phi"), slots),
        mass=mass[decayed],
        boson_mass=_taken(mass, second),
        offsets=offsets_from(np.bincount(event, minlength=len(particles))),
    )


def _owners(kind: Ints, mother: Ints, resonance: Bools) -> Ints:
    """The top or Higgs boson that each resonance comes from, -1 for none."""
    above = np.where(resonance, mother, -1)
    while True:
        copy = (above >= 0) & (kind[above] == kind)
        if not copy.any():
            break
        above[copy] = mother[above[copy]]
    owned = (above >= 0) & resonance[above] & np.isin(kind[above], (TOP, HIGGS))
    return np.where(owned, above, -1)


def _slots(kind: Ints, mother: Ints, found: tuple[Bools, Ints, Ints]) -> Ints:
    """Places of the fermions of each decay among all particles, -1 for none.

    Args:
        kind: absolute PDG codes.
        mother: -1 for none.
        found: resonances, their owners, the place of each among the decays.
    """
    resonance, owner, place = found
    is_fermion = (kind >= 1) & (kind <= 5) | (kind >= 11) & (kind <= 16)
    fermion = np.flatnonzero(is_fermion & (mother >= 0))
    fermion = fermion[resonance[mother[fermion]]]
    parent = mother[fermion]
    own = owner[parent] < 0
    decay = place[np.where(own, parent, owner[parent])]
    order = np.lexsort((fermion, ~own, decay))
    fermion, decay = fermion[order], decay[order]
    rank = np.arange(len(decay)) - np.searchsorted(decay, decay)
    slots = np.full((np.count_nonzero(place >= 0), SLOTS), -1)
    fits = rank < SLOTS
    slots[decay[fits], rank[fits]] = fermion[fits]
    return slots


def _taken(values: NDArray[Number], places: Ints) -> NDArray[Number]:
    """Values at places, 0 where there is none."""
    return np.where(places >= 0, values[places], values.dtype.type(0))
