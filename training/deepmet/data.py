"""Which simulated files the training of DeepMET uses: parts of the data sets of all networks."""

from collections import Counter
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from training.datasets import DATASETS
from training.samples import Sample, Split

Part: TypeAlias = Literal["train", "validation", "test", "pileup"]

PARTS: Final[tuple[Part, ...]] = ("validation", "test", "pileup", "train")

_TESTED: Final = {"standard": {"ttbar": 99, "qcd": 99}, "taus": {"ztautau": 99}}
"""Of validation and test: where missing momentum is small, medium, and next to none."""

_FILES: Final[Mapping[Part, Mapping[str, Mapping[str, int]]]] = {
    "train": {
        "standard": {"ttbar": 30, "qcd": 8},
        "boosted": {
            **dict.fromkeys(("zprime_tt_m800", "zprime_tt_m1200", "zprime_tt_m2000"), 2),
            **dict.fromkeys(("wprime_wz_m800", "wprime_wz_m1200", "wprime_wz_m2000"), 2),
            "graviton_hbb_m1000": 2,
        },
        "taus": {"ztautau": 6},
    },
    "validation": {**_TESTED, "boosted": {"zprime_tt_m1200": 1, "wprime_wz_m1200": 1}},
    "test": {**_TESTED, "boosted": {"zprime_tt_m1200": 2, "wprime_wz_m1200": 2}},
    "pileup": {"pileup": {"ttbar": 99}},
}
"""At most so many files of each process, by data set: half of those of training are ttbar."""


def files(part: Part) -> list[Sample]:
    """The files of a part, processes mixed within each data set.

    ``pileup`` are tests at other pileups.
    """
    split: Split = "test" if part == "pileup" else part
    chosen: list[Sample] = []
    for dataset, limits in _FILES[part].items():
        taken: Counter[str] = Counter()
        for sample in DATASETS[dataset].samples(split):
            if taken[sample.process] < limits.get(sample.process, 0):
                taken[sample.process] += 1
                chosen.append(sample)
    return chosen
