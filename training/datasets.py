"""What is simulated for training: the data recipe of all networks, seeds included.

``python -m training.datasets NAME ... --data FOLDER`` simulates what is missing. Networks share
data sets: each takes the jets or taus that it needs from the files of those that its recipe names.
"""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from typing import Final

from training.samples import TEST_PILEUP, Sample, Split, make_samples, samples

SPLITS: Final[tuple[Split, ...]] = ("validation", "test", "train")


@dataclass(frozen=True)
class Dataset:
    """Files of several processes.

    Attributes:
        recipe: from which its seeds follow.
        blocks: files of each process by split.
        test_pileup: mean numbers of collisions of its test, one file after the other.
    """

    recipe: int
    blocks: Mapping[Split, Mapping[str, int]]
    test_pileup: Sequence[int] = (TEST_PILEUP,)

    def samples(self, split: Split) -> list[Sample]:
        """Its files of a split."""
        chosen = samples(split, self.blocks[split], recipe=self.recipe)
        if split != "test":
            return chosen
        pileups = cycle(self.test_pileup)
        return [replace(one, pileup=mu) for one, mu in zip(chosen, pileups, strict=False)]


def _masses(process: str, blocks: Mapping[int, int]) -> dict[str, int]:
    return {f"{process}_m{mass}": count for mass, count in blocks.items()}


DATASETS: Final = {
    "standard": Dataset(
        0,
        {
            "train": {"ttbar": 50, "qcd": 16},
            "validation": {"ttbar": 4, "qcd": 2},
            "test": {"ttbar": 12, "qcd": 4},
        },
    ),
    "boosted": Dataset(
        1,
        {
            "train": {
                **_masses("zprime_tt", {800: 8, 1200: 8, 2000: 8, 3200: 6}),
                **_masses("wprime_wz", {800: 6, 1200: 6, 2000: 6, 3200: 4}),
                **_masses("graviton_hbb", {1000: 5, 2000: 5}),
                **_masses("graviton_hcc", {1000: 5, 2000: 5}),
                **_masses("graviton_h4q", {1000: 5, 2000: 5}),
                **_masses("graviton_xx", {800: 10, 1500: 14, 3000: 10}),
                "qcd_boosted": 50,
            },
            "validation": {
                **_masses("zprime_tt", {1200: 1, 2000: 1}),
                **_masses("wprime_wz", {1200: 1, 2000: 1}),
                **_masses("graviton_hbb", {1500: 1}),
                **_masses("graviton_hcc", {1500: 1}),
                **_masses("graviton_h4q", {1500: 1}),
                **_masses("graviton_xx", {1500: 2}),
                "qcd_boosted": 4,
            },
            "test": {
                **_masses("zprime_tt", {1200: 2, 2000: 3}),
                **_masses("wprime_wz", {1200: 2, 2000: 2}),
                **_masses("graviton_hbb", {1500: 2}),
                **_masses("graviton_hcc", {1500: 1}),
                **_masses("graviton_h4q", {1500: 1}),
                **_masses("graviton_xx", {1500: 4}),
                "qcd_boosted": 12,
            },
        },
    ),
    "taus": Dataset(
        2,
        {
            "train": {"ztautau": 30, **_masses("zprime_tautau", {300: 4, 600: 4}), "zll": 12},
            "validation": {"ztautau": 3, "zll": 1},
            "test": {"ztautau": 8, **_masses("zprime_tautau", {300: 1}), "zll": 3},
        },
    ),
    # Of one event in four of Z bosons a tau is found, the others are too soft.
    "more_taus": Dataset(
        7,
        {
            "train": _masses("zprime_tautau", {125: 14, 200: 8}),
            "validation": _masses("zprime_tautau", {125: 3}),
            "test": _masses("zprime_tautau", {125: 3}),
        },
    ),
    "pileup": Dataset(
        3,
        {"train": {}, "validation": {}, "test": {"ttbar": 8}},
        test_pileup=(15, 25, 45, 60),
    ),
    "tops_and_bosons": Dataset(
        4,
        {
            "train": {
                **_masses("zprime_tt", {1000: 8, 2000: 8}),
                **_masses("wprime_wz", {1000: 10, 2000: 10}),
            },
            "validation": {},
            "test": {},
        },
    ),
}
"""All data sets by name: top quarks and jets of light quarks; boosted resonances; leptons; tests at
other pileups; more of the rarest classes of large jets."""


def files(names: Iterable[str], split: Split) -> list[Sample]:
    """The files of a split in several data sets."""
    return [sample for name in names for sample in DATASETS[name].samples(split)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulates what is missing of the data sets that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m training.datasets", description=__doc__)
    parser.add_argument("names", nargs="+", choices=list(DATASETS))
    parser.add_argument("--data", type=Path, required=True, help="folder for the files")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args(arguments)
    for name in given.names:
        for split in SPLITS:
            print(f"{name}, {split}", flush=True)
            make_samples(DATASETS[name].samples(split), given.data, given.workers)


if __name__ == "__main__":
    main()
