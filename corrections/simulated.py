"""The simulated samples; what is already there is not made again."""

import time
from collections.abc import Sequence
from pathlib import Path

from corrections.recipe import Sample
from sonicmini.simulation.run import SimulationOptions, simulate


def sample_file(sample: Sample, data: Path) -> Path:
    """Where a sample is kept. It has this name only when it is whole."""
    return data / f"{sample.name}.root"


def make_samples(chosen: Sequence[Sample], data: Path) -> None:
    """Simulates the missing samples one after the other, showing progress."""
    missing = [sample for sample in chosen if not sample_file(sample, data).is_file()]
    print(f"{len(chosen) - len(missing)} of {len(chosen)} samples are there", flush=True)
    started, events = time.perf_counter(), 0
    for sample in missing:
        simulate(
            SimulationOptions(
                sample.process,
                sample.events,
                sample.pileup,
                sample.seed,
                sample_file(sample, data),
            )
        )
        events += sample.events
        rate = events / (time.perf_counter() - started)
        print(f"{sample.name}  {events} events, {rate:.1f} events/s", flush=True)
