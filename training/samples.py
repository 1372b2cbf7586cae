"""Simulated AOD-like files for training: which there are, and how they are made."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Final, Literal, TypeAlias

from sonicmini.simulation.library import pileup_library
from sonicmini.simulation.pool import ordered_map
from sonicmini.simulation.run import SimulationOptions, simulate
from training.progress import Pace

Split: TypeAlias = Literal["train", "validation", "test"]

BLOCK: Final = 500
"""Events of one file: the unit of work, of memory and of resuming."""

TRAIN_PILEUP: Final = (15, 25, 35, 35, 45, 60)
"""Mean numbers of collisions, one file after the other; 35 is the target and comes twice."""

TEST_PILEUP: Final = 35

_FIRST_SEED: Final[Mapping[Split, int]] = {
    "train": 1_000_000,
    "validation": 2_000_000,
    "test": 3_000_000,
}


@dataclass(frozen=True)
class Sample:
    """One file of simulated events. No two samples share a seed, hence none a hard collision."""

    process: str
    pileup: int
    seed: int
    split: Split
    events: int = BLOCK

    @property
    def name(self) -> str:
        """Its file name without suffix."""
        return f"{self.split}_{self.process}_mu{self.pileup}_seed{self.seed}"

    def file(self, data: Path) -> Path:
        """Where it is kept."""
        return data / "aod" / f"{self.name}.root"


def samples(split: Split, blocks: Mapping[str, int], *, recipe: int) -> list[Sample]:
    """All samples of a split, processes mixed so that any first part is a fair mixture.

    Args:
        split: training has all pileups, validation and test that of the targets.
        blocks: number of files of each process.
        recipe: makes the seeds those of one recipe, 0 to 9; recipes that share it share files.
    """
    places = sorted(
        ((index + 0.5) / count, process, pileup)
        for first, (process, count) in enumerate(blocks.items())
        for index, pileup in enumerate(islice(cycle(TRAIN_PILEUP), first, first + count))
    )
    seed = _FIRST_SEED[split] + 100_000 * recipe
    return [
        Sample(process, pileup if split == "train" else TEST_PILEUP, seed + index, split)
        for index, (_, process, pileup) in enumerate(places)
    ]


def make_samples(chosen: Sequence[Sample], data: Path, workers: int) -> None:
    """Simulates what is not there yet, showing progress."""
    tasks = [(sample, data) for sample in chosen if not sample.file(data).is_file()]
    print(f"{len(chosen) - len(tasks)} of {len(chosen)} samples are there", flush=True)
    (data / "aod").mkdir(parents=True, exist_ok=True)
    pileup_library(workers)  # made once, before the workers want it
    pace = Pace("events")
    for sample in ordered_map(_make, tasks, workers):
        pace.show(sample.name, sample.events)


def present(chosen: Iterable[Sample], data: Path) -> list[Sample]:
    """Those that have been simulated."""
    return [sample for sample in chosen if sample.file(data).is_file()]


def _make(task: tuple[Sample, Path]) -> Sample:
    sample, data = task
    simulate(
        SimulationOptions(
            process=sample.process,
            events=sample.events,
            pileup=sample.pileup,
            seed=sample.seed,
            output=sample.file(data),
            compression_level=1,
        )
    )
    return sample
