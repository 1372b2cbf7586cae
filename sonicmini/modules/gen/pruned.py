"""Generated particles kept as they are, with their mothers (CMS: prunedGenParticles)."""

from collections.abc import Sequence
from dataclasses import dataclass

import awkward as ak
import numpy as np

from sonicmini.event import Products
from sonicmini.module import Producer
from sonicmini.modules.columns import (
    Bools,
    Ints,
    events_of,
    flat,
    jagged,
    kernel,
    offsets_from,
    offsets_of,
)
from sonicmini.modules.gen.rules import RULES, Particles, Relatives, Rule

_COPIED = ("pt", "eta", "phi", "mass", "pdgId", "status", "statusFlags", "vx", "vy", "vz")


@dataclass(frozen=True, kw_only=True)
class PrunedGenParticles(Producer):
    """Keeps what CMS's rules keep of the generated particles (CMSSW: ``GenParticlePruner``).

    The mother of a particle is its nearest ancestor that is kept.
    """

    consumes = ("GenPart",)
    produces = ("PrunedGenPart",)

    def produce(self, inputs: Products) -> Products:
        """Returns the kept ones in their order, with ``genPartIdx``, the place in ``GenPart``."""
        particles = inputs["GenPart"]
        offsets = offsets_of(particles)
        mother = mothers_of(particles)
        kept = evaluate(RULES, particles_of(particles), mother)
        event, index = events_of(offsets), np.flatnonzero(kept)
        counts = np.bincount(event[index], minlength=len(offsets) - 1)
        pruned = offsets_from(counts)
        columns = {name: flat(particles, name, None)[index] for name in _COPIED}
        ancestor = nearest_kept_ancestor(mother, kept)[index]
        first = pruned[event[index]]
        columns["genPartIdxMother"] = np.where(ancestor < 0, -1, ancestor - first).astype(np.int16)
        columns["genPartIdx"] = index - offsets[event[index]]
        return {"PrunedGenPart": jagged(pruned, columns)}


def particles_of(collection: ak.Array) -> Particles:
    """The columns that rules look at."""
    pdg_id = flat(collection, "pdgId", np.int32)
    return Particles(
        pt=flat(collection, "pt"),
        eta=flat(collection, "eta"),
        kind=np.abs(pdg_id),
        pdg_id=pdg_id,
        status=flat(collection, "status", np.int32),
        flags=flat(collection, "statusFlags", np.int32),
    )


def mothers_of(collection: ak.Array) -> Ints:
    """The mother of each particle among those of all events, -1 for none."""
    offsets = offsets_of(collection)
    index = flat(collection, "genPartIdxMother", np.int64)
    return np.where(index < 0, -1, index + offsets[events_of(offsets)])


def evaluate(rules: Sequence[Rule], particles: Particles, mother: Ints) -> Bools:
    """Applies rules one after the other; at first nothing is kept.

    Args:
        rules: in their order.
        particles: of all events, mothers before their daughters.
        mother: of each, among those of all events, -1 for none.
    """
    kept = np.zeros(len(mother), dtype=np.bool_)
    for rule in rules:
        chosen = rule.selection(particles)
        meant = chosen.copy()
        _include_ancestors(chosen, mother, _DEPTH[rule.ancestors], meant)
        _include_descendants(chosen, mother, _DEPTH[rule.descendants], meant)
        kept[meant] = rule.keeps
    return kept


_DEPTH: dict[Relatives, int] = {"none": 0, "first": 1, "all": 2}


@kernel
def _include_ancestors(chosen: Bools, mother: Ints, depth: int, meant: Bools) -> None:
    if depth == 0:
        return
    reached = chosen.copy()
    for i in range(len(mother) - 1, -1, -1):
        if reached[i] and mother[i] >= 0:
            meant[mother[i]] = True
            reached[mother[i]] |= depth > 1


@kernel
def _include_descendants(chosen: Bools, mother: Ints, depth: int, meant: Bools) -> None:
    if depth == 0:
        return
    reached = chosen.copy()
    for i in range(len(mother)):
        if mother[i] >= 0 and reached[mother[i]]:
            meant[i] = True
            reached[i] |= depth > 1


@kernel
def nearest_kept_ancestor(mother: Ints, kept: Bools) -> Ints:
    """The nearest ancestor that is kept, of every particle, kept or not.

    Args:
        mother: of each particle among those of all events, -1 for none; before its daughters.
        kept: particles that are kept.

    Returns:
        Places among the kept ones of all events, -1 for none, shape ``(particles,)``.
    """
    place = np.cumsum(kept) - 1
    ancestor = np.full(len(mother), -1)
    for i in range(len(mother)):
        if mother[i] >= 0:
            ancestor[i] = place[mother[i]] if kept[mother[i]] else ancestor[mother[i]]
    return ancestor
