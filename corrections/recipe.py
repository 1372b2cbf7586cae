"""What is simulated to derive and to check the corrections: the whole recipe, seeds included."""

from dataclasses import dataclass
from itertools import cycle
from typing import Final, Literal, TypeAlias

Split: TypeAlias = Literal["dijets", "top"]

BLOCK: Final = 500
"""Events of one file: the unit of work, of memory and of resuming."""

PILEUP: Final = (30, 0, 50, 15, 60, 40, 20)
"""Mean numbers of collisions, one block after the other."""

_SERIES: Final = {"dijets": ((400_000, 63), (500_000, 28)), "top": ((600_000, 4),)}
"""First seed and number of files of each series."""
_TOP_PILEUP: Final = 35


@dataclass(frozen=True)
class Sample:
    """One file of events, dijets by default. No two share a seed, hence none a hard collision."""

    pileup: int
    seed: int
    split: Split
    process: str = "qcd"
    events: int = BLOCK

    @property
    def name(self) -> str:
        """Its file name without suffix."""
        return f"{self.split}_{self.process}_mu{self.pileup}_seed{self.seed}"


def samples(split: Split) -> list[Sample]:
    """All samples of a split; any first part of them is a fair mixture of pileup.

    ``top`` is top quark pairs, for missing momenta.
    """
    found = []
    for first, number in _SERIES[split]:
        seeds = range(first, first + number)
        if split == "top":
            found += [Sample(_TOP_PILEUP, seed, split, process="ttbar") for seed in seeds]
        else:
            found += [
                Sample(mu, seed, split) for mu, seed in zip(cycle(PILEUP), seeds, strict=False)
            ]
    return found
