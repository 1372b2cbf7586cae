"""Random numbers that depend on the sample's seed and the event's number, and on nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sonicmini.simulation.generator import MAX_SEED


@dataclass(frozen=True)
class EventSeeds:
    """Seeds of a range of events.

    Attributes:
        generator: Pythia's, one per event.
        overlay: for numpy, one per event.
        detector: uint32, shape ``(events,)``.
    """

    generator: Sequence[int]
    overlay: Sequence[np.random.SeedSequence]
    detector: NDArray[np.uint32]


def event_seeds(seed: int, events: range) -> EventSeeds:
    """Derives the seeds of events from the seed of their sample.

    Args:
        seed: not negative.
        events: their numbers in the sample, from 0.
    """
    roots = [np.random.SeedSequence([seed, event]) for event in events]
    states = np.array([root.generate_state(2) for root in roots]).reshape(-1, 2)
    return EventSeeds(
        generator=[int(state) % MAX_SEED + 1 for state in states[:, 0]],
        overlay=[root.spawn(1)[0] for root in roots],
        detector=states[:, 1].astype(np.uint32),
    )
