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
    "ttbar": 30,
    "qcd": 12,
    "ztautau": 10,
    "zprime_tt": 8,
    "wprime_wz": 10,
    "hbb": 10,
}
_VALIDATION: Final = {"ttbar": 4, "qcd": 1, "ztautau": 1, "wprime_wz": 1}
_TEST: Final = (
    ("ttbar", 35, 12),
    ("ttbar", 15, 3),
    ("ttbar", 25, 3),
    ("ttbar", 45, 3),
    ("ttbar", 60, 3),
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
    if split == "test":
        blocks = [(process, mu) for process, mu, count in _TEST for _ in range(count)]
    else:
        blocks = list(_mixed(_TRAIN if split == "train" else _VALIDATION))
    first = _FIRST_SEED[split]
    return [Sample(process, mu, first + index, split) for index, (process, mu) in enumerate(blocks)]


def _mixed(counts: dict[str, int]) -> Iterator[tuple[str, int]]:
    """Blocks of the processes in proportion, each process with its own cycle of pileup."""
    places = sorted(
        ((index + 0.5) / count, process, pileup)
        for process, count in counts.items()
        for index, pileup in enumerate(islice(cycle(TRAIN_PILEUP), count))
    )
    return ((process, pileup) for _, process, pileup in places)
