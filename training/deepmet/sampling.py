"""Simulated samples and their features; what is already there is not made again."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sonicmini.event import Chunk
from sonicmini.simulation.library import pileup_library
from sonicmini.simulation.pool import ordered_map
from sonicmini.simulation.run import SimulationOptions, sample_blocks, simulate_block
from training.deepmet.features import extract
from training.deepmet.recipe import Sample


@dataclass(frozen=True)
class _Task:
    sample: Sample
    path: Path


def feature_file(sample: Sample, data: Path) -> Path:
    """Where the features of a sample are kept."""
    return data / f"{sample.name}.npz"


def make_samples(chosen: Sequence[Sample], data: Path, workers: int) -> None:
    """Simulates samples and extracts their features, showing progress."""
    tasks = [_Task(sample, feature_file(sample, data)) for sample in chosen]
    missing = [task for task in tasks if not task.path.is_file()]
    print(f"{len(tasks) - len(missing)} of {len(tasks)} samples are there", flush=True)
    pileup_library(workers)  # made once, before the workers want it
    started, events = time.perf_counter(), 0
    for name, size in ordered_map(_make, missing, workers):
        events += size
        passed = time.perf_counter() - started
        print(f"{name}  {events} events, {events / passed:.1f} events/s", flush=True)


def _make(task: _Task) -> tuple[str, int]:
    features = extract(_chunks(task.sample), task.sample.pileup)
    features.save(task.path)
    return task.sample.name, features.size


def _chunks(sample: Sample) -> Iterable[Chunk]:
    """The events of a sample in memory, as the reader of its file would give them."""
    options = SimulationOptions(
        sample.process, sample.events, sample.pileup, sample.seed, Path(sample.name)
    )
    for block in sample_blocks(options):
        yield Chunk(sample.name, block.events.start, block.events.stop, simulate_block(block))
