"""From a training to the model in the repository: the network, its surroundings, its card."""

import shutil
from pathlib import Path
from typing import Final

import numpy as np
import torch

from sonicmini.inference.repository import ModelRepository
from sonicmini.modules.networks.particlenet.inputs import KNOWN
from sonicmini.modules.networks.particlenet.preprocess import FILE, Preprocess
from training.particlenet.card import Trained, render
from training.particlenet.checkpoint import load
from training.particlenet.dataset import JetDataset
from training.particlenet.evaluate import evaluate
from training.particlenet.export import export, verify
from training.particlenet.fit import interface
from training.particlenet.jets import Jets
from training.particlenet.recipes import Recipe
from training.repository import NETWORK, Serving, write_config

TOLERANCE: Final = 1e-5
"""Largest difference of torch and onnxruntime, of all jets but one in a hundred.

Of the others particles may change places that are equally far from a third one, but for rounding.
"""

VERIFIED: Final = 5_000
"""Validation jets on which both are compared."""

_BATCH: Final = 250

_BATCHES: Final = {
    "particlenet_AK4": (500, 200),
    "particlenet": (160, 80),
    "particlenet_AK8_MD-2prong": (160, 128),
    "particlenet_AK8_MassRegression": (200, 200),
}
"""Most jets of a request, and how many a server waits for: CMS's numbers, by model."""


def publish(recipe: Recipe, data: Path, models: Path) -> None:
    """Exports the best network of a training into the repository and verifies it.

    Raises:
        SystemExit: onnxruntime and torch differ.
    """
    source, folder = data / "networks" / recipe.network, models / recipe.model
    network = load(source / "best.pt")
    network.interface = interface(recipe)  # it may tell classes otherwise than when it was trained
    export(network, folder / NETWORK)
    shutil.copyfile(source / FILE, folder / FILE)
    write_config(folder, serving(recipe))
    torch.set_num_threads(1)
    jets = Jets.load(recipe, "validation", data).sample(VERIFIED)
    dataset = JetDataset(
        jets=jets,
        recipe=recipe,
        preprocess=Preprocess.read(folder, KNOWN),
        importance=np.ones(len(jets)),
    )
    difference = verify(network, folder / NETWORK, dataset.batches(0, _BATCH, 0))
    most = float(np.quantile(difference, 0.99))
    print(
        f"torch and onnxruntime differ by {most:.1e} at most for 99 % of {len(jets)} jets,"
        f" {np.median(difference):.1e} in the median, {difference.max():.1e} at most"
    )
    if most > TOLERANCE:
        raise SystemExit(f"the exported network differs by more than {TOLERANCE}")


def serving(recipe: Recipe) -> Serving:
    """What a server is told of a network, as in CMS's ``config.pbtxt``."""
    most, preferred = _BATCHES[recipe.model]
    return Serving(
        max_batch_size=most,
        preferred_batch_size=(preferred,),
        labels=() if recipe.is_regression else recipe.classes,
        label_filename="particlenet_labels.txt",
        graph_level=-1,
    )


def write_card(recipe: Recipe, data: Path, models: Path) -> None:
    """Measures the network in the repository on the test jets and writes its card."""
    source, folder = data / "networks" / recipe.network, models / recipe.model
    network = load(source / "best.pt")
    trained = Trained(
        interface=network.interface,
        sizes=network.sizes,
        history=(source / "history.txt").read_text(encoding="utf-8"),
        data=data,
    )
    report = evaluate(recipe, data, models)
    card = render(recipe, report, trained, ModelRepository(models).spec(recipe.model))
    (folder / "README.md").write_text(card, encoding="utf-8")
