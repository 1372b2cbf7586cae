"""The training of one network: jets, how features are scaled, the network, what is shown."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import torch

from sonicmini.modules.networks.particlenet.inputs import KNOWN
from sonicmini.modules.networks.particlenet.preprocess import FILE, Preprocess
from training.particlenet.dataset import JetDataset
from training.particlenet.grooming import PT
from training.particlenet.importance import importance
from training.particlenet.jets import Jets
from training.particlenet.labels import QCD
from training.particlenet.metrics import auc, response
from training.particlenet.network import ParticleNet
from training.particlenet.options import PRESETS, Interface, TrainingOptions
from training.particlenet.recipes import Recipe
from training.particlenet.scaling import write_preprocess
from training.particlenet.train import Measure, train

Pair = tuple[tuple[str, ...], tuple[str, ...]]

PAIRS: Final[Mapping[str, Mapping[str, Pair]]] = {
    "ak4": {
        "b/light": (("b", "bb"), ("uds", "g", "undef")),
        "c/light": (("c", "cc"), ("uds", "g", "undef")),
    },
    "ak8": {
        "top/QCD": (("Tbcq", "Tbqq"), QCD),
        "WZH/QCD": (("Wcq", "Wqq", "Zbb", "Zcc", "Zqq", "Hbb", "Hcc"), QCD),
    },
    "ak8_md": {"X/QCD": (("Xbb", "Xcc", "Xqq"), QCD)},
}
"""Classes whose separation is shown after each epoch: areas under the curve."""

VALIDATION_JETS: Final = 50_000
"""As many are enough to see which epoch is the best."""

RESOLVED: Final = 40.0
"""GeV; the resolution of larger true masses is shown."""


def fit_network(
    recipe: Recipe,
    data: Path,
    options: TrainingOptions,
    *,
    sizes: str | None = None,
    number: int | None = None,
) -> ParticleNet:
    """Trains, or goes on training, with the jets that have been extracted.

    Args:
        recipe: of the network.
        data: with the jets; what the training writes is in ``networks/NETWORK`` there.
        options: of the training.
        sizes: name of a preset.
        number: jets of an epoch; the recipe's, or as many as there are, if not given.

    Raises:
        SystemExit: the network starts from another one that is not trained yet.
    """
    options = started(recipe, data, options)
    folder = data / "networks" / recipe.network
    training, validation = datasets(recipe, data, folder, number)
    torch.manual_seed(options.seed)
    preset = PRESETS[sizes or f"{recipe.family.name}-light"]
    scale = pt_scale(training.preprocess)
    network = ParticleNet(interface(recipe), preset, scale)
    return train(network, (training, validation), options, folder=folder, measure=measure(recipe))


def started(recipe: Recipe, data: Path, options: TrainingOptions) -> TrainingOptions:
    """Options with the network that the recipe starts from, unless they name a file themselves.

    Raises:
        SystemExit: it is not trained yet.
    """
    if recipe.starts_from is None or options.start_from is not None:
        return options
    path = data / "networks" / recipe.starts_from / "best.pt"
    if not path.is_file():
        raise SystemExit(
            f"{recipe.network} starts from the weights of {recipe.starts_from}, but there is no"
            f" {path}: train {recipe.starts_from} first, or name a network by --start-from"
        )
    return replace(options, start_from=path)


def interface(recipe: Recipe) -> Interface:
    """What the network reads and answers."""
    labels = () if recipe.is_regression else recipe.classes
    return Interface(pf=recipe.pf, sv=recipe.sv, labels=labels, told_as=recipe.told_as)


def pt_scale(preprocess: Preprocess) -> tuple[float, float]:
    """Median and norm factor of the feature that momenta are made of."""
    group = preprocess.group("pf_features")
    place = group.features.index(PT)
    return float(group.median[place]), float(group.norm_factor[place])


def datasets(
    recipe: Recipe, data: Path, folder: Path, number: int | None = None
) -> tuple[JetDataset, JetDataset]:
    """Jets for training, drawn by importance, and for validation, each once.

    ``preprocess.json`` is written to the folder, unless it is there: a training that goes on keeps
    its scales, also with more jets.
    """
    training, validation = (Jets.load(recipe, split, data) for split in ("train", "validation"))
    validation = validation.sample(VALIDATION_JETS)
    if not (folder / FILE).is_file():
        rows = {"pf": training.pf.values, "sv": training.sv.values}
        write_preprocess(recipe, rows, folder)
    preprocess = Preprocess.read(folder, KNOWN)
    return (
        JetDataset(
            jets=training,
            recipe=recipe,
            preprocess=preprocess,
            importance=importance(training, recipe),
            number=number or recipe.jets or len(training),
        ),
        JetDataset(
            jets=validation,
            recipe=recipe,
            preprocess=preprocess,
            importance=importance(validation, recipe),
        ),
    )


def measure(recipe: Recipe) -> Measure:
    """What is shown of validation's answers."""
    return _mass if recipe.is_regression else _Separation(recipe)


class _Separation:
    """Areas under the curves of a network's pairs."""

    def __init__(self, recipe: Recipe) -> None:
        self._classes, self._pairs = recipe.classes, PAIRS[recipe.network]

    def __call__(self, answers: torch.Tensor, labels: torch.Tensor) -> str:
        found, true = answers.double().numpy(), labels.numpy()
        parts = []
        for name, pair in self._pairs.items():
            first, second = ([self._classes.index(one) for one in names] for names in pair)
            over = found[:, first].sum(axis=1)
            ratio = over / np.maximum(over + found[:, second].sum(axis=1), 1e-30)
            signal, background = np.isin(true, first), np.isin(true, second)
            if signal.any() and background.any():
                parts.append(f"{name} {auc(ratio[signal], ratio[background]).value:.4f}")
        return "  ".join(parts)


def _mass(answers: torch.Tensor, targets: torch.Tensor) -> str:
    found, true = answers[:, 0].double().numpy(), targets.double().numpy()
    heavy = true > RESOLVED
    median, width = response(found[heavy], true[heavy])
    return f"response {median.value:.3f}  resolution {width.value:.4f}"
