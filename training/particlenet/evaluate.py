"""Numbers and pictures of the model cards, on events that training and validation never saw."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from sonicmini.modules.columns import Bools
from training.particlenet import comparisons, pictures
from training.particlenet.comparisons import NETWORK, Comparison, Values
from training.particlenet.jets import Jets
from training.particlenet.labels import AK8, QCD
from training.particlenet.metrics import (
    Value,
    auc,
    improvement,
    mode,
    rejection,
    response,
    sculpting,
)
from training.particlenet.recipes import RECIPES, Recipe
from training.particlenet.scores import scores

EFFICIENCY: Final = 0.7
"""Of the signal, at which backgrounds are compared."""

LEAST_JETS: Final = 50
"""Bins with fewer jets of signal or background are not shown."""

RESONANCES: Final = {"T": "top", "W": "W", "Z": "Z", "H": "H"}
"""Of which the mass is measured, by the first letters of their classes."""

CUTS: Final = (0.01, 0.05)
"""Background efficiencies at which the sculpting of the mass is measured."""

SCULPTED: Final = np.arange(20.0, 261.0, 15.0)
"""Bins of the soft-drop mass (GeV) in which it is measured."""

COMPARED: Final[Mapping[str, Callable[[Path, Path], list[Comparison]]]] = {
    "ak4": comparisons.ak4,
    "ak8": comparisons.ak8,
    "ak8_md": comparisons.ak8_md,
}


@dataclass(frozen=True, kw_only=True)
class Separation:
    """How well one discriminator tells jets apart.

    Attributes:
        title: what from what.
        where: which jets.
        signal: number of jets, as ``background``.
        name: of the discriminator.
        area: under the curve.
        rejection: one over the background efficiency at :data:`EFFICIENCY`.
        target: of the area; None for none.
    """

    title: str
    where: str
    signal: int
    background: int
    name: str
    area: Value
    rejection: Value
    target: float | None = None


@dataclass(frozen=True, kw_only=True)
class Sculpting:
    """How much cuts on a discriminator change the spectrum of the mass, by :data:`CUTS`."""

    name: str
    jets: int
    divergences: Mapping[float, Value]


@dataclass(frozen=True, kw_only=True)
class Mass:
    """How well a mass is known.

    Attributes:
        where: which jets.
        jets: number of them.
        name: of the mass.
        response: median of mass over truth.
        mode: its most frequent value.
        resolution: half the width of the central 68.3 % over the median.
        improvement: by what part that is below the soft-drop mass's.
    """

    where: str
    jets: int
    name: str
    response: Value
    mode: float
    resolution: Value
    improvement: Value


@dataclass(frozen=True, kw_only=True)
class Report:
    """All that was measured.

    Attributes:
        separations: on all jets of each comparison.
        bins: the same in bins.
        sculptings: of the mass.
        masses: of the regression.
    """

    separations: list[Separation] = field(default_factory=list)
    bins: list[Separation] = field(default_factory=list)
    sculptings: list[Sculpting] = field(default_factory=list)
    masses: list[Mass] = field(default_factory=list)


def evaluate(recipe: Recipe, data: Path, models: Path) -> Report:
    """Measures the exported network on the test samples and draws the pictures of its card.

    Args:
        recipe: of the network.
        data: folder with the jets and the history of the training.
        models: repository with the network; pictures go beside it.
    """
    folder = models / recipe.model
    pictures.learning(data / "networks" / recipe.network / "history.txt", folder / "learning.png")
    if recipe.is_regression:
        return Report(masses=masses(recipe, data, models))
    compared = COMPARED[recipe.network](data, models)
    pictures.curves(_first(compared), folder / "roc.png")
    pictures.shapes(_first(compared), folder / "scores.png")
    return Report(
        separations=[one for comparison in compared for one in separations(comparison)],
        bins=[one for first in _first(compared) for one in binned(first)],
        sculptings=_sculptings(recipe, data, models) if recipe.network == "ak8_md" else [],
    )


def separations(comparison: Comparison, chosen: Bools | None = None) -> list[Separation]:
    """What each discriminator makes of the jets, or of some of them."""
    signal, background = comparison.signal, comparison.background
    if chosen is not None:
        signal, background = signal & chosen, background & chosen
    events = comparison.event[signal], comparison.event[background]
    return [
        Separation(
            title=comparison.title,
            where=comparison.where,
            signal=int(signal.sum()),
            background=int(background.sum()),
            name=name,
            area=auc(values[signal], values[background], events),
            rejection=rejection(values[signal], values[background], EFFICIENCY),
            target=comparison.target if name == NETWORK else None,
        )
        for name, values in comparison.discriminators.items()
    ]


def binned(comparison: Comparison) -> list[Separation]:
    """The same in the bins of a comparison that have enough jets; the bin in stead of where."""
    found = []
    for name, chosen in comparison.bins.items():
        enough = [(part & chosen).sum() for part in (comparison.signal, comparison.background)]
        if min(enough) >= LEAST_JETS:
            found += [
                Separation(**{**vars(one), "where": name, "target": None})
                for one in separations(comparison, chosen)
            ]
    return found


def _first(compared: list[Comparison]) -> list[Comparison]:
    """The first comparison of each title."""
    found: dict[str, Comparison] = {}
    for one in compared:
        found.setdefault(one.title, one)
    return list(found.values())


def masses(recipe: Recipe, data: Path, models: Path) -> list[Mass]:
    """Regression and soft drop: of all resonances, of each kind, in bins of the mass, of QCD."""
    jets = Jets.load(recipe, "test", data)
    found = {
        "ParticleNet": scores(recipe, jets, models).answers[:, 0],
        "soft drop": np.maximum(jets["msoftdrop"], 0),
    }
    selections = mass_selections(jets)
    pictures.masses(jets["target"], found, selections, models / recipe.model / "mass.png")
    return [
        _mass(where, chosen, name, (found, jets["target"]))
        for where, chosen in selections.items()
        if chosen.sum() >= LEAST_JETS
        for name in found
    ]


def mass_selections(jets: Jets) -> dict[str, Bools]:
    """Jets whose masses are measured, by what they are; the first ones decide about the target."""
    true, above = jets["target"], jets["pt"] > 200
    is_qcd = jets.of_processes("qcd", "qcd_boosted")
    resonances = ~is_qcd & above & (true > comparisons.LEAST_X_MASS)
    found = {f"resonances above {comparisons.LEAST_X_MASS:.0f} GeV": resonances}
    for letter, name in RESONANCES.items():
        classes = [AK8.index(one) for one in AK8 if one[0] == letter]
        found[name] = resonances & np.isin(jets["label"], classes)
    mixed = jets.of_processes("graviton_xx") & resonances
    for low, high in pairwise((40, 70, 100, 140, 190, 250)):
        found[f"X of {low} to {high} GeV"] = mixed & (true >= low) & (true < high)
    found["QCD, generated soft-drop mass above 40 GeV"] = is_qcd & above & (true > 40)
    return found


def _mass(where: str, chosen: Bools, name: str, both: tuple[Mapping[str, Values], Values]) -> Mass:
    found, true = both[0], both[1][chosen]
    mine, theirs = found[name][chosen], found["soft drop"][chosen]
    middle, width = response(mine, true)
    return Mass(
        where=where,
        jets=int(chosen.sum()),
        name=name,
        response=middle,
        mode=mode(mine / true),
        resolution=width,
        improvement=improvement(mine, theirs, true),
    )


def _sculptings(recipe: Recipe, data: Path, models: Path) -> list[Sculpting]:
    """Of the network for any mass, and of the general one on the same QCD jets."""
    found: dict[str, Values] = {}
    for network in (recipe.network, "ak8"):
        jets, _, values = comparisons.two_prong(network, data, models)
        chosen = np.isin(jets.label, [AK8.index(name) for name in QCD])
        chosen &= jets.of_processes("qcd_boosted") & (jets["pt"] > 200)
        found[RECIPES[network].model] = values[chosen]
    mass = jets["msoftdrop"][chosen]
    made = [
        Sculpting(
            name=name,
            jets=len(mass),
            divergences={cut: sculpting(mass, values, cut, SCULPTED) for cut in CUTS},
        )
        for name, values in found.items()
    ]
    shown = {one.name: one.divergences[CUTS[-1]] for one in made}
    path = models / recipe.model / "sculpting.png"
    pictures.sculpting((mass, found), CUTS[-1], shown, path)
    return made
