"""Stable generated particles in few bits (CMS: packedGenParticles)."""

from dataclasses import dataclass

import awkward as ak
import numpy as np

from sonicmini.event import Products
from sonicmini.module import Producer
from sonicmini.modules.columns import (
    Columns,
    Floats,
    Ints,
    events_of,
    flat,
    jagged,
    kernel,
    offsets_from,
    offsets_of,
)
from sonicmini.modules.gen.pruned import mothers_of, nearest_kept_ancestor
from sonicmini.modules.packing.codecs import azimuth_on_grid, on_grid, pack_half, unpack_half

_GRID = 11  # binary digits of pseudorapidity and azimuth: what the input has around 1


@dataclass(frozen=True, kw_only=True)
class PackedGenParticles(Producer):
    """Packs stable generated particles (CMSSW: ``PATPackedGenParticleProducer``).

    pT and mass are half floats. CMS has 16 bits each for rapidity and azimuth; here pseudorapidity
    and azimuth are multiples of ``2**-11``, about the precision of the input. Columns hold unpacked
    numbers. Particles are sorted by identity, mother and falling pT, which compresses better than
    CMS's order, that of the generator.

    Attributes:
        max_rapidity: of the particles that are kept.
    """

    consumes = ("GenPart", "PrunedGenPart")
    produces = ("PackedGenPart",)
    max_rapidity: float = 6.0

    def produce(self, inputs: Products) -> Products:
        """Returns the particles; their mother is the nearest ancestor in ``PrunedGenPart``."""
        particles = inputs["GenPart"]
        offsets = offsets_of(particles)
        stable = np.flatnonzero(flat(particles, "status", None) == 1)
        y = rapidity(*(flat(particles, name)[stable] for name in ("pt", "eta", "mass")))
        index = stable[np.abs(y) < self.max_rapidity]
        event = events_of(offsets)[index]
        packed = offsets_from(np.bincount(event, minlength=len(offsets) - 1))
        columns = _kinematics(particles, index)
        columns["pdgId"] = flat(particles, "pdgId", np.int32)[index]
        columns["genPartIdxMother"] = _pruned_mothers(inputs)[index].astype(np.int16)
        columns["genPartIdx"] = index - offsets[event]
        order = _sorted_within(_sort_key(columns), packed)
        ordered = {name: values[order] for name, values in columns.items()}
        return {"PackedGenPart": jagged(packed, ordered)}


def rapidity(pt: Floats, eta: Floats, mass: Floats) -> Floats:
    """Rapidity of particles from pT and mass in GeV and pseudorapidity; 0 for those at rest."""
    transverse = np.hypot(pt, mass)
    ratio = np.divide(pt, transverse, out=np.zeros_like(pt), where=transverse > 0)
    return np.asarray(np.arcsinh(ratio * np.sinh(eta)))


def _kinematics(particles: ak.Array, index: Ints) -> Columns:
    """Momenta in the precision of the packed ones."""
    pt, eta, phi, mass = (flat(particles, name)[index] for name in ("pt", "eta", "phi", "mass"))
    return {
        "pt": unpack_half(pack_half(pt)),
        "eta": on_grid(eta, _GRID),
        "phi": azimuth_on_grid(phi, _GRID),
        "mass": unpack_half(pack_half(mass)),
    }


def _sort_key(columns: Columns) -> Ints:
    """Numbers that sort by identity, mother and falling pT."""
    pt = pack_half(columns["pt"]).astype(np.int64)
    mother = columns["genPartIdxMother"].astype(np.int64) + 1
    return (columns["pdgId"].astype(np.int64) << 32) + (mother << 16) - pt


@kernel
def _sorted_within(key: Ints, offsets: Ints) -> Ints:
    """Positions in ascending order of a key, event by event; equal ones keep their order."""
    order = np.empty(len(key), dtype=np.int64)
    for event in range(len(offsets) - 1):
        first, last = offsets[event], offsets[event + 1]
        order[first:last] = first + np.argsort(key[first:last], kind="mergesort")
    return order


def _pruned_mothers(inputs: Products) -> Ints:
    """The nearest pruned ancestor of each particle within the event, -1 for none."""
    particles, pruned = inputs["GenPart"], inputs["PrunedGenPart"]
    offsets, kept_offsets = offsets_of(particles), offsets_of(pruned)
    kept = np.zeros(offsets[-1], dtype=np.bool_)
    kept[flat(pruned, "genPartIdx", np.int64) + offsets[events_of(kept_offsets)]] = True
    ancestor = nearest_kept_ancestor(mothers_of(particles), kept)
    return np.where(ancestor < 0, -1, ancestor - kept_offsets[events_of(offsets)])
