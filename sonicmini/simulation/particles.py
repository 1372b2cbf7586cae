"""What the generator hands to the detector: all stable particles of a batch of events."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HARD = 0
"""Value of :attr:`ParticleBatch.collision` for the hard collision."""


@dataclass(frozen=True)
class ParticleBatch:
    """Stable particles, neutrinos included, of the hard collision and of the pileup of each event.

    The particles of event ``i`` are ``offsets[i]:offsets[i + 1]`` of the flat arrays, which have
    equal lengths; those of the hard collision come first.

    Attributes:
        offsets: int64, shape ``(events + 1,)``.
        pdgId: PDG codes, int32.
        charge: electric charges, int8.
        px, py, pz, energy: float64, GeV.
        vx, vy, vz: point of production in the detector's frame, float64, cm.
        collision: int16; 0 is the hard collision, 1 and above number the pileup collisions.
        seeds: uint32, shape ``(events,)``; the detector's random seed of each event.
    """

    offsets: NDArray[np.int64]
    pdgId: NDArray[np.int32]
    charge: NDArray[np.int8]
    px: NDArray[np.float64]
    py: NDArray[np.float64]
    pz: NDArray[np.float64]
    energy: NDArray[np.float64]
    vx: NDArray[np.float64]
    vy: NDArray[np.float64]
    vz: NDArray[np.float64]
    collision: NDArray[np.int16]
    seeds: NDArray[np.uint32]

    @property
    def size(self) -> int:
        """Number of events."""
        return len(self.seeds)
