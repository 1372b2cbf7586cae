"""Pileup laid over hard collisions, all along the luminous region."""

from typing import Any

import awkward as ak
import numpy as np

from sonicmini.simulation.constants import BEAM_LENGTH, BEAM_SPOT, BEAM_WIDTH
from sonicmini.simulation.generator import EventRecord
from sonicmini.simulation.kernel import Floats, Ints, Records, kernel
from sonicmini.simulation.library import PARTICLE, PileupLibrary
from sonicmini.simulation.particles import ParticleBatch
from sonicmini.simulation.seeds import EventSeeds

COLLISION = np.dtype(
    [
        ("source", np.int64),
        *((name, np.float64) for name in ("cosine", "sine", "side", "vx", "vy", "vz")),
    ]
)
"""A pileup collision: which one of the library, rotated about the beam, ``side`` -1 if mirrored
along it, and where it takes place."""

_PLACED = np.dtype(
    [
        ("pdgId", np.int32),
        ("charge", np.int8),
        ("collision", np.int16),
        *((name, np.float64) for name in ("px", "py", "pz", "energy", "vx", "vy", "vz")),
    ]
)


def overlay_pileup(
    record: EventRecord, library: PileupLibrary | None, pileup: float, seeds: EventSeeds
) -> tuple[ParticleBatch, dict[str, ak.Array]]:
    """Places hard collisions in the luminous region and lays Poisson(pileup) others over each.

    Args:
        record: hard collisions.
        library: what pileup is drawn from; None if there is none.
        pileup: mean number of collisions.
        seeds: of the same events.

    Returns:
        All stable particles; ``Pileup``, and the vertex of the hard collisions (fields vx, vy, vz).
    """
    generators = [np.random.default_rng(seed) for seed in seeds.overlay]
    vertices = np.array([_vertices(rng, 1)[0] for rng in generators]).reshape(-1, 3)
    draws = [_collisions(rng, library, pileup) for rng in generators]
    starts = np.concatenate([[0], np.cumsum([len(draw) for draw in draws])]).astype(np.int64)
    collisions = np.concatenate([*draws, np.empty(0, COLLISION)])
    stable, hard_offsets = _stable(record, vertices)
    placed, offsets = place_particles(
        (stable, hard_offsets), (collisions, starts), _content(library)
    )
    batch = ParticleBatch(
        offsets=offsets,
        seeds=seeds.detector,
        **{name: np.ascontiguousarray(placed[name]) for name in _PLACED.fields or ()},
    )
    count = np.diff(starts)
    products = {
        "Pileup": ak.zip(
            {
                "nTrueInt": np.full(len(count), pileup, dtype=np.float32),
                "nPU": count.astype(np.int32),
                "gpudensity": (count * _density(vertices[:, 2])).astype(np.float32),
            }
        ),
        "vertex": ak.zip(
            {f"v{axis}": vertices[:, i].astype(np.float32) for i, axis in enumerate("xyz")}
        ),
    }
    return batch, products


def _vertices(rng: np.random.Generator, count: int) -> Floats:
    widths = (BEAM_WIDTH, BEAM_WIDTH, BEAM_LENGTH)
    return rng.normal(BEAM_SPOT, widths, size=(count, 3))


def _density(z: Floats) -> Floats:
    """Fraction of the collisions per cm at a place along the beam."""
    distance = (z - BEAM_SPOT[2]) / BEAM_LENGTH
    density: Floats = np.exp(-0.5 * distance**2) / (np.sqrt(2.0 * np.pi) * BEAM_LENGTH)
    return density


def _collisions(rng: np.random.Generator, library: PileupLibrary | None, pileup: float) -> Records:
    count = rng.poisson(pileup)
    collisions = np.empty(count, dtype=COLLISION)
    if library is None or count == 0:
        return collisions[:0]
    collisions["source"] = rng.integers(library.size, size=count)
    angle = rng.uniform(0.0, 2.0 * np.pi, size=count)
    collisions["cosine"], collisions["sine"] = np.cos(angle), np.sin(angle)
    collisions["side"] = rng.choice((-1.0, 1.0), size=count)
    collisions["vx"], collisions["vy"], collisions["vz"] = _vertices(rng, count).T
    return collisions


def _content(library: PileupLibrary | None) -> tuple[Records, Ints]:
    if library is None:
        return np.empty(0, PARTICLE), np.zeros(1, np.int64)
    return library.particles, library.offsets


def _stable(record: EventRecord, vertices: Floats) -> tuple[Records, Ints]:
    """The hard collisions' stable particles at their place in the detector, with offsets."""
    final = record.status > 0
    stable = np.zeros(np.count_nonzero(final), dtype=_PLACED)
    stable["pdgId"] = record.id[final]
    for name in ("charge", "px", "py", "pz", "energy"):
        stable[name] = getattr(record, name)[final]
    event = np.repeat(np.arange(record.size), np.diff(record.offsets))[final]
    for index, name in enumerate(("vx", "vy", "vz")):
        stable[name] = getattr(record, name)[final] + vertices[event, index]
    offsets = np.concatenate([[0], np.cumsum(np.bincount(event, minlength=record.size))])
    return stable, offsets.astype(np.int64)


@kernel
def place_particles(
    hard: tuple[Records, Ints], pileup: tuple[Records, Ints], library: tuple[Records, Ints]
) -> tuple[Any, Ints]:
    """Joins the particles of the hard collisions and of the pileup, event by event.

    Args:
        hard: particles in place, and offsets of events.
        pileup: collisions of type :data:`COLLISION`, and offsets of events.
        library: particles, and offsets of its collisions.

    Returns:
        The particles of all events, and the offsets of events.
    """
    (stable, stable_offsets), (collisions, starts), (particles, begins) = hard, pileup, library
    events = len(starts) - 1
    offsets = np.zeros(events + 1, np.int64)
    for event in range(events):
        total = stable_offsets[event + 1] - stable_offsets[event]
        for collision in collisions[starts[event] : starts[event + 1]]:
            total += begins[collision.source + 1] - begins[collision.source]
        offsets[event + 1] = offsets[event] + total
    placed = np.empty(offsets[events], stable.dtype)
    for event in range(events):
        row = offsets[event]
        for particle in stable[stable_offsets[event] : stable_offsets[event + 1]]:
            placed[row] = particle
            row += 1
        for index in range(starts[event], starts[event + 1]):
            collision = collisions[index]
            for source in range(begins[collision.source], begins[collision.source + 1]):
                _place(particles[source], collision, placed[row])
                placed[row].collision = index - starts[event] + 1
                row += 1
    return placed, offsets


@kernel
def _place(particle: Any, collision: Any, placed: Any) -> None:  # noqa: ANN401 (numba's records)
    cosine, sine = collision.cosine, collision.sine
    placed.pdgId = particle.pdgId
    placed.charge = particle.charge
    placed.px = cosine * particle.px - sine * particle.py
    placed.py = sine * particle.px + cosine * particle.py
    placed.pz = collision.side * particle.pz
    momentum2 = (
        np.float64(particle.px) ** 2 + np.float64(particle.py) ** 2 + np.float64(particle.pz) ** 2
    )
    placed.energy = np.sqrt(momentum2 + np.float64(particle.mass) ** 2)
    placed.vx = collision.vx + cosine * particle.vx - sine * particle.vy
    placed.vy = collision.vy + sine * particle.vx + cosine * particle.vy
    placed.vz = collision.vz + collision.side * particle.vz
