"""What is simulated for training, validation and test: the whole data recipe, seeds included."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Final, Literal, TypeAlias

Split: TypeAlias = Literal["train", "validation", "test"]

BLOCK: Final = 500
"""Events of one sample file: the unit of work, of memory and of resuming."""

TRAIN_PILEUP: Final = (15, 25, 35, 35, 45, 60)
"""Mean numbers of collisions, one block after the other; 35 is the target and comes twice."""

_TRAIN: Final = {
    "ttbar": 20,
    "qcd": 6,
    "ztautau": 6,
    "zprime_tt": 4,
    "wprime_wz": 6,
    "hbb": 6,
}
_VALIDATION: Final = (
    ("ttbar", 35, 4),
    ("ttbar", 15, 1),
    ("ttbar", 60, 1),
    ("ztautau", 35, 1),
    ("wprime_wz", 35, 1),
)
_TEST: Final = (
    ("ttbar", 35, 10),
    ("ttbar", 15, 2),
    ("ttbar", 25, 2),
    ("ttbar", 45, 2),
    ("ttbar", 60, 2),
    ("ztautau", 35, 2),
    ("wprime_wz", 35, 2),
)
_FIRST_SEED: Final = {"train": 100_000, "validation": 200_000, "test": 300_000}


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


def samples(split: Split) -> list[Sample]:
    """All samples of a split, processes mixed so that any first part is a fair mixture."""
    if split == "train":
        blocks = list(_mixed(_TRAIN))
    else:
        chosen = _TEST if split == "test" else _VALIDATION
        blocks = [(process, mu) for process, mu, count in chosen for _ in range(count)]
    first = _FIRST_SEED[split]
    return [Sample(process, mu, first + index, split) for index, (process, mu) in enumerate(blocks)]


def _mixed(counts: dict[str, int]) -> Iterator[tuple[str, int]]:
    """Blocks of the processes in proportion, each process at its own place of the pileup cycle."""
    places = sorted(
        ((index + 0.5) / count, process, pileup)
        for first, (process, count) in enumerate(counts.items())
        for index, pileup in enumerate(islice(cycle(TRAIN_PILEUP), first, first + count))
    )
    return ((process, pileup) for _, process, pileup in places)
