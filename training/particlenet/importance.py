"""How often each jet is seen in training: classes in chosen shares, spectra flat within each."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from sonicmini.modules.columns import Bools, Floats, Ints
from training.particlenet.jets import Jets
from training.particlenet.labels import QCD
from training.particlenet.recipes import Recipe

PT_STEP: Final = 0.15
"""Width of bins in log pT."""

MASS_EDGES: Final = (*np.arange(20.0, 261.0, 15.0),)
"""Of bins in mass (GeV)."""

LARGEST_BALANCE: Final = 5.0
"""By which the weight of a jet is changed at most to make spectra alike."""

MOST_COPIES: Final = 3.0
"""A jet is seen at most so often an epoch; beyond that it weighs more, up to the same again."""


def importance(jets: Jets, recipe: Recipe) -> Floats:
    """How much each jet counts; the mean is 1.

    Within each class all bins of pT, and of the mass if the recipe asks for that, count the same,
    as far as there are enough jets in them. If the recipe is a decorrelated one, the spectra of the
    signal are then made those of QCD, bin by bin, so that they tell nothing.
    """
    cell = _cells(jets, recipe.flat)
    group = groups(jets, recipe)
    flat = np.zeros(len(jets))
    for place in np.unique(group):
        mine = np.flatnonzero(group == place)
        flat[mine] = flattened(cell[mine], recipe.boost)
    shares = tuple(recipe.shares.values())
    result = shared(flat, group, shares)
    if recipe.decorrelated:
        is_qcd = np.isin(group, [recipe.classes.index(name) for name in QCD])
        result = shared(result * balance(cell, result, is_qcd), group, shares)
    return np.asarray(result / result.mean())


def shared(weight: Floats, group: Ints, shares: Sequence[float]) -> Floats:
    """Weights scaled so that their sums in the groups are the shares."""
    sums = np.bincount(group, weights=weight, minlength=len(shares))
    return np.asarray(weight * (np.array(shares) / np.where(sums > 0, sums, 1))[group])


def balance(cell: Ints, weight: Floats, is_qcd: Bools) -> Floats:
    """Factors that give the signal the spectrum of QCD, within limits; 1 for QCD."""
    count = int(cell.max(initial=0)) + 1
    qcd, signal = (
        np.bincount(cell[chosen], weights=weight[chosen], minlength=count) / weight[chosen].sum()
        for chosen in (is_qcd, ~is_qcd)
    )
    ratio = np.divide(qcd, signal, out=np.ones(count), where=signal > 0)
    return np.where(is_qcd, 1.0, np.clip(ratio, 1 / LARGEST_BALANCE, LARGEST_BALANCE)[cell])


def groups(jets: Jets, recipe: Recipe) -> Ints:
    """Which of the recipe's shares each jet belongs to: that of its class, or QCD or not."""
    return (
        np.where(jets.of_processes("qcd", "qcd_boosted"), 0, 1)
        if recipe.is_regression
        else jets.label
    )


def flattened(cell: Ints, boost: float) -> Floats:
    """What makes all cells count the same, but at most a factor more for those of few jets."""
    counts = np.bincount(cell)[cell]
    return np.asarray(1.0 / np.maximum(counts, counts.max() / boost))


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
