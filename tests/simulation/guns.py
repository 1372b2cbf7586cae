"""Single particles for tests of the detector."""

import numpy as np

from sonicmini.simulation.constants import BEAM_SPOT
from sonicmini.simulation.particles import ParticleBatch

MASS = {211: 0.13957, 22: 0.0, 130: 0.49761, 11: 0.000511, 13: 0.10566}


def gun(pdg_id, number, *, pt, eta=(-2.4, 2.4), seed=1):
    """Particles of one type from the centre of the beam spot, one per event."""
    random = np.random.default_rng(seed)
    low, high = pt
    momentum = random.uniform(low, high, number)
    eta = random.uniform(eta[0], eta[1], number)
    phi = random.uniform(-np.pi, np.pi, number)
    sign = random.choice([-1, 1], number) if pdg_id in (11, 13, 211) else np.ones(number, int)
    charge = sign if pdg_id == 211 else -sign if pdg_id in (11, 13) else 0 * sign
    return ParticleBatch(
        offsets=np.arange(number + 1),
        pdgId=(pdg_id * sign).astype(np.int32),
        charge=charge.astype(np.int8),
        px=momentum * np.cos(phi),
        py=momentum * np.sin(phi),
        pz=momentum * np.sinh(eta),
        energy=np.hypot(momentum * np.cosh(eta), MASS[pdg_id]),
        vx=np.full(number, BEAM_SPOT[0]),
        vy=np.full(number, BEAM_SPOT[1]),
        vz=np.full(number, BEAM_SPOT[2]),
        collision=np.zeros(number, np.int16),
        seeds=random.integers(0, 2**32, number).astype(np.uint32),
    )


def part_of(batch, start, stop):
    """Events start to stop of a batch."""
    first, last = batch.offsets[start], batch.offsets[stop]
    columns = ("pdgId", "charge", "px", "py", "pz", "energy", "vx", "vy", "vz", "collision")
    return ParticleBatch(
        offsets=batch.offsets[start : stop + 1] - first,
        seeds=batch.seeds[start:stop],
        **{name: getattr(batch, name)[first:last] for name in columns},
    )


def empty(events):
    """Events without any particle."""
    batch = gun(22, events, pt=(1.0, 2.0))
    nothing = part_of(batch, 0, 0)
    return ParticleBatch(
        **{name: getattr(nothing, name) for name in nothing.__dataclass_fields__}
        | {"offsets": np.zeros(events + 1, np.int64), "seeds": batch.seeds}
    )
