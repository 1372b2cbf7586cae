"""What a network's numbers mean, and the discriminators that are made of them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Singles = NDArray[np.float32]


class Ratio(NamedTuple):
    """A discriminator: probabilities over themselves and others.

    Attributes:
        over: labels of the numerator.
        others: labels that the denominator has besides.
    """

    over: tuple[str, ...]
    others: tuple[str, ...]


def label_of(name: str) -> str:
    """CMSSW's name of a class from that of ``preprocess.json``: ``label_Top_bcq`` is ``Tbcq``."""
    bare = name.rpartition("label_")[2].removeprefix("prob").replace("_", "")
    return f"T{bare[3:]}" if bare.startswith("Top") else bare


def total(scores: Mapping[str, Singles], labels: Sequence[str]) -> Singles:
    """Sum of the probabilities of some labels."""
    summed = np.zeros(len(scores[labels[0]]), np.float32)
    for label in labels:
        summed += scores[label]
    return summed


def discriminator(scores: Mapping[str, Singles], ratio: Ratio) -> Singles:
    """The ratio, 0 where all its probabilities are (CMSSW: ``BTagProbabilityToDiscriminator``)."""
    over = total(scores, ratio.over)
    below = over + total(scores, ratio.others)
    return np.asarray(np.divide(over, below, out=np.zeros_like(over), where=below > 0))
