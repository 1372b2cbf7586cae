"""How often each jet is seen in training: classes in chosen shares, spectra flat within each."""

from typing import Final

import numpy as np

from sonicmini.modules.columns import Floats, Ints
from training.particlenet.jets import Jets
from training.particlenet.recipes import Recipe

PT_STEP: Final = 0.15
"""Width of bins in log pT."""

MASS_EDGES: Final = (*np.arange(20.0, 261.0, 15.0),)
"""Of bins in mass (GeV)."""

LARGEST_BOOST: Final = 12.0
"""Jets of rare bins count at most so much more than those of the most frequent bin of a class."""

MOST_COPIES: Final = 3.0
"""A jet is seen at most so often an epoch; beyond that it weighs more, up to the same again."""


def importance(jets: Jets, recipe: Recipe) -> Floats:
    """How much each jet counts; the mean is 1.

    Within each class all bins of pT, and of the mass if the recipe asks for that, count the same,
    as far as there are enough jets in them.
    """
    cell = _cells(jets, recipe.flat)
    group = groups(jets, recipe)
    result = np.zeros(len(jets))
    for place, share in enumerate(recipe.shares):
        mine = np.flatnonzero(group == place)
        if len(mine):
            flat = flattened(cell[mine])
            result[mine] = share * flat / flat.sum()
    return np.asarray(result / result.mean())


def groups(jets: Jets, recipe: Recipe) -> Ints:
    """Which of the recipe's shares each jet belongs to: that of its class, or QCD or not."""
    return (
        np.where(jets.of_processes("qcd", "qcd_boosted"), 0, 1)
        if recipe.is_regression
        else jets.label
    )


def flattened(cell: Ints) -> Floats:
    """What makes all cells count the same, at most a factor more for those of few jets."""
    counts = np.bincount(cell)[cell]
    return np.asarray(1.0 / np.maximum(counts, counts.max() / LARGEST_BOOST))


def copies(wanted: Floats, number: int, offset: float) -> Ints:
    """How often each jet is taken so that their sum is a given number.

    Args:
        wanted: how much each counts, shape ``(jets,)``.
        number: of all.
        offset: from 0 to 1; another one takes others.
    """
    capped = limited(wanted * (number / wanted.sum()))
    sums = np.cumsum(capped)
    steps = np.floor(sums * (number / sums[-1]) + offset)
    steps[-1] = number
    taken: Ints = np.diff(steps, prepend=0.0).astype(np.int64)
    return taken


def limited(wanted: Floats) -> Floats:
    """At most so many copies as are allowed."""
    return np.minimum(wanted, MOST_COPIES)


def loss_weight(wanted: Floats) -> Floats:
    """What jets count in the loss that should be seen more often than is allowed."""
    return np.clip(wanted / MOST_COPIES, 1.0, MOST_COPIES)


def _cells(jets: Jets, columns: tuple[str, ...]) -> Ints:
    """The bin of each jet."""
    cell = np.zeros(len(jets), np.int64)
    for name in columns:
        values = jets[name].astype(np.float64)
        if name == "pt":
            place = np.floor(np.log(values) / PT_STEP).astype(np.int64)
            place -= place.min()
        else:
            place = np.digitize(values, MASS_EDGES)
        cell = cell * (place.max() + 1) + place
    return cell
