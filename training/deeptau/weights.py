"""How much each candidate counts: classes in fixed shares, all with the pT spectrum of taus.

As in CMS's training (arXiv:2201.08458): the network is not to learn what is a tau from how hard it
is, since that is not what differs in an analysis.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.deeptau.layout import CLASSES

SHARES: Final = {"e": 0.15, "mu": 0.1, "tau": 0.375, "jet": 0.375}
"""Of the classes in the sum of all weights."""

PT_BINS: Final = np.array(
    [0, 20, 22, 24, 27, 30, 34, 38, 43, 50, 60, 75, 100, 150, 200, 300, 500, np.inf]
)
"""GeV."""

LARGEST: Final = 8.0
"""Largest weight over the mean of its class: few candidates are not to stand for many."""


def weights(label: NDArray[np.integer], pt: NDArray[np.floating]) -> NDArray[np.float32]:
    """The weight of each candidate, 1 on average, shape (candidates,).

    Args:
        label: place among ``CLASSES``.
        pt: GeV.
    """
    place = np.digitize(pt, PT_BINS) - 1
    target = _spectrum(place[label == CLASSES.index("tau")])
    found = np.zeros(len(label))
    for index, name in enumerate(CLASSES):
        mine = label == index
        if not mine.any():
            continue
        spectrum = _spectrum(place[mine])
        ratio = np.divide(target, spectrum, out=np.zeros_like(target), where=spectrum > 0)
        one = np.minimum(ratio, LARGEST)[place[mine]]
        found[mine] = SHARES[name] * one / max(one.sum(), 1e-9)
    return np.asarray(found / found.mean(), np.float32)


def _spectrum(place: NDArray[np.integer]) -> NDArray[np.float64]:
    counts = np.bincount(place, minlength=len(PT_BINS) - 1)
    return counts / max(len(place), 1)
